/** Faults at awkward moments, each of which once lost something. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers";
import { BatchView, decodeBatch, encodeBatch, Log, MemoryDisk, SeglogError } from "../../mod.ts";
import { collect, rejectsWith, shown, take } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));
const eio = () => new SeglogError("io", "EIO");

/** Holds syncs of segments; each can be let go well or badly, by its number. */
function holdSyncs(disk: TrickDisk) {
  const held: { resolve: () => void; reject: (error: Error) => void }[] = [];
  disk.holdSync = (path) =>
    path.endsWith(".log")
      ? new Promise((resolve, reject) => held.push({ resolve, reject }))
      : Promise.resolve();
  return held;
}

describe("syncs", () => {
  test("one that returns well after another failed makes nothing durable any more", async () => {
    const disk = new TrickDisk();
    const clock = new FakeClock();
    const log = await Log.open("/log", { disk, clock, sync: "interval:100ms" });
    const held = holdSyncs(disk);
    await log.append({ value: "a" });
    clock.advance(100);
    await turn();
    const second = rejectsWith(
      "outcome-unknown",
      () => log.append({ value: "b" }, { sync: "always" }),
    );
    await turn();
    held[0]!.reject(eio());
    await turn();
    for (const sync of held.slice(1)) sync.resolve();
    await second;
    assert.deepEqual([log.durableOffset, log.nextOffset], [0, 0]);
    assert.deepEqual(await shown(log.records()), []);
    disk.holdSync = () => Promise.resolve();
    await log.close();
  });

  test("in the background there is one at a time, and none of a file that was closed", async () => {
    const disk = new TrickDisk();
    const clock = new FakeClock();
    const log = await Log.open("/log", { disk, clock, segmentBytes: 4096, sync: "interval:10ms" });
    const held = holdSyncs(disk);
    for (const value of ["a", "b", "c"]) {
      await log.append({ value });
      clock.advance(10);
      await turn();
    }
    assert.equal(held.length, 1);
    let isRolled = false;
    const rolling = log.append({ value: "x".repeat(4000) }).then(() => isRolled = true);
    await turn();
    assert.equal(isRolled, false, "the roll waits for the sync under way");
    disk.holdSync = () => Promise.resolve();
    held[0]!.resolve();
    await rolling;
    assert.equal(log.segmentCount, 2);
    await log.close();
  });

  test("nothing is rolled after one failed in the background", async () => {
    const disk = new TrickDisk();
    const clock = new FakeClock();
    const log = await Log.open("/log", { disk, clock, segmentBytes: 4096, sync: "interval:10ms" });
    const held = holdSyncs(disk);
    await log.append({ value: "a" });
    clock.advance(10);
    await turn();
    const rolling = rejectsWith("outcome-unknown", () => log.append({ value: "x".repeat(4000) }));
    await turn();
    const created: string[] = [];
    disk.onOperation = (operation, path) => {
      if (operation === "create") created.push(path);
    };
    disk.holdSync = () => Promise.resolve();
    held[0]!.reject(eio());
    await rolling;
    assert.deepEqual(created, []);
    await log.close();
  });
});

describe("writes", () => {
  test("a roll that failed, and could not be tidied up, is tried again", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk, segmentBytes: 4096 });
    const value = "x".repeat(3000);
    await log.append({ value });
    disk.onOperation = (operation, path) => {
      const isManifest = path.includes("partition.json");
      if ((operation === "create" && isManifest) || operation === "removeFile") throw eio();
    };
    await rejectsWith("io", () => log.append({ value }));
    disk.onOperation = () => {};
    assert.equal(await log.append({ value }), 1);
    assert.equal(log.segmentCount, 2);
    await log.close();
  });

  test("closing keeps what was acknowledged, also when an append fails meanwhile", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk, sync: "os" });
    await log.append({ value: "a" });
    disk.onOperation = (operation, path) => {
      if (operation === "write" && path.endsWith(".log")) {
        throw new SeglogError("disk-full", "full");
      }
    };
    const failing = rejectsWith("disk-full", () => log.append({ value: "b" }));
    await log.close();
    await failing;
    disk.onOperation = () => {};
    disk.crash();
    const again = await Log.open("/log", { disk });
    assert.deepEqual(await shown(again.records()), ["0:a"]);
    await again.close();
  });

  test("an error while a record is encoded is told to its caller, and to no one else", async () => {
    const log = await Log.memory({ compression: "zstd" });
    const value = "x".repeat(500);
    await log.append({ value });
    const spoiled = {
      get value(): string {
        throw new RangeError("Array buffer allocation failed");
      },
    };
    await assert.rejects(() => log.append(spoiled), RangeError);
    assert.equal(await log.append({ value }), 1);
    await log.close();
  });
});

describe("encoded batches", () => {
  const batchOf = (values: string[]) => {
    const bytes = encodeBatch(values.map((value) => ({ value })), { nowMs: 5 });
    const batch = decodeBatch(bytes, 0, 0);
    assert.ok(typeof batch !== "string");
    return batch;
  };

  test("one whose payload is damaged is refused", async () => {
    const log = await Log.memory();
    const batch = batchOf(["hello"]);
    batch.bytes[70]! ^= 1;
    await rejectsWith("invalid-record", () => log.appendBatch(batch));
    assert.equal(log.nextOffset, 0);
    await log.close();
  });

  test("one whose offsets have gaps is refused", async () => {
    const log = await Log.memory();
    const batch = batchOf(["hello"]);
    const thinned = new BatchView({ ...batch.header, lastOffsetDelta: 9 }, batch.bytes);
    await rejectsWith("invalid-record", () => log.appendBatch(thinned));
    assert.equal(await log.append({ value: "a" }), 0);
    await log.close();
  });
});

describe("readers", () => {
  test("a reverse reader that a truncation overtakes is told, and does not turn for ever", async () => {
    const log = await Log.memory();
    const value = "x".repeat(500);
    for (let i = 0; i < 200; i++) await log.append({ value });
    const records = log.records({ reverse: true });
    for (let i = 0; i < 10; i++) await records.next();
    await log.truncate({ before: 200 });
    await rejectsWith("offset-out-of-range", async () => {
      for (let i = 0; i < 200; i++) await records.next();
    });
    await log.close();
  });

  test("a follower whose end lies in a gap ends", async () => {
    const log = await Log.memory();
    for (let i = 0; i < 10; i++) await log.append({ value: `${i}` });
    await log.truncate({ after: 4 });
    const seen = await shown(log.records({ until: 7, follow: true }));
    assert.deepEqual(seen, ["0:0", "1:1", "2:2", "3:3", "4:4"]);
    await log.close();
  });

  test("a large compressed batch that a truncation cut can still be read", async () => {
    const log = await Log.memory({ compression: "zstd" });
    const value = new Uint8Array(8 * 1024 * 1024 - 64);
    const bytes = encodeBatch(Array.from({ length: 6 }, () => ({ value })), {
      nowMs: 5,
      codec: "zstd",
      bytesMax: 60 * 1024 * 1024,
    });
    const batch = decodeBatch(bytes, 0, 0);
    assert.ok(typeof batch !== "string");
    await log.appendBatch(batch);
    await log.truncate({ before: 1 });
    assert.equal((await collect(log.records())).length, 5);
    await log.close();
  });

  test("offsets that are no offsets are refused", async () => {
    const log = await Log.memory();
    await log.appendAll([{ value: "a" }, { value: "b" }]);
    for (const offset of [0.5, NaN, -1, Infinity]) {
      await rejectsWith("offset-out-of-range", () => log.read(offset));
      await rejectsWith("offset-out-of-range", () => collect(log.records({ from: offset })));
    }
    await rejectsWith("invalid-argument", () => collect(log.records({ until: NaN })));
    for (const range of [{}, { before: 1, after: 1 }]) {
      await rejectsWith("invalid-argument", () => log.truncate(range as { before: number }));
    }
    await log.close();
  });
});

describe("retention", () => {
  test("keeps as many records as it says, whatever gaps there are", async () => {
    const log = await Log.memory({ retentionRecords: 5 });
    for (let i = 0; i < 20; i++) await log.append({ value: `${i}` });
    await log.truncate({ after: 9 });
    await log.maintain();
    assert.deepEqual(await shown(log.records()), ["5:5", "6:6", "7:7", "8:8", "9:9"]);
    await log.append({ value: "next" });
    await log.maintain();
    assert.deepEqual((await shown(log.records())).slice(-2), ["9:9", "20:next"]);
    assert.equal((await shown(log.records())).length, 5);
    await log.close();
  });

  test("by age drops nothing when damage hides how old the records are", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const options = { disk, clock, segmentBytes: 4096, retentionMs: 1000 };
    const log = await Log.open("/log", options);
    for (let i = 0; i < 6; i++) await log.append({ value: "x".repeat(1500) });
    const file = disk.open("/log/00000000000000000000.log", "write");
    file.write(Uint8Array.of(0, 0, 0, 0), 64);
    await rejectsWith("corrupt", () => log.maintain());
    assert.equal(log.logStartOffset, 0);
    await rejectsWith("corrupt", () => collect(log.records()));
    assert.equal((await log.read(4)).offset, 4);
    await log.close();
  });
});

describe("a reader beside the owner", () => {
  const value = "x".repeat(1500);

  test("is told of a truncation, not of damage, when segments go away under it", async () => {
    const disk = new TrickDisk();
    const owner = await Log.open("/log", { disk, segmentBytes: 4096 });
    for (let i = 0; i < 20; i++) await owner.append({ value });
    const reader = await Log.open("/log", { disk, readOnly: true });
    const records = reader.records();
    await records.next();
    await owner.truncate({ before: 15 });
    await rejectsWith("offset-out-of-range", async () => {
      for (let i = 0; i < 20; i++) await records.next();
    });
    await reader.close();
    await owner.close();
  });

  test("looks again when the log rolls and drops between its looks", async () => {
    const disk = new TrickDisk();
    const owner = await Log.open("/log", { disk, segmentBytes: 4096 });
    await owner.append({ value });
    const reader = await Log.open("/log", { disk, readOnly: true });
    // As the reader reads the manifest, and before it opens what that lists, the owner goes on.
    const manifestBefore = contentOf(disk, "/log/partition.json");
    for (let i = 0; i < 9; i++) await owner.append({ value });
    await owner.truncate({ before: 9 });
    const stale = new TrickDisk();
    let looks = 0;
    stale.open = (path, mode) => {
      if (path.endsWith("partition.json") && ++looks === 1) return fileOf(manifestBefore);
      return disk.open(path, mode);
    };
    stale.sizeOf = (path) => disk.sizeOf(path);
    const late = await Log.open("/log", { disk: stale, readOnly: true });
    assert.deepEqual([late.logStartOffset, late.nextOffset], [9, 10]);
    assert.deepEqual([reader.logStartOffset, reader.nextOffset], [9, 10]);
    await late.close();
    await reader.close();
    await owner.close();
  });

  test("is told when the log is deleted and another is made in its place", async () => {
    const disk = new TrickDisk();
    const owner = await Log.open("/log", { disk });
    await owner.append({ value: "old" });
    const reader = await Log.open("/log", { disk, readOnly: true });
    const following = take(reader.records({ follow: true }), 2);
    await owner.close();
    disk.removeFolder("/log");
    const other = await Log.open("/log", { disk });
    await other.append({ value: "new" });
    await rejectsWith("not-found", () => following);
    await rejectsWith("not-found", () => Promise.resolve().then(() => reader.nextOffset));
    await reader.close();
    await other.close();
  });
});

function contentOf(disk: TrickDisk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  return bytes;
}

/** A file in memory with this content. */
function fileOf(bytes: Uint8Array) {
  const disk = new TrickDisk();
  disk.makeFolder("/");
  const file = disk.create("/file");
  file.write(bytes, 0);
  return file;
}
