import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Store, verify } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";

/** A store with one topic of several segments. */
async function filled(folder: string): Promise<string[]> {
  await using store = await Store.open(folder, { defaults: { segmentBytes: 4096 } });
  for (let i = 0; i < 20; i++) await store.append("orders", [{ value: "x".repeat(900) }]);
  const names = fs.readdirSync(join(folder, "orders-0")).filter((name) => name.endsWith(".log"));
  return names.toSorted().map((name) => join(folder, "orders-0", name));
}

function flip(path: string, position: number): void {
  const bytes = fs.readFileSync(path);
  bytes[position]! ^= 1;
  fs.writeFileSync(path, bytes);
}

describe("verify()", () => {
  test("counts what is there and finds nothing wrong with a good store", async () => {
    await using dir = tempDir();
    const segments = await filled(dir.path);
    const report = verify(dir.path);
    assert.equal(report.ok, true);
    assert.deepEqual(report.problems, []);
    const [partition] = report.partitions;
    assert.deepEqual([partition!.records, partition!.nextOffset], [20, 20]);
    assert.equal(partition!.segments, segments.length);
    assert.equal(verify(join(dir.path, "orders-0")).partitions[0]!.records, 20);
  });

  test("names the file, the position and the offsets of damage, and goes on", async () => {
    await using dir = tempDir();
    const segments = await filled(dir.path);
    flip(segments[1]!, 64 + 100);
    const report = verify(dir.path);
    assert.equal(report.ok, false);
    const [problem] = report.problems;
    assert.equal(problem!.severity, "damage");
    assert.equal(problem!.path, segments[1]);
    assert.equal(problem!.position, 64);
    assert.equal(problem!.end! - problem!.start!, 1);
    assert.equal(report.partitions[0]!.records, 19);
  });

  test("finds damaged headers, cut files and missing segments", async () => {
    for (
      const spoil of [
        (path: string) => flip(path, 64 + 20),
        (path: string) => flip(path, 20),
        (path: string) => fs.truncateSync(path, 1000),
        (path: string) => fs.rmSync(path),
      ]
    ) {
      await using dir = tempDir();
      const segments = await filled(dir.path);
      spoil(segments[1]!);
      const report = verify(dir.path);
      assert.equal(report.ok, false);
      assert.ok(report.problems.some(({ path }) => path === segments[1]));
    }
  });

  test("a torn tail of the active segment is a notice", async () => {
    await using dir = tempDir();
    const segments = await filled(dir.path);
    fs.appendFileSync(segments.at(-1)!, "torn");
    const report = verify(dir.path);
    assert.equal(report.ok, true);
    assert.match(report.problems[0]!.message, /torn tail/);
  });

  for (
    const [what, spoil] of [
      ["a flipped bit in the last batch", (path) => flip(path, fs.statSync(path).size - 20)],
      ["a missing last byte", (path) => fs.truncateSync(path, fs.statSync(path).size - 1)],
      ["a missing last batch", (path) => fs.truncateSync(path, 64)],
    ] as [string, (path: string) => void][]
  ) {
    test(`${what} of a log that was closed well is damage`, async () => {
      await using dir = tempDir();
      const active = (await filled(dir.path)).at(-1)!;
      spoil(active);
      const report = verify(dir.path);
      assert.equal(report.ok, false);
      const [problem] = report.problems;
      assert.deepEqual([problem!.severity, problem!.path], ["damage", active]);
      assert.equal(problem!.end, 20);
    });
  }

  test("a torn tail whose last header arrived is a notice, as opening cuts it off", async () => {
    await using dir = tempDir();
    const [live, killed] = [join(dir.path, "live"), join(dir.path, "killed")];
    await using store = await Store.open(live, { defaults: { sync: "os" } });
    for (const value of ["a", "b"]) await store.append("orders", [{ value }]);
    fs.cpSync(live, killed, { recursive: true });
    const active = join(killed, "orders-0", "00000000000000000000.log");
    flip(active, fs.statSync(active).size - 10);
    const report = verify(killed);
    assert.equal(report.ok, true);
    assert.match(report.problems[0]!.message, /torn tail/);
    await using again = await Store.open(killed);
    assert.equal((await again.bounds("orders")).nextOffset, 1);
  });

  test("a lost index is a notice", async () => {
    await using dir = tempDir();
    const segments = await filled(dir.path);
    fs.rmSync(segments[0]!.replace(".log", ".index"));
    const report = verify(dir.path);
    assert.equal(report.ok, true);
    assert.match(report.problems[0]!.message, /index is missing/);
  });

  test("a folder without a store is not found", async () => {
    await using dir = tempDir();
    // deno-lint-ignore require-await -- turns the throw into a rejection
    await rejectsWith("not-found", async () => verify(dir.path));
  });
});
