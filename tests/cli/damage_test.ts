/** `dump` and `verify`, on what is whole and on what is damaged. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";

/** Three segments of two batches each, offsets 0 to 5. */
async function threeSegments(at: string): Promise<string[]> {
  await using store = await Store.open(at);
  await store.ensureTopic("t", { segmentBytes: 4096 });
  for (let i = 0; i < 6; i++) await store.append("t", [{ value: `${i}`.repeat(1900) }]);
  const folder = join(at, "t-0");
  const segments = fs.readdirSync(folder).filter((name) => name.endsWith(".log")).sort();
  assert.equal(segments.length, 3);
  return segments.map((name) => join(folder, name));
}

/** Changes one byte in the middle of the first batch's payload. */
function damage(segment: string): void {
  const bytes = fs.readFileSync(segment);
  bytes[64 + 64 + 500]! ^= 0xff;
  fs.writeFileSync(segment, bytes);
}

test("dump shows a segment, a partition or a whole store, in the order of offsets", async () => {
  await using dir = tempDir();
  const at = dir.path;
  const segments = await threeSegments(at);
  const one = await runMain(["dump", segments[1]!], { at });
  assert.equal(one.code, 0);
  const lines = one.out.trimEnd().split("\n");
  assert.match(lines[0]!, /^segment: .*00000000000000000002\.log /);
  assert.match(lines[1]!, /^baseOffset: 2 lastOffset: 2 count: 1 position: 64 .* crc: ok/);
  assert.match(lines[2]!, /^\| offset: 2 timestamp: \S+ type: text value: 2222/);
  for (const args of [[], [at], [join(at, "t-0")], segments]) {
    const { code, out } = await runMain(["dump", ...args], { at });
    assert.equal(code, 0);
    const offsets = [...out.matchAll(/^\| offset: (\d+)/gm)].map(([, offset]) => offset);
    assert.deepEqual(offsets, ["0", "1", "2", "3", "4", "5"], args.join(" "));
  }
  const headers = await runMain(["dump", "--headers-only"], { at });
  assert.doesNotMatch(headers.out, /^\|/m);
  const shapes = await runMain(["dump", "-J"], { at });
  assert.deepEqual(
    shapes.out.trimEnd().split("\n").map((line) => JSON.parse(line).offset),
    [0, 1, 2, 3, 4, 5],
  );
  assert.equal((await runMain(["dump", join(at, "no.log")], { at })).code, 3);
  assert.equal((await runMain(["dump", "-J", "--headers-only"], { at })).code, 2);
});

test("dump says where the damage is, goes on behind it, and exits with 5", async () => {
  await using dir = tempDir();
  const at = dir.path;
  damage((await threeSegments(at))[0]!);
  const { code, out, err } = await runMain(["dump"], { at });
  assert.equal(code, 5);
  const offsets = [...out.matchAll(/^\| offset: (\d+)/gm)].map(([, offset]) => offset);
  assert.deepEqual(offsets, ["1", "2", "3", "4", "5"]);
  assert.match(err, /^seglog: .*00000000000000000000\.log: damage: position: 64 .*\n$/);
  assert.equal((await runMain(["dump", "-J"], { at })).code, 5);
});

test("verify counts what is there, and exits with 5 at damage", async () => {
  await using dir = tempDir();
  const at = dir.path;
  const segments = await threeSegments(at);
  const whole = await runMain(["verify"], { at });
  assert.equal(whole.code, 0);
  assert.match(
    whole.out,
    /^PARTITION\tSEGMENTS\tRECORDS\tBYTES\tNEXT\n.*t-0\t3\t6\t\d+\t6\n$/,
  );
  assert.match(whole.err, /everything is intact\n$/);
  damage(segments[0]!);
  const damaged = await runMain(["verify", at], { at: "elsewhere" });
  assert.equal(damaged.code, 5);
  assert.match(
    damaged.err,
    /damage: .*\.log at position 64 \(offsets 0\): .*\n.*1 place damaged\n/,
  );
  const json = await runMain(["verify", "-J"], { at });
  assert.equal(json.code, 5);
  const report = JSON.parse(json.out);
  assert.deepEqual([report.version, report.ok, report.problems.length], [1, false, 1]);
});

test("reading damaged offsets exits with 5 and names them; those before came out", async () => {
  await using dir = tempDir();
  const at = dir.path;
  damage((await threeSegments(at))[1]!);
  const { code, out, err } = await runMain(["read", "t", "-f", "%o "], { at });
  assert.deepEqual([code, out], [5, "0 1 "]);
  assert.match(err, /^seglog: Cannot read .*offsets 2 to 2.*checksum/);
  assert.equal((await runMain(["read", "t", "-o", "3", "-f", "%o "], { at })).out, "3 4 5 ");
});

/** Changes one byte of the header of the second batch. */
function damageHeader(segment: string): void {
  const bytes = fs.readFileSync(segment);
  bytes[bytes.indexOf("SLB", 100) + 20]! ^= 0xff;
  fs.writeFileSync(segment, bytes);
}

test("a damaged header is told with its offsets, by reading, by tail and by verify", async () => {
  await using dir = tempDir();
  const at = dir.path;
  const segments = await threeSegments(at);
  damageHeader(segments[1]!);
  const forwards = await runMain(["read", "t", "-f", "%o "], { at });
  assert.deepEqual([forwards.code, forwards.out], [5, "0 1 2 "]);
  assert.match(forwards.err, /Cannot read "t" at offsets 3 to 3: .* can go on at offset 4\n$/);
  assert.equal((await runMain(["read", "t", "-o", "4:", "-f", "%o "], { at })).out, "4 5 ");
  const backwards = await runMain(["read", "t", "--reverse", "-f", "%o "], { at });
  assert.deepEqual([backwards.code, backwards.out], [5, "5 4 "]);
  const last = await runMain(["tail", "t", "-n", "2"], { at });
  assert.deepEqual([last.code, last.out], [0, `${"4".repeat(1900)}\n${"5".repeat(1900)}\n`]);
  assert.equal((await runMain(["tail", "t", "-n", "4"], { at })).code, 5);
  const json = await runMain(["verify", "-J"], { at });
  assert.equal(json.code, 5);
  const [problem] = JSON.parse(json.out).problems;
  assert.deepEqual([problem.start, problem.end, problem.path], [3, 4, segments[1]]);
});

test("verify exits with 5 for the end of a log that was closed well, and for lost files", async () => {
  for (const spoil of [damageHeader, (path: string) => fs.rmSync(path)]) {
    await using dir = tempDir();
    const at = dir.path;
    const segments = await threeSegments(at);
    spoil(segments[2]!);
    const { code, err } = await runMain(["verify"], { at });
    assert.equal(code, 5);
    assert.match(err, /damage: .*\.log.* \(offsets (5|4\.\.6)\): .*\n.*1 place damaged\n/);
  }
});

test("verify says from which offset on a log without an end is lost", async () => {
  await using dir = tempDir();
  const at = dir.path;
  await using store = await Store.open(at);
  await store.append("t", [{ value: "a" }]);
  const copy = join(dir.path, "crashed");
  fs.cpSync(join(at, "t-0"), copy, { recursive: true });
  fs.rmSync(join(copy, "00000000000000000000.log"));
  const { code, err } = await runMain(["verify", copy], { at });
  assert.equal(code, 5);
  assert.match(err, /\(from offset 0 on\): .*the file is missing/);
});
