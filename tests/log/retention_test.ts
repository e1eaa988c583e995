import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Gap } from "../../core/log/gaps.ts";
import { retainedStart } from "../../core/log/retention.ts";
import { Log, MemoryDisk } from "../../mod.ts";
import { collect, shown } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const VALUE = "x".repeat(900);
const UNLIMITED = { retentionMs: null, retentionBytes: null, retentionRecords: null };

describe("retainedStart()", () => {
  const state = {
    logStartOffset: 5,
    nextOffset: 100,
    gaps: [],
    segments: [
      { baseOffset: 0, nextOffset: 40, records: 40, bytes: 1000 },
      { baseOffset: 40, nextOffset: 80, records: 40, bytes: 1000 },
      { baseOffset: 80, nextOffset: 100, records: 20, bytes: 500 },
    ],
    offsetAt: (timestampMs: number) => timestampMs / 10,
  };

  test("without limits nothing goes", () => {
    assert.equal(retainedStart(state, UNLIMITED, 1000), 5);
  });

  test("by count, exactly so many are kept", () => {
    assert.equal(retainedStart(state, { ...UNLIMITED, retentionRecords: 30 }, 1000), 70);
    assert.equal(retainedStart(state, { ...UNLIMITED, retentionRecords: 1000 }, 1000), 5);
  });

  test("by count, offsets whose records were removed do not count", () => {
    const gaps = [{ start: 20, end: 40 }, { start: 70, end: 90 }];
    const keep = (retentionRecords: number) =>
      retainedStart({ ...state, gaps }, { ...UNLIMITED, retentionRecords }, 1000);
    assert.deepEqual([keep(5), keep(10), keep(11), keep(40), keep(41)], [95, 90, 69, 40, 19]);
    assert.equal(keep(1000), 5);
  });

  test("by count, at least so many are kept where records were compacted away", () => {
    const [first, second, third] = state.segments;
    const segments = [first!, { ...second!, records: 10 }, third!];
    const keep = (retentionRecords: number, gaps: Gap[] = []) =>
      retainedStart({ ...state, segments, gaps }, { ...UNLIMITED, retentionRecords }, 1000);
    assert.deepEqual([keep(20), keep(25), keep(30), keep(31)], [80, 45, 40, 39]);
    assert.deepEqual(keep(25, [{ start: 60, end: 80 }]), 35); // a cut may have taken the ten
  });

  test("by age, what is older goes", () => {
    assert.equal(retainedStart(state, { ...UNLIMITED, retentionMs: 400 }, 1000), 60);
  });

  test("by bytes, whole segments go while enough is left", () => {
    assert.equal(retainedStart(state, { ...UNLIMITED, retentionBytes: 400 }, 1000), 80);
    assert.equal(retainedStart(state, { ...UNLIMITED, retentionBytes: 501 }, 1000), 40);
    assert.equal(retainedStart(state, { ...UNLIMITED, retentionBytes: 9999 }, 1000), 5);
  });

  test("the strictest limit holds", () => {
    const policy = { retentionMs: 400, retentionBytes: 501, retentionRecords: 99 };
    assert.equal(retainedStart(state, policy, 1000), 60);
  });
});

describe("retention", () => {
  test("takes away only what is durable, so that offsets go on after a loss of power", async () => {
    const disk = new MemoryDisk();
    const options = { disk, sync: "os", retentionRecords: 3 } as const;
    const log = await Log.open("/log", options);
    for (let i = 0; i < 10; i++) await log.append({ value: `${i}` });
    await log.maintain();
    disk.crash();
    const again = await Log.open("/log", options);
    assert.deepEqual(await shown(again.records()), ["7:7", "8:8", "9:9"]);
    assert.equal(await again.append({ value: "next" }), 10);
    await again.close();
  });

  test("old segments are dropped when the log rolls", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk, segmentBytes: 4096, retentionBytes: 8000 });
    for (let i = 0; i < 40; i++) await log.append({ value: VALUE });
    await log.maintain();
    assert.ok(log.bytes < 16_000, `${log.bytes} bytes`);
    assert.ok(log.logStartOffset > 20);
    const files = disk.list("/log")!.filter(({ name }) => name.endsWith(".log"));
    assert.equal(files.length, log.segmentCount);
    assert.equal((await collect(log.records())).length, 40 - log.logStartOffset);
    await log.close();
  });

  test("by count: exactly the newest stay, after a restart too", async () => {
    const disk = new TrickDisk();
    const options = { disk, retentionRecords: 7 };
    const log = await Log.open("/log", options);
    for (let i = 0; i < 20; i++) await log.append({ value: `${i}` });
    await log.maintain();
    assert.equal(log.logStartOffset, 13);
    await log.close();
    const again = await Log.open("/log", options);
    assert.deepEqual((await collect(again.records())).map((record) => record.offset), [
      13,
      14,
      15,
      16,
      17,
      18,
      19,
    ]);
    await again.close();
  });

  test("by age: what is too old goes, and a log that is all too old is empty but not reset", async () => {
    const clock = new FakeClock();
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk, clock, retentionMs: 1000 });
    await log.append({ value: "old" });
    clock.advance(900);
    await log.append({ value: "newer" });
    clock.advance(200);
    await log.maintain();
    assert.equal(log.logStartOffset, 1);
    clock.advance(5000);
    await log.maintain();
    assert.deepEqual([log.logStartOffset, log.nextOffset], [2, 2]);
    assert.equal(log.bytes, 64, "the space is given back");
    assert.equal(await log.append({ value: "next" }), 2);
    await log.close();
  });

  test("a segment rolls by age, and an empty one does not", async () => {
    const clock = new FakeClock();
    const log = await Log.open("/log", { disk: new TrickDisk(), clock, segmentAgeMs: 1000 });
    clock.advance(5000);
    await log.maintain();
    assert.equal(log.segmentCount, 1);
    await log.append({ value: "a" });
    await log.maintain();
    assert.equal(log.segmentCount, 2);
    clock.advance(5000);
    await log.maintain();
    assert.equal(log.segmentCount, 2);
    await log.close();
  });
});

describe("truncate()", () => {
  test("deletes the segments wholly below, and keeps the active one when all is below", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk, segmentBytes: 4096 });
    for (let i = 0; i < 20; i++) await log.append({ value: VALUE });
    const before = log.segmentCount;
    await log.truncate({ before: 10 });
    assert.ok(log.segmentCount < before);
    await log.truncate({ before: 20 });
    assert.equal(log.segmentCount, 1);
    await log.close();
    const again = await Log.open("/log", { disk });
    assert.deepEqual([again.logStartOffset, again.nextOffset], [20, 20]);
    assert.equal(await again.append({ value: "next" }), 20);
    await again.close();
  });

  test("a crash at any step of a truncation leaves the old start or the new", async () => {
    for (let failAt = 1;; failAt++) {
      const disk = new TrickDisk();
      const log = await Log.open("/log", { disk, segmentBytes: 4096 });
      for (let i = 0; i < 12; i++) await log.append({ value: VALUE });
      let operations = 0;
      disk.onOperation = () => {
        if (++operations >= failAt) throw new Error("the machine is off");
      };
      let isDone = false;
      await log.truncate({ before: 9 }).then(() => isDone = true, () => {});
      disk.onOperation = () => {};
      disk.crash();
      const again = await Log.open("/log", { disk });
      assert.ok([0, 9].includes(again.logStartOffset), `after ${failAt} operations`);
      if (isDone) assert.equal(again.logStartOffset, 9);
      const offsets = (await collect(again.records())).map((record) => record.offset);
      assert.equal(offsets[0], again.logStartOffset);
      assert.equal(offsets.at(-1), 11);
      assert.equal(await again.append({ value: "next" }), 12);
      await again.close();
      if (isDone) break;
    }
  });

  test("after N survives a restart, in the middle of a batch and of a segment", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk, segmentBytes: 4096 });
    for (let i = 0; i < 10; i++) await log.appendAll([{ value: VALUE }, { value: VALUE }]);
    await log.truncate({ after: 6 });
    await log.append({ value: "next" });
    await log.close();
    const again = await Log.open("/log", { disk });
    const offsets = (await collect(again.records())).map((record) => record.offset);
    assert.deepEqual(offsets, [0, 1, 2, 3, 4, 5, 6, 20]);
    await again.truncate({ after: 3 });
    await again.truncate({ before: 2 });
    assert.deepEqual((await collect(again.records())).map((record) => record.offset), [2, 3]);
    assert.equal(await again.append({ value: "after all" }), 21);
    await again.close();
  });
});
