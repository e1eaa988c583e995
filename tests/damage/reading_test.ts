/** Reading a log with damage in it: an explicit error for those offsets, and everything else. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type DiskLock, Log, MemoryDisk, SeglogError, verify } from "../../mod.ts";
import { collect, rejectsWith, shown, take } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";

const FIRST = "/log/00000000000000000000.log";
/** Bytes of a batch with one record of two letters. */
const BATCH = 72;
/** Of an opener that is sure of itself. */
const HELD: DiskLock = { isHeld: () => true, release: () => {} };

/** A log of batches of one record each, all in one index interval. */
async function logOf(count: number, disk = new MemoryDisk()): Promise<Log> {
  const log = await Log.open("/log", { disk, clock: new FakeClock() });
  for (let i = 0; i < count; i++) await log.append({ value: `${i % 10}.` });
  return log;
}

function overwrite(disk: MemoryDisk, path: string, position: number, bytes: Uint8Array): void {
  const file = disk.open(path, "write");
  file.write(bytes, position);
  file.close();
}

/** Destroys the header of the batch with this number, in the first segment. */
function destroyHeader(disk: MemoryDisk, batch: number): void {
  overwrite(disk, FIRST, 64 + batch * BATCH + 20, Uint8Array.of(0xee));
}

/** Changes the payload of the batch with this number, in the first segment. */
function destroyPayload(disk: MemoryDisk, batch: number): void {
  overwrite(disk, FIRST, 64 + batch * BATCH + 66, Uint8Array.of(0xee));
}

/** Offsets as they are read, and `[start, end)` for those that cannot be. */
async function aroundDamage(log: Log, options: { reverse?: boolean } = {}): Promise<string[]> {
  const seen: string[] = [];
  let [from, until] = [log.logStartOffset, log.nextOffset];
  for (;;) {
    try {
      for await (const { offset } of log.records({ ...options, from, until })) {
        seen.push(`${offset}`);
        if (options.reverse) until = offset;
        else from = offset + 1;
      }
      return seen;
    } catch (error) {
      assert.ok(error instanceof SeglogError && error.code === "corrupt");
      const { start, end } = error.details;
      seen.push(`[${start}, ${end})`);
      if (options.reverse) until = Number(start);
      else from = Number(end);
    }
  }
}

describe("a batch whose header is damaged", () => {
  test("is an error that names its offsets, its place, and where reading can go on", async () => {
    const disk = new MemoryDisk();
    await using log = await logOf(6, disk);
    destroyHeader(disk, 2);
    const error = await rejectsWith("corrupt", () => log.read(2));
    const position = 64 + 2 * BATCH;
    assert.deepEqual(error.details, { start: 2, end: 3, path: FIRST, position });
    assert.equal(
      error.message,
      `Cannot read /log at offsets 2 to 2: header checksum does not match (position ${position} of ${FIRST}); reading can go on at offset 3`,
    );
  });

  test("takes nothing from those before and behind it", async () => {
    const disk = new MemoryDisk();
    await using log = await logOf(6, disk);
    destroyHeader(disk, 2);
    for (const offset of [0, 1, 3, 4, 5]) assert.equal((await log.read(offset)).offset, offset);
    assert.deepEqual(await aroundDamage(log), ["0", "1", "[2, 3)", "3", "4", "5"]);
    assert.deepEqual(await shown(log.records({ from: 3 })), ["3:3.", "4:4.", "5:5."]);
  });

  test("is told in reverse when what lies behind it was handed out", async () => {
    const disk = new MemoryDisk();
    await using log = await logOf(6, disk);
    destroyHeader(disk, 2);
    const backwards = await aroundDamage(log, { reverse: true });
    assert.deepEqual(backwards, ["5", "4", "3", "[2, 3)", "1", "0"]);
  });

  test("with others beside it is one range, at the start and at the end of a segment too", async () => {
    for (
      const [batches, seen] of [
        [[2, 3], "0 1 [2, 4) 4 5"],
        [[0, 1], "[0, 2) 2 3 4 5"],
        [[4, 5], "0 1 2 3 [4, 6)"],
        [[0, 1, 2, 3, 4, 5], "[0, 6)"],
      ] as const
    ) {
      const disk = new MemoryDisk();
      await using log = await logOf(6, disk);
      for (const batch of batches) destroyHeader(disk, batch);
      assert.equal((await aroundDamage(log)).join(" "), seen);
    }
  });

  test("or whose payload is: each kind names its own offsets", async () => {
    const disk = new MemoryDisk();
    await using log = await logOf(6, disk);
    destroyHeader(disk, 1);
    destroyPayload(disk, 2);
    destroyPayload(disk, 4);
    const forwards = await aroundDamage(log);
    assert.deepEqual(forwards, ["0", "[1, 2)", "[2, 3)", "3", "[4, 5)", "5"]);
    assert.deepEqual(await aroundDamage(log, { reverse: true }), forwards.toReversed());
  });

  test("names no offset that was truncated away", async () => {
    const disk = new MemoryDisk();
    await using log = await Log.open("/log", { disk });
    await log.appendAll([{ value: "a" }, { value: "b" }, { value: "c" }]);
    await log.append({ value: "d" });
    await log.append({ value: "e" });
    await log.append({ value: "f" });
    await log.truncate({ before: 1 });
    await log.truncate({ after: 4 });
    await log.append({ value: "next" });
    overwrite(disk, FIRST, 64 + 20, new Uint8Array(400).fill(0xee));
    assert.deepEqual(await aroundDamage(log), ["[1, 5)", "6"]);
    assert.deepEqual(await aroundDamage(log, { reverse: true }), ["6", "[1, 5)"]);
  });

  test("ends a follower, which can be started again behind it", async () => {
    const disk = new MemoryDisk();
    await using log = await logOf(3, disk);
    destroyHeader(disk, 1);
    const follower = log.records({ follow: true });
    assert.equal((await follower.next()).value!.offset, 0);
    const error = await rejectsWith("corrupt", () => follower.next());
    const next = take(log.records({ from: Number(error.details.end), follow: true }), 2);
    await log.append({ value: "new" });
    assert.deepEqual((await next).map(({ offset }) => offset), [2, 3]);
  });

  test("does not stop appends, and is told again by every reader", async () => {
    const disk = new MemoryDisk();
    await using log = await logOf(3, disk);
    destroyHeader(disk, 1);
    assert.equal(await log.append({ value: "new" }), 3);
    assert.deepEqual(await aroundDamage(log), ["0", "[1, 2)", "2", "3"]);
    assert.deepEqual(await aroundDamage(log), ["0", "[1, 2)", "2", "3"]);
  });

  test("far from the last index entry is found all the same, index or not", async () => {
    for (const hasIndex of [true, false]) {
      const disk = new MemoryDisk();
      await (await logOf(300, disk)).close();
      for (const batch of [7, 8, 120, 250]) destroyHeader(disk, batch);
      if (!hasIndex) disk.removeFile(FIRST.replace(".log", ".index"));
      await using log = await Log.open("/log", { disk, readOnly: true });
      const lost = (await aroundDamage(log)).filter((one) => one.startsWith("["));
      assert.deepEqual(lost, ["[7, 9)", "[120, 121)", "[250, 251)"]);
      for (let offset = 0; offset < 300; offset++) {
        const isLost = [7, 8, 120, 250].includes(offset);
        if (isLost) await rejectsWith("corrupt", () => log.read(offset));
        else assert.equal((await log.read(offset)).offset, offset);
      }
    }
  });
});

describe("a batch that lies out of its place", () => {
  test("is read where it belongs, and is not taken for what it lies over", async () => {
    for (let to = 0; to < 6; to++) {
      for (let from = 0; from < 6; from++) {
        if (from === to) continue;
        const disk = new MemoryDisk();
        await using log = await logOf(6, disk);
        const batch = new Uint8Array(BATCH);
        disk.open(FIRST, "read").read(batch, 64 + from * BATCH);
        overwrite(disk, FIRST, 64 + to * BATCH, batch);
        const seen = await aroundDamage(log);
        const others = [0, 1, 2, 3, 4, 5].filter((one) => one !== to);
        assert.deepEqual(seen.filter((one) => !one.startsWith("[")), others.map(String));
        assert.ok(seen.includes(`[${to}, ${to + 1})`), `${from} over ${to}: ${seen}`);
        const backwards = await aroundDamage(log, { reverse: true });
        assert.deepEqual(backwards, seen.toReversed());
        assert.equal(verify("/log", { disk }).ok, to === 5, "the last may be a torn tail");
      }
    }
  });
});

describe("a segment that is missing, or not the right one", () => {
  test("is an error that names all of its offsets, and others are read", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const log = await Log.open("/log", { disk, clock, segmentAgeMs: 10 });
    for (let i = 0; i < 9; i++) {
      if (i > 0 && i % 3 === 0) clock.advance(10);
      await log.append({ value: `${i}` });
    }
    disk.removeFile("/log/00000000000000000003.log");
    overwrite(disk, FIRST, 0, Uint8Array.of(0)); // its magic
    assert.deepEqual(await aroundDamage(log), ["[0, 3)", "[3, 6)", "6", "7", "8"]);
    const backwards = await aroundDamage(log, { reverse: true });
    assert.deepEqual(backwards, ["8", "7", "6", "[3, 6)", "[0, 3)"]);
    const missing = await rejectsWith("corrupt", () => log.read(4));
    assert.match(missing.message, /at offsets 3 to 5: the file is missing \(.*0003\.log\)/);
    const damaged = await rejectsWith("corrupt", () => log.read(1));
    assert.match(damaged.message, /at offsets 0 to 2: segment magic is missing/);
    await log.close();
  });
});

describe("looking for a time", () => {
  /** Times rise by 10 from 1000 on. */
  async function timed(count: number, disk: MemoryDisk): Promise<Log> {
    const log = await Log.open("/log", { disk, clock: new FakeClock() });
    for (let i = 0; i < count; i++) {
      await log.append({ value: `${i % 10}.`, timestamp: 1000 + 10 * i });
    }
    return log;
  }

  test("is an error that names the records that may be as young, and only then", async () => {
    for (const destroy of [destroyHeader, destroyPayload]) {
      const disk = new MemoryDisk();
      await using log = await timed(6, disk);
      destroy(disk, 2);
      assert.equal(log.offsetAt(1010), 1, "the answer lies before the damage");
      const error = await rejectsWith(
        "corrupt",
        () => Promise.resolve().then(() => log.offsetAt(1020)),
      );
      assert.deepEqual([error.details.start, error.details.end], [2, 3]);
    }
  });

  test("does not pass over damage because the index was lost, too", async () => {
    const disk = new MemoryDisk();
    await (await timed(200, disk)).close();
    destroyHeader(disk, 2);
    disk.removeFile(FIRST.replace(".log", ".index"));
    await using log = await Log.open("/log", { disk, readOnly: true });
    const error = await rejectsWith(
      "corrupt",
      () => Promise.resolve().then(() => log.offsetAt(1020)),
    );
    assert.deepEqual([error.details.start, error.details.end], [2, 3]);
  });

  test("retention by age goes as far as the damage, says so, and past it with the whole segment", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock(1000);
    await using log = await Log.open("/log", { disk, clock, retentionMs: 1000, segmentAgeMs: 100 });
    for (let i = 0; i < 6; i++) {
      await log.append({ value: `${i}.` });
      clock.advance(10);
    }
    destroyHeader(disk, 3);
    clock.advance(1000 - 15);
    const error = await rejectsWith("corrupt", () => log.maintain());
    assert.deepEqual([error.details.start, error.details.end], [3, 4]);
    assert.equal(log.logStartOffset, 3);
    clock.advance(1000);
    await log.append({ value: "new" });
    await log.maintain();
    assert.equal(log.logStartOffset, 6);
    assert.deepEqual(await shown(log.records()), ["6:new"]);
  });
});

describe("reading beside the owner", () => {
  test("what lies behind damage in the active segment is found, and what comes then", async () => {
    const disk = new MemoryDisk();
    await using owner = await logOf(6, disk);
    destroyHeader(disk, 1);
    destroyPayload(disk, 3);
    await using reader = await Log.open("/log", { disk, readOnly: true });
    assert.equal(reader.nextOffset, 6);
    assert.deepEqual(await aroundDamage(reader), ["0", "[1, 2)", "2", "[3, 4)", "4", "5"]);
    await owner.append({ value: "new" });
    assert.deepEqual((await aroundDamage(reader)).at(-1), "6");
    assert.ok(reader.durableOffset <= reader.nextOffset);
  });

  test("a last batch that is not whole is not there yet, whatever was damaged before it", async () => {
    const disk = new MemoryDisk();
    await using _owner = await logOf(6, disk);
    destroyHeader(disk, 1);
    destroyHeader(disk, 5);
    await using reader = await Log.open("/log", { disk, readOnly: true });
    assert.equal(reader.nextOffset, 5);
    assert.deepEqual(await aroundDamage(reader), ["0", "[1, 2)", "2", "3", "4"]);
  });

  test("damage that comes while a reader looks on is an error, and does not end the log", async () => {
    const disk = new MemoryDisk();
    await using owner = await logOf(3, disk);
    await using reader = await Log.open("/log", { disk, readOnly: true });
    assert.equal(reader.nextOffset, 3);
    await owner.append({ value: "3." });
    destroyHeader(disk, 3);
    assert.equal(reader.nextOffset, 3, "it may be being written");
    await owner.append({ value: "4." });
    assert.equal(reader.nextOffset, 5);
    assert.deepEqual(await aroundDamage(reader), ["0", "1", "2", "[3, 4)", "4"]);
  });

  test("a log that was closed well has its end, whatever became of its active segment", async () => {
    for (
      const spoil of [
        (disk: MemoryDisk) => disk.removeFile(FIRST),
        (disk: MemoryDisk) => disk.open(FIRST, "write").truncate(0),
        (disk: MemoryDisk) => disk.open(FIRST, "write").truncate(64),
        (disk: MemoryDisk) => overwrite(disk, FIRST, 0, new Uint8Array(700)),
      ]
    ) {
      const disk = new MemoryDisk();
      await (await logOf(6, disk)).close();
      spoil(disk);
      await using reader = await Log.open("/log", { disk, readOnly: true });
      assert.equal(reader.nextOffset, 6);
      assert.deepEqual(await aroundDamage(reader), ["[0, 6)"]);
      const [problem] = verify("/log", { disk }).problems;
      assert.deepEqual([problem!.severity, problem!.start, problem!.end], ["damage", 0, 6]);
    }
  });

  test("an active segment that comes back is read and followed again", async () => {
    const disk = new MemoryDisk();
    await (await logOf(3, disk)).close();
    await using reader = await Log.open("/log", { disk, readOnly: true });
    overwrite(disk, FIRST, 8, Uint8Array.of(0xee));
    await using late = await Log.open("/log", { disk, readOnly: true });
    assert.deepEqual(await aroundDamage(late), ["[0, 3)"]);
    overwrite(disk, FIRST, 8, Uint8Array.of(1));
    await using owner = await Log.open("/log", { disk, clock: new FakeClock() });
    await owner.append({ value: "new" });
    assert.equal(owner.segmentCount, 1);
    for (const one of [reader, late]) {
      assert.deepEqual((await collect(one.records())).map(({ offset }) => offset), [0, 1, 2, 3]);
    }
  });
});

describe("opening for writing", () => {
  test("that is refused has put away no file before", async () => {
    const disk = new MemoryDisk();
    const log = await logOf(3, disk);
    const stray = "/log/00000000000000000099.log";
    disk.create(stray).write(new Uint8Array(100), 0);
    destroyHeader(disk, 0);
    const error = await rejectsWith("corrupt", () => Log.openLocked("/log", { disk, lock: HELD }));
    assert.equal(error.details.position, 64);
    assert.equal(disk.sizeOf(stray), 100);
    await log.close();
  });

  test("is refused when the end is torn below what a truncation removed: no offset comes twice", async () => {
    const disk = new MemoryDisk();
    await using log = await logOf(3, disk);
    await log.truncate({ before: 3 });
    destroyPayload(disk, 2);
    const error = await rejectsWith("corrupt", () => Log.openLocked("/log", { disk, lock: HELD }));
    assert.deepEqual([error.details.position, error.details.offset], [64 + 2 * BATCH, 2]);
    assert.equal(verify("/log", { disk }).ok, false);
    await using reader = await Log.open("/log", { disk, readOnly: true });
    assert.deepEqual([reader.logStartOffset, reader.nextOffset], [3, 3]);
  });

  test("goes on where damage lies only in records that were removed, unless it has to scan", async () => {
    const disk = new MemoryDisk();
    const log = await logOf(100, disk); // more than the tail that is read in any case
    await log.truncate({ before: 2 });
    await log.close();
    destroyPayload(disk, 0);
    const [problem] = verify("/log", { disk }).problems;
    assert.equal(problem!.severity, "notice");
    assert.match(problem!.message, /no record is lost by that$/);
    await (await Log.open("/log", { disk })).close();
    disk.removeFile(FIRST.replace(".log", ".index"));
    assert.equal(verify("/log", { disk }).ok, false);
    await rejectsWith("corrupt", () => Log.open("/log", { disk }));
  });

  test("without a manifest is refused, and removes no segment, be one without records", async () => {
    const disk = new MemoryDisk();
    await (await logOf(3, disk)).close();
    disk.removeFile("/log/partition.json");
    disk.create("/log/00000000000000000003.log").write(new Uint8Array(64), 0);
    for (const options of [{ disk }, { disk, create: false }, { disk, readOnly: true }]) {
      const error = await rejectsWith("corrupt", () => Log.open("/log", options));
      assert.match(error.message, /has segments and no partition\.json/);
    }
    assert.equal(disk.sizeOf("/log/00000000000000000003.log"), 64);
    assert.equal(verify("/log", { disk }).ok, false);
  });
});

describe("verify()", () => {
  test("tells damage of the active segment from a torn tail, as recovery does", async () => {
    const disk = new MemoryDisk();
    const log = await logOf(4, disk);
    const severities = () => verify("/log", { disk }).problems.map(({ severity }) => severity);
    destroyHeader(disk, 3);
    assert.deepEqual(severities(), ["notice"], "the last batch may not have been synced");
    await log.close();
    assert.deepEqual(severities(), ["damage"], "the manifest knows that it was");
    const [problem] = verify("/log", { disk }).problems;
    assert.deepEqual([problem!.start, problem!.end, problem!.position], [3, 4, 64 + 3 * BATCH]);
  });

  test("names the same offsets as readers, and goes on behind each", async () => {
    const disk = new MemoryDisk();
    await using _log = await logOf(9, disk);
    destroyHeader(disk, 1);
    destroyPayload(disk, 2);
    destroyHeader(disk, 5);
    destroyHeader(disk, 6);
    const { ok, problems, partitions } = verify("/log", { disk });
    assert.equal(ok, false);
    assert.deepEqual(problems.map(({ start, end }) => [start, end]), [[1, 2], [2, 3], [5, 7]]);
    assert.deepEqual([partitions[0]!.records, partitions[0]!.nextOffset], [5, 9]);
  });
});
