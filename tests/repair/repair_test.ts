/** `repair()`: the way past damage, which gives up what cannot be read and nothing else. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rehead } from "../../core/format/batch.ts";
import { concatBytes } from "../../core/base/bytes.ts";
import { type BatchView, decodeBatch, encodeBatch, Log, repair, verify } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { CASES } from "./cases.ts";
import { checkNothingIsGone, checkReads, type Range, rangeOf } from "./checks.ts";
import {
  bytesOf,
  COUNT,
  cut,
  expectedPast,
  filesIn,
  fillLog,
  flip,
  flipHeader,
  flipPayload,
  FOLDER,
  positionOf,
  readPast,
  SEGMENT_BYTES,
  segmentOf,
  valueAt,
} from "./damaged_log.ts";

for (const damage of CASES) {
  test(`repair gives up what is lost by damage to ${damage.name}, and keeps the rest`, async () => {
    const disk = new TrickDisk();
    const { isKilled = false, next = COUNT } = damage;
    await fillLog(disk, { isClosed: !isKilled });
    damage.spoil(disk);
    await checkRepaired(disk, { lost: damage.lost.map(rangeOf), next });
  });
}

/** Gives the sealed segments second names, as a snapshot does: what they hold must not change. */
function shareSegments(disk: TrickDisk): Map<string, Uint8Array> {
  disk.makeFolder("/snapshot");
  const shared = new Map<string, Uint8Array>();
  for (let offset = 0; offset < 16; offset += 4) {
    const path = segmentOf(offset);
    if (disk.sizeOf(path) === undefined) continue;
    disk.link(path, `/snapshot/${offset}`);
    shared.set(`/snapshot/${offset}`, bytesOf(disk, path));
  }
  return shared;
}

/** Damaged as it is, the log is repaired, and then everything is as it should be. */
async function checkRepaired(
  disk: TrickDisk,
  { lost, next }: { lost: readonly Range[]; next: number },
): Promise<void> {
  const spoilt = filesIn(disk, FOLDER);
  await checkTooLittle(disk, lost);
  assert.deepEqual(filesIn(disk, FOLDER), spoilt);

  const acceptLoss = { start: 0, end: next };
  const promised = await repair(FOLDER, { disk, acceptLoss, dryRun: true });
  assert.deepEqual(filesIn(disk, FOLDER), spoilt);
  const shared = shareSegments(disk);
  const report = await repair(FOLDER, { disk, acceptLoss });
  for (const [path, bytes] of shared) assert.deepEqual(bytesOf(disk, path), bytes, path);
  assert.deepEqual(report.lost, lost);
  assert.ok(report.isDamaged && report.places.length > 0);
  assert.deepEqual({ ...report, quarantined: [] }, promised);
  const lostCount = lost.reduce((sum, { start, end }) => sum + end - start, 0);
  assert.equal(report.records, next - lostCount);
  checkNothingIsGone(spoilt, filesIn(disk, FOLDER));

  const verified = verify(FOLDER, { disk });
  assert.ok(verified.ok, JSON.stringify(verified.problems));
  const told = verified.problems.filter(({ start }) => start !== undefined);
  assert.deepEqual(told.map(({ start, end }) => ({ start, end })), lost);
  const again = await repair(FOLDER, { disk });
  assert.deepEqual([again.isDamaged, again.records], [false, report.records]);

  await checkReads(disk, { lost, next });
  assert.ok(verify(FOLDER, { disk }).ok);
}

/** One offset less than is lost is refused, and the message says what to type. */
async function checkTooLittle(disk: TrickDisk, lost: readonly Range[]): Promise<void> {
  if (lost.length === 0) return;
  const [start, end] = [lost[0]!.start, lost.at(-1)!.end];
  for (const less of [{ start: start + 1, end }, { start, end: end - 1 }, { start: 0, end: 0 }]) {
    const error = await rejectsWith("corrupt", () => repair(FOLDER, { disk, acceptLoss: less }));
    assert.equal(error.exitCode, 5);
    assert.ok(error.message.includes(`seglog repair ${FOLDER} --accept-loss ${start}:${end}`));
  }
}

describe("repair()", () => {
  test("changes nothing where nothing is damaged", async () => {
    const disk = new TrickDisk();
    await fillLog(disk, { isClosed: false });
    const before = filesIn(disk, FOLDER);
    const report = await repair(FOLDER, { disk, acceptLoss: { start: 0, end: 100 } });
    assert.deepEqual(
      [report.isDamaged, report.records, report.lost, report.quarantined],
      [false, COUNT, [], []],
    );
    assert.deepEqual(filesIn(disk, FOLDER), before);
  });

  test("a torn tail is no damage: it is left to recovery", async () => {
    const disk = new TrickDisk();
    await fillLog(disk, { isClosed: false });
    cut(disk, segmentOf(19), positionOf(19) + 200);
    const before = filesIn(disk, FOLDER);
    assert.equal((await repair(FOLDER, { disk })).isDamaged, false);
    assert.deepEqual(filesIn(disk, FOLDER), before);
    flipPayload(disk, 2);
    const report = await repair(FOLDER, { disk, acceptLoss: { start: 2, end: 3 } });
    assert.deepEqual([report.lost, report.records], [[{ start: 2, end: 3 }], 18]);
    await checkReads(disk, { lost: report.lost, next: 19 });
  });

  test("where the end is not known, offsets go on where the person says", async () => {
    for (const spoil of [removed, shortened]) {
      const disk = new TrickDisk();
      await fillLog(disk, { isClosed: false });
      spoil(disk, segmentOf(16));
      const error = await rejectsWith("corrupt", () => repair(FOLDER, { disk }));
      assert.match(error.message, /Offsets 16 and on cannot be read/);
      assert.match(
        error.message,
        /--accept-loss 16:B`, where B is the offset to go on from: above/,
      );
      for (const less of [{ start: 0, end: 16 }, { start: 17, end: 30 }]) {
        await rejectsWith("corrupt", () => repair(FOLDER, { disk, acceptLoss: less }));
      }
      const lost = [{ start: 16, end: 30 }];
      const report = await repair(FOLDER, { disk, acceptLoss: { start: 10, end: 30 } });
      assert.deepEqual([report.lost, report.records], [lost, 16]);
      await checkReads(disk, { lost, next: 30 });
    }
  });

  test("damage to records that were removed costs nothing, and a second repair adds to the first", async () => {
    const disk = new TrickDisk();
    await fillLog(disk);
    await using owner = await Log.open(FOLDER, { disk, segmentBytes: SEGMENT_BYTES });
    await owner.truncate({ before: 6 });
    await owner.truncate({ after: 17 }); // a gap from 18 to 20
    for (let i = 20; i < 24; i++) await owner.append({ value: valueAt(i) });
    await owner.close();
    for (const offset of [5, 18, 19]) flipHeader(disk, offset);
    const first = await repair(FOLDER, { disk });
    assert.deepEqual([first.isDamaged, first.lost, first.records], [true, [], 16]);
    flip(disk, segmentOf(8), positionOf(9) + 300);
    const second = await repair(FOLDER, { disk, acceptLoss: { start: 9, end: 10 } });
    assert.deepEqual(second.lost, [{ start: 9, end: 10 }]);
    const path = `${FOLDER}/00000000000000000010.log`;
    flip(disk, path, 64 + 300);
    const third = await repair(FOLDER, { disk, acceptLoss: { start: 10, end: 11 } });
    assert.deepEqual([third.lost, third.records], [[{ start: 10, end: 11 }], 14]);
    await using log = await Log.open(FOLDER, { disk });
    const seen = ["6", "7", "8", "lost 9..11", "11", "12", "13", "14", "15", "16", "17"];
    assert.deepEqual(await readPast(log), [...seen, "20", "21", "22", "23"]);
    assert.ok(verify(FOLDER, { disk }).ok);
  });

  test("truncations and retention count records, and forget what was lost below and above", async () => {
    const disk = new TrickDisk();
    await fillLog(disk);
    for (const offset of [2, 3, 9, 18]) flipPayload(disk, offset);
    await repair(FOLDER, { disk, acceptLoss: { start: 0, end: 20 } });
    const retained = { disk, segmentBytes: SEGMENT_BYTES, retentionRecords: 12 };
    await using log = await Log.open(FOLDER, retained);
    assert.equal(log.recordCount, 16);
    await log.maintain();
    assert.deepEqual([log.logStartOffset, log.recordCount], [6, 12]);
    await log.truncate({ before: 9 });
    const seen = ["lost 9..10", "10", "11", "12", "13", "14", "15", "16", "17"];
    assert.deepEqual(await readPast(log), [...seen, "lost 18..19", "19"]);
    await log.truncate({ after: 16 });
    assert.deepEqual(await readPast(log), seen.slice(0, -1));
    assert.equal(await log.append({ value: valueAt(20) }), 20);
    await rejectsWith("not-found", () => log.read(18));
    await log.truncate({ before: 10 });
    assert.deepEqual(await readPast(log), [...seen.slice(1, -1), "20"]);
    assert.equal(log.recordCount, 8);
  });

  test("a time is looked up past what was lost", async () => {
    const disk = new TrickDisk();
    const options = { disk, segmentBytes: SEGMENT_BYTES };
    const log = await Log.open(FOLDER, options);
    for (let i = 0; i < COUNT; i++) await log.append({ value: valueAt(i), timestamp: 1000 + i });
    await log.close();
    const lost = [[5, 7], [18, 19]];
    for (const offset of [5, 6, 18]) flip(disk, segmentOf(offset), positionOf(offset) + 20);
    await repair(FOLDER, { disk, acceptLoss: { start: 0, end: 20 } });
    await using again = await Log.open(FOLDER, options);
    for (let i = 0; i < COUNT; i++) {
      const range = lost.find(([start, end]) => i >= start! && i < end!);
      assert.equal(again.offsetAt(1000 + i), range?.[1] ?? i);
    }
  });

  test("retries of producers are still known, whose batches were kept", async () => {
    const disk = new TrickDisk();
    const log = await Log.open(FOLDER, { disk });
    const producer = (sequence: number) => ({ producer: { id: "p", epoch: 1, sequence } });
    for (let i = 0; i < 4; i++) await log.append({ value: valueAt(i) }, producer(i));
    disk.crash();
    flip(disk, segmentOf(0), 64 + 300);
    await repair(FOLDER, { disk, acceptLoss: { start: 0, end: 1 } });
    await using again = await Log.open(FOLDER, { disk });
    assert.equal(await again.append({ value: valueAt(3) }, producer(3)), 3);
    assert.equal(await again.append({ value: valueAt(4) }, producer(4)), 4);
  });

  test("a compressed log, and batches of many records, are lost batch by batch", async () => {
    const disk = new TrickDisk();
    const log = await Log.open(FOLDER, { disk, compression: "zstd" });
    for (let i = 0; i < 30; i += 10) {
      await log.appendAll(Array.from({ length: 10 }, (_, n) => ({ value: valueAt(i + n) })));
    }
    await log.close();
    const path = segmentOf(0);
    const second = 64 + (bytesOf(disk, path).length - 64) / 3;
    flip(disk, path, second + 80);
    const report = await repair(FOLDER, { disk, acceptLoss: { start: 10, end: 20 } });
    assert.deepEqual(report.lost, [{ start: 10, end: 20 }]);
    await using again = await Log.open(FOLDER, { disk });
    assert.deepEqual(await readPast(again), expectedPast(report.lost, 30));
  });

  test("batches inside a value are not taken for the segment's own when its header is damaged", async () => {
    const wire = decodeBatch(encodeBatch([{ value: "forged" }], { nowMs: 1, baseOffset: 1 }), 0, 0);
    const forged = rehead(wire as BatchView, {}, 0x5eed5eed);
    for (let padding = 0; padding < 8; padding++) { // with one of them they are where batches can be
      const disk = new TrickDisk();
      const log = await Log.open(FOLDER, { disk });
      const value = concatBytes([new Uint8Array(padding), forged, forged, forged]);
      for (let i = 0; i < 8; i++) await log.append({ value: i === 0 ? value : valueAt(i) });
      disk.crash();
      flip(disk, segmentOf(0), 13);
      flip(disk, segmentOf(0), 64 + 20);
      const report = await repair(FOLDER, { disk, acceptLoss: { start: 0, end: 1 } });
      assert.deepEqual(report.lost, [{ start: 0, end: 1 }]);
      await using again = await Log.open(FOLDER, { disk });
      assert.deepEqual(await readPast(again), expectedPast(report.lost, 8));
    }
  });

  test("a batch that nothing confirms is given up: its header may be what is damaged", async () => {
    const disk = new TrickDisk();
    const log = await Log.open(FOLDER, { disk });
    await log.append({ value: "a", timestamp: 1000 });
    disk.crash();
    flip(disk, segmentOf(0), 13); // the salt
    flip(disk, segmentOf(0), 64 + 40); // the newest timestamp, which no payload holds
    const report = await repair(FOLDER, { disk, acceptLoss: { start: 0, end: 5 } });
    assert.deepEqual([report.lost, report.records], [[{ start: 0, end: 5 }], 0]);
  });

  test("a log that another owns is not repaired, and one that is not there not made", async () => {
    const disk = new TrickDisk();
    await fillLog(disk);
    flipPayload(disk, 2);
    const owner = await Log.open(FOLDER, { disk });
    const acceptLoss = { start: 2, end: 3 };
    await rejectsWith("locked", () => repair(FOLDER, { disk, acceptLoss }));
    await owner.close();
    await rejectsWith("not-found", () => repair("/nowhere", { disk }));
    for (const bad of [{ start: 3, end: 2 }, { start: -1, end: 2 }, { start: 0, end: NaN }]) {
      await rejectsWith("invalid-argument", () => repair(FOLDER, { disk, acceptLoss: bad }));
    }
    const file = disk.open(`${FOLDER}/partition.json`, "write");
    const text = new TextDecoder().decode(bytesOf(disk, `${FOLDER}/partition.json`));
    file.write(new TextEncoder().encode(text.replace('"version":1', '"version":2')), 0);
    await rejectsWith("unsupported", () => repair(FOLDER, { disk, acceptLoss }));
  });
});

function removed(disk: TrickDisk, path: string): void {
  disk.removeFile(path);
}

function shortened(disk: TrickDisk, path: string): void {
  cut(disk, path, 40);
}
