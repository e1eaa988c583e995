/** `repair()`: the way past damage, which gives up what cannot be read and nothing else. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Log, repair, verify } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";
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
  zeroSector,
} from "./damaged_log.ts";

type Range = { start: number; end: number };

interface DamageCase {
  readonly name: string;
  readonly spoil: (disk: TrickDisk) => void;
  /** What is lost by it, as `3..5`. */
  readonly lost: readonly string[];
  /** Where the log was left as a kill leaves it. */
  readonly isKilled?: boolean;
  /** Where offsets go on; 20 unless given. */
  readonly next?: number;
}

const CASES: readonly DamageCase[] = [
  { name: "the first batch of the first segment", spoil: (d) => flipPayload(d, 0), lost: ["0..1"] },
  { name: "a batch in the middle", spoil: (d) => flipPayload(d, 5), lost: ["5..6"] },
  { name: "the last batch of a sealed segment", spoil: (d) => flipPayload(d, 7), lost: ["7..8"] },
  { name: "the first batch of a segment", spoil: (d) => flipPayload(d, 8), lost: ["8..9"] },
  { name: "the header of a batch", spoil: (d) => flipHeader(d, 9), lost: ["9..10"] },
  { name: "the header of a first batch", spoil: (d) => flipHeader(d, 4), lost: ["4..5"] },
  { name: "the header of a last batch", spoil: (d) => flipHeader(d, 11), lost: ["11..12"] },
  {
    name: "the magic of a batch",
    spoil: (d) => flip(d, segmentOf(6), positionOf(6)),
    lost: ["6..7"],
  },
  {
    name: "a zeroed sector in the middle",
    spoil: (d) => zeroSector(d, segmentOf(4), 3),
    lost: ["5..7"],
  },
  {
    name: "a zeroed first sector, whose salt is in the index",
    spoil: (d) => zeroSector(d, segmentOf(4), 0),
    lost: ["4..5"],
  },
  {
    name: "a zeroed first sector without an index: the salt comes from the batches",
    spoil(d) {
      zeroSector(d, segmentOf(4), 0);
      d.removeFile(segmentOf(4).replace(".log", ".index"));
    },
    lost: ["4..5"],
  },
  {
    name: "a segment header, whose salt is in the index",
    spoil: (d) => flip(d, segmentOf(8), 13),
    lost: [],
  },
  {
    name: "a segment header without an index",
    spoil(d) {
      flip(d, segmentOf(8), 20);
      d.removeFile(segmentOf(8).replace(".log", ".index"));
    },
    lost: [],
  },
  {
    name: "a segment header and a batch",
    spoil(d) {
      flip(d, segmentOf(8), 13);
      flipPayload(d, 10);
    },
    lost: ["10..11"],
  },
  {
    name: "several places in one segment and in others",
    spoil(d) {
      for (const offset of [1, 3, 8, 9, 10, 17]) flipPayload(d, offset);
    },
    lost: ["1..2", "3..4", "8..11", "17..18"],
  },
  {
    name: "every batch of a segment",
    spoil: (d) => [4, 5, 6, 7].forEach((offset) => flipHeader(d, offset)),
    lost: ["4..8"],
  },
  { name: "a missing first segment", spoil: (d) => d.removeFile(segmentOf(0)), lost: ["0..4"] },
  { name: "a missing segment", spoil: (d) => d.removeFile(segmentOf(8)), lost: ["8..12"] },
  {
    name: "a missing last sealed segment",
    spoil: (d) => d.removeFile(segmentOf(12)),
    lost: ["12..16"],
  },
  { name: "an empty segment file", spoil: (d) => cut(d, segmentOf(8), 0), lost: ["8..12"] },
  {
    name: "a segment that is cut in a batch",
    spoil: (d) => cut(d, segmentOf(8), positionOf(10) + 100),
    lost: ["10..12"],
  },
  {
    name: "a segment that is cut between two batches",
    spoil: (d) => cut(d, segmentOf(8), positionOf(10)),
    lost: ["10..12"],
  },
  {
    name: "two segments that changed places",
    spoil(d) {
      d.rename(segmentOf(4), join(FOLDER, "other"));
      d.rename(segmentOf(8), segmentOf(4));
      d.rename(join(FOLDER, "other"), segmentOf(8));
    },
    lost: ["4..12"],
  },
  {
    name: "the first batch of the active segment",
    spoil: (d) => flipPayload(d, 16),
    lost: ["16..17"],
  },
  { name: "a batch of the active segment", spoil: (d) => flipPayload(d, 18), lost: ["18..19"] },
  {
    name: "the last batch of a log that was closed well",
    spoil: (d) => flipPayload(d, 19),
    lost: ["19..20"],
  },
  {
    name: "the end of a log that was closed well, cut off",
    spoil: (d) => cut(d, segmentOf(18), positionOf(18)),
    lost: ["18..20"],
  },
  {
    name: "a missing active segment of a log that was closed well",
    spoil: (d) => d.removeFile(segmentOf(16)),
    lost: ["16..20"],
  },
  {
    name: "the header of an active segment that was closed well",
    spoil: (d) => flip(d, segmentOf(16), 13),
    lost: [],
  },
  {
    name: "all of the active segment",
    spoil: (d) =>
      [0, 1, 2, 3, 4, 5, 6, 7].forEach((sector) => {
        if (sector * 512 < bytesOf(d, segmentOf(16)).length) zeroSector(d, segmentOf(16), sector);
      }),
    lost: ["16..20"],
  },
  {
    name: "a batch of the active segment after a kill",
    spoil: (d) => flipPayload(d, 17),
    lost: ["17..18"],
    isKilled: true,
  },
  {
    name: "the first batch of the active segment after a kill",
    spoil: (d) => flipHeader(d, 16),
    lost: ["16..17"],
    isKilled: true,
  },
  {
    name: "a batch, with a torn one behind all others",
    spoil(d) {
      flipPayload(d, 17);
      cut(d, segmentOf(19), positionOf(19) + 200);
    },
    lost: ["17..18"],
    isKilled: true,
    next: 19,
  },
  {
    name: "the header of the active segment after a kill: there is no index",
    spoil: (d) => flip(d, segmentOf(16), 13),
    lost: [],
    isKilled: true,
  },
  {
    name: "the first sector of the active segment after a kill",
    spoil: (d) => zeroSector(d, segmentOf(16), 0),
    lost: ["16..17"],
    isKilled: true,
  },
];

for (const damage of CASES) {
  test(`repair gives up what is lost by damage to ${damage.name}, and keeps the rest`, async () => {
    const disk = new TrickDisk();
    const { isKilled = false, next = COUNT } = damage;
    await fillLog(disk, { isClosed: !isKilled });
    damage.spoil(disk);
    await checkRepaired(disk, { lost: damage.lost.map(rangeOf), next });
  });
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
  const report = await repair(FOLDER, { disk, acceptLoss });
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

/** Every byte that was there is there: where it was, or in quarantine. */
function checkNothingIsGone(before: Map<string, Uint8Array>, after: Map<string, Uint8Array>): void {
  const isKept = (bytes: Uint8Array) =>
    [...after].some(([path, kept]) => path.includes("quarantine") && isSame(kept, bytes));
  for (const [path, bytes] of before) {
    if (!path.endsWith(".log")) continue;
    const now = after.get(path);
    if (now !== undefined && isSame(now, bytes)) continue;
    const same = now === undefined ? 0 : commonLength(now, bytes);
    const isHeader = now !== undefined && now.length === bytes.length && same < 64 &&
      isSame(now.subarray(64), bytes.subarray(64));
    if (isHeader) assert.ok(isKept(bytes.subarray(0, 64)), path);
    else if (same === now?.length) assert.ok(isKept(bytes.subarray(same)), path);
    else if (now !== undefined && same < 64) {
      assert.ok(isKept(bytes.subarray(0, 64)) && isKept(bytes.subarray(now.length)), path);
    } else assert.ok(isKept(bytes), path);
  }
}

/** Reading tells of what was lost in both directions, appending goes on, and so after reopening. */
async function checkReads(
  disk: TrickDisk,
  { lost, next }: { lost: readonly Range[]; next: number },
): Promise<void> {
  const outside = await Log.open(FOLDER, { disk, readOnly: true });
  assert.deepEqual(await readPast(outside), expectedPast(lost, next));
  assert.deepEqual(
    await readPast(outside, { reverse: true }),
    expectedPast(lost, next).toReversed(),
  );
  for (let round = 0; round < 3; round++) {
    const log = await Log.open(FOLDER, { disk, segmentBytes: SEGMENT_BYTES });
    const end = next + 3 * round;
    assert.deepEqual(await readPast(log), expectedPast(lost, end));
    assert.equal(log.recordCount, end - lost.reduce((sum, { start, end }) => sum + end - start, 0));
    for (const { start, end } of lost) {
      const error = await rejectsWith("lost", () => log.read(end - 1));
      assert.deepEqual(error.details, { start, end });
    }
    for (let i = end; i < end + 3; i++) assert.equal(await log.append({ value: valueAt(i) }), i);
    await log.close();
  }
  assert.deepEqual(await readPast(outside), expectedPast(lost, next + 9));
  await outside.close();
}

function rangeOf(text: string): Range {
  const [start, end] = text.split("..").map(Number);
  return { start: start!, end: end! };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}

function commonLength(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length : at;
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
});
