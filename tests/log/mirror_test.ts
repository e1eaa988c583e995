import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rehead } from "../../core/format/batch.ts";
import { encodeSegmentHeader } from "../../core/format/segment_header.ts";
import { readManifest } from "../../core/log/manifest.ts";
import { Log, type LogOptions, MemoryDisk, repair, verify } from "../../mod.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { storedBatch, viewOf } from "../support/stored_batch.ts";

const FOLDER = "/log";

function open(disk: MemoryDisk, options: LogOptions = {}): Promise<Log> {
  return Log.open(FOLDER, { disk, segmentBytes: 4096, ...options });
}

/** A source that was compacted: keys a and b in turn, with what is replaced removed. */
async function compacted(rounds = 30): Promise<Log> {
  const log = await Log.memory({ segmentBytes: 4096 });
  for (let round = 0; round < rounds; round++) {
    for (const key of ["a", "b"]) await log.append({ key, value: `${key}${round}`.repeat(30) });
    await log.append({ value: `none${round}` });
  }
  await log.compact();
  await log.appendAll([{ key: "a", value: "last" }, { value: "end" }]);
  return log;
}

describe("a log that mirrors another one", () => {
  test("takes in batches at their own offsets, several at once", async () => {
    await using log = await open(new MemoryDisk());
    const mirror = log.mirror();
    await Promise.all([0, 2, 4, 6].map((offset) => mirror.append(storedBatch(offset, ["x", "y"]))));
    assert.deepEqual(await mirror.bounds(), {
      logStartOffset: 0,
      durableOffset: 8,
      nextOffset: 8,
    });
    assert.deepEqual((await shown(log.records())).slice(0, 3), ["0:x", "1:y", "2:x"]);
  });

  test("refuses a batch that begins anywhere else, with what was expected", async () => {
    await using log = await open(new MemoryDisk());
    const mirror = log.mirror();
    await mirror.append(storedBatch(0, ["a"]));
    for (const offset of [0, 2]) {
      const error = await rejectsWith(
        "condition-failed",
        () => mirror.append(storedBatch(offset, ["b"])),
      );
      assert.deepEqual([error.details.expected, error.details.actual], [offset, 1]);
    }
    assert.equal(log.nextOffset, 1);
  });

  test("has all of a compacted log, offset for offset, also when it is opened again", async () => {
    await using source = await compacted();
    const disk = new MemoryDisk();
    const expected = await shown(source.records());
    {
      await using log = await open(disk);
      const mirror = log.mirror();
      for await (const batch of source.batches()) await mirror.append(batch);
      assert.deepEqual(await shown(log.records()), expected);
      assert.equal(log.recordCount, source.recordCount);
      assert.ok(log.recordCount < log.nextOffset);
      assert.ok(log.compactedTo > 0);
    }
    for (const _ of ["clean", "scanned"]) {
      const log = await open(disk);
      assert.deepEqual(await shown(log.records()), expected);
      assert.equal(log.recordCount, source.recordCount);
      assert.equal(log.segments.reduce((sum, { records }) => sum + records, 0), source.recordCount);
      await log.append({ value: "more" });
      expected.push(`${log.nextOffset - 1}:more`);
      await source.append({ value: "more" });
      disk.crash();
    }
    assert.deepEqual(verify(FOLDER, { disk }).problems.filter((p) => p.severity === "damage"), []);
  });

  test("has it, too, when its manifest had to be made anew", async () => {
    await using source = await compacted();
    const disk = new MemoryDisk();
    const copy = await open(disk);
    for await (const batch of source.batches()) await copy.mirror().append(batch);
    await copy.close();
    disk.removeFile(`${FOLDER}/partition.json`);
    assert.ok((await repair(FOLDER, { disk })).isDamaged);
    await using log = await open(disk);
    assert.deepEqual(await shown(log.records()), await shown(source.records()));
    assert.equal(log.recordCount, source.recordCount);
    assert.ok(log.compactedTo > 0);
  });

  test("refuses a batch that is not intact, and one whose offsets do not rise", async () => {
    await using log = await open(new MemoryDisk());
    const mirror = log.mirror();
    const bytes = storedBatch(0, ["hello"]).bytes.slice();
    bytes[70]! ^= 1;
    const torn = viewOf(bytes);
    await rejectsWith("invalid-record", () => mirror.append(torn));
    const dense = storedBatch(0, ["a", "b"]);
    const lying = viewOf(rehead(dense, { lastOffsetDelta: 5 }));
    await rejectsWith("invalid-record", () => mirror.append(lying)); // both have offset 0
    assert.equal(log.nextOffset, 0);
  });

  test("notes producers, and does not ask them for their numbers", async () => {
    await using log = await open(new MemoryDisk());
    const mirror = log.mirror();
    const stamped = (baseOffset: number, sequence: number) =>
      storedBatch(baseOffset, ["a"], { id: "p", epoch: 3, sequence });
    await mirror.append(stamped(0, 7));
    await mirror.append(stamped(1, 9)); // another log took 8 away
    const producer = { id: "p", epoch: 3, sequence: 9 };
    assert.equal(await log.append({ value: "again" }, { producer }), 1);
    assert.equal(
      await log.append({ value: "new" }, { producer: { ...producer, sequence: 10 } }),
      2,
    );
  });
});

describe("skipTo()", () => {
  test("lets a log that holds nothing begin there", async () => {
    const disk = new MemoryDisk();
    {
      await using log = await open(disk);
      const mirror = log.mirror();
      await mirror.skipTo(100, "removed");
      assert.deepEqual(await mirror.bounds(), {
        logStartOffset: 100,
        durableOffset: 100,
        nextOffset: 100,
      });
      await mirror.skipTo(120, "removed");
      await mirror.append(storedBatch(120, ["a"]));
    }
    await using log = await open(disk);
    assert.deepEqual(await shown(log.records()), ["120:a"]);
    assert.equal(log.logStartOffset, 120);
    assert.equal(log.segmentCount, 1);
    const files = disk.list(FOLDER)!.map(({ name }) => name).filter((name) =>
      name.endsWith(".log")
    );
    assert.deepEqual(files, ["00000000000000000120.log"]);
  });

  test("goes on behind a gap at the end of what a truncation took, and can be opened again", async () => {
    const disk = new MemoryDisk();
    {
      await using log = await open(disk);
      const mirror = log.mirror();
      await mirror.append(storedBatch(0, ["a", "b"]));
      await mirror.truncateBefore(2);
      await mirror.skipTo(5, "removed");
      await mirror.append(storedBatch(5, ["c"]));
      assert.deepEqual(await shown(log.records()), ["5:c"]);
    }
    await using log = await open(disk);
    assert.deepEqual(await shown(log.records()), ["5:c"]);
    assert.deepEqual(verify(FOLDER, { disk }).problems, []);
  });

  test("passes over removed offsets in silence, and says what was lost", async () => {
    const disk = new MemoryDisk();
    const check = async (log: Log) => {
      assert.deepEqual(await shown(log.records({ until: 11 })), ["0:a", "10:b"]);
      await rejectsWith("not-found", () => log.read(5));
      const lost = await rejectsWith("lost", () => log.read(15));
      assert.deepEqual([lost.details.start, lost.details.end], [11, 20]);
      assert.deepEqual(await shown(log.records({ from: 20 })), ["20:c"]);
      assert.deepEqual(await shown(log.records({ from: 20, reverse: true })), ["20:c"]);
      assert.equal(log.recordCount, 3);
    };
    {
      await using log = await open(disk);
      const mirror = log.mirror();
      // All of it is on its way at once.
      await Promise.all([
        mirror.append(storedBatch(0, ["a"])),
        mirror.skipTo(10, "removed"),
        mirror.append(storedBatch(10, ["b"])),
        mirror.skipTo(20, "lost"),
        mirror.append(storedBatch(20, ["c"])),
      ]);
      await check(log);
      await using outside = await Log.open(FOLDER, { disk, readOnly: true });
      await check(outside);
    }
    await using log = await open(disk);
    await check(log);
    assert.deepEqual(verify(FOLDER, { disk }).problems.filter((p) => p.severity === "damage"), []);
  });

  test("tells readers of what was lost before anything was taken in", async () => {
    await using log = await open(new MemoryDisk());
    const mirror = log.mirror();
    await mirror.skipTo(5, "removed");
    await mirror.skipTo(10, "lost");
    await mirror.append(storedBatch(10, ["a"]));
    assert.equal(log.logStartOffset, 5);
    await rejectsWith("lost", () => collect(log.records()));
    assert.deepEqual(await shown(log.records({ from: 10 })), ["10:a"]);
  });

  test("refuses to go back, and stays where it is", async () => {
    await using log = await open(new MemoryDisk());
    const mirror = log.mirror();
    await mirror.append(storedBatch(0, ["a", "b"]));
    for (const offset of [1, -1, 2.5, NaN]) {
      await rejectsWith("offset-out-of-range", () => mirror.skipTo(offset, "removed"));
    }
    await mirror.skipTo(2, "removed");
    assert.deepEqual([log.nextOffset, log.segmentCount], [2, 1]);
  });

  test("wakes those who wait for the end to move", async () => {
    await using log = await open(new MemoryDisk());
    const mirror = log.mirror();
    await mirror.append(storedBatch(0, ["a"]));
    const read = shown(log.records({ from: 0, until: 5, follow: true }));
    await mirror.skipTo(5, "removed");
    assert.deepEqual(await read, ["0:a"]);
  });

  test("is undone whole when the disk is full, and can be tried again", async () => {
    const disk = new MemoryDisk();
    await using log = await open(disk);
    const mirror = log.mirror();
    await mirror.append(storedBatch(0, ["a"]));
    const create = disk.create.bind(disk);
    disk.create = () => {
      throw Object.assign(new Error("no room"), {});
    };
    await assert.rejects(mirror.skipTo(10, "removed"));
    disk.create = create;
    await mirror.append(storedBatch(1, ["b"]));
    await mirror.skipTo(10, "removed");
    assert.deepEqual(await shown(log.records()), ["0:a", "1:b"]);
    assert.equal(log.nextOffset, 10);
  });

  test("leaves nothing of an empty segment that it gave up, also after a crash in between", async () => {
    const disk = new MemoryDisk();
    const log = await open(disk);
    await log.mirror().append(storedBatch(0, ["a"]));
    await log.mirror().skipTo(10, "removed");
    await log.mirror().skipTo(20, "lost"); // that of 10 is empty
    await log.close();
    const stale = disk.create(`${FOLDER}/00000000000000000010.log`); // as if a crash had kept it
    const { logId } = readManifest(disk, FOLDER)!;
    stale.write(encodeSegmentHeader({ salt: 7, baseOffset: 10, logId, createdMs: 1 }), 0);
    stale.close();
    await using again = await open(disk);
    assert.deepEqual([again.nextOffset, again.recordCount], [20, 1]);
    assert.ok(disk.sizeOf(`${FOLDER}/00000000000000000010.log`) === undefined);
  });
});

test("noteCompacted() holds for what is to come, and not past the end when it is opened anew", async () => {
  const disk = new MemoryDisk();
  {
    await using log = await open(disk);
    await log.mirror().append(storedBatch(0, ["a"]));
    await log.mirror().noteCompacted(50);
    assert.equal(log.compactedTo, 50);
    await log.mirror().noteCompacted(40);
    assert.equal(log.compactedTo, 50);
    await using outside = await Log.open(FOLDER, { disk, readOnly: true });
    assert.equal(outside.compactedTo, 50);
  }
  await using log = await open(disk);
  assert.equal(log.compactedTo, 1);
});
