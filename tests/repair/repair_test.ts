/** `repair()`: the way past damage, which gives up what cannot be read and nothing else. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { repair, verify } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { CASES } from "./cases.ts";
import { checkNothingIsGone, checkReads, type Range, rangeOf } from "./checks.ts";
import { COUNT, filesIn, fillLog, FOLDER } from "./damaged_log.ts";

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
