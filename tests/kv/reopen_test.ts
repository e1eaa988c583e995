/** A bucket that is opened again: by its checkpoint where that can be trusted, else from the log. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Kv, Store, verify } from "../../mod.ts";
import { collect } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const FOLDER = "/data";
const HINT = "/data/users-0/kv.hint";
/** Enough for a checkpoint at closing. */
const COUNT = 300;
const VALUE = "x".repeat(5000);

async function fill(disk: TrickDisk, from = 0, suffix = ""): Promise<void> {
  await using store = await Store.open(FOLDER, { disk });
  await using kv = await Kv.open(store, "users");
  await Promise.all(
    Array.from({ length: COUNT }, (_, i) => kv.set(`k${from + i}${suffix}`, VALUE)),
  );
  await kv.delete(`k${from}${suffix}`);
}

async function keysOf(disk: TrickDisk): Promise<string[]> {
  await using store = await Store.open(FOLDER, { disk });
  await using kv = await Kv.open(store, "users");
  return await collect(kv.keys());
}

const expected = (count: number) =>
  Array.from({ length: count }, (_, i) => `k${i}`).filter((_, i) => i % COUNT !== 0).toSorted();

describe("a bucket that is opened again", () => {
  test("takes up its checkpoint, and reads the rest from the log", async () => {
    const disk = new TrickDisk();
    await fill(disk);
    assert.ok(disk.sizeOf(HINT)! > 0);
    assert.deepEqual(await keysOf(disk), expected(COUNT));
    await fill(disk, COUNT);
    assert.deepEqual(await keysOf(disk), expected(2 * COUNT));
    assert.equal((await verify(FOLDER, { disk })).problems.length, 0);
  });

  test("reads the log when compaction has taken deletions behind its checkpoint", async () => {
    const disk = new TrickDisk();
    const clock = new FakeClock();
    await fill(disk);
    {
      await using store = await Store.open(FOLDER, { disk, clock });
      await store.configureTopic("users", { tombstoneMs: 0 });
      await store.append("users", [{ key: "k5", value: null }]);
      clock.advance(1);
      await store.compact("users");
      await store.append("users", [{ key: "new", value: "" }]);
    }
    const left = [...expected(COUNT).filter((key) => key !== "k5"), "new"].toSorted();
    assert.deepEqual(await keysOf(disk), left);
  });

  test("reads the log when the checkpoint is damaged, cut or of another topic", async () => {
    const disk = new TrickDisk();
    await fill(disk);
    const whole = readAll(disk, HINT);
    for (const bytes of [whole.toSpliced(200, 1, whole[200]! ^ 1), whole.slice(0, -1), []]) {
      writeAll(disk, HINT, bytes);
      assert.deepEqual(await keysOf(disk), expected(COUNT));
    }
    {
      await using store = await Store.open(FOLDER, { disk });
      await store.deleteTopic("users");
      await store.ensureTopic("users");
      await store.append(
        "users",
        Array.from({ length: COUNT + 1 }, () => ({ key: "a", value: "" })),
      );
    }
    writeAll(disk, HINT, whole);
    assert.deepEqual(await keysOf(disk), ["a"]);
  });

  test("reads the log when the checkpoint is of a topic that was deleted, whose last record it has", async () => {
    const disk = new TrickDisk();
    await fill(disk);
    const hint = readAll(disk, HINT);
    {
      await using store = await Store.open(FOLDER, { disk });
      const { key, value, timestamp } = await store.read("users", COUNT);
      await store.deleteTopic("users");
      await store.ensureTopic("users");
      const others = Array.from({ length: COUNT }, () => ({ key: "a", value: "" }));
      await store.append("users", [...others, { key, value, timestamp }]);
    }
    writeAll(disk, HINT, hint);
    assert.deepEqual(await keysOf(disk), ["a"]);
  });

  test("reads the log when a loss of power put other records where the checkpoint's were", async () => {
    const disk = new TrickDisk();
    const lost = await Store.open(FOLDER, { disk, defaults: { sync: "os" } });
    const kv = await Kv.open(lost, "users");
    await Promise.all(Array.from({ length: COUNT }, (_, i) => kv.set(`lost-${i}`, VALUE)));
    await kv.close();
    const hint = readAll(disk, HINT);
    disk.crash();
    await fill(disk);
    const after = await keysOf(disk);
    assert.ok(!after.includes("lost-0"));
    writeAll(disk, HINT, hint);
    assert.deepEqual(await keysOf(disk), after);
  });
});

function readAll(disk: TrickDisk, path: string): number[] {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  file.close();
  return [...bytes];
}

function writeAll(disk: TrickDisk, path: string, bytes: readonly number[]): void {
  if (disk.sizeOf(path) !== undefined) disk.removeFile(path);
  const file = disk.create(path);
  file.write(Uint8Array.from(bytes), 0);
  file.close();
}
