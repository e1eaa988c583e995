/** A repair that is cut short, at any step, by a kill or by a loss of power. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Log, repair, SeglogError, verify } from "../../mod.ts";
import { crashesOf } from "../crash/crash_images.ts";
import { filled, RecordingDisk } from "../crash/recording_disk.ts";
import { Random } from "../support/random.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { CASES, type DamageCase } from "./cases.ts";
import { checkNothingIsGone, checkReads, rangeOf } from "./checks.ts";
import { COUNT, expectedPast, filesIn, fillLog, FOLDER, readPast, settle } from "./damaged_log.ts";

/** Of each kind of step one that takes it. */
const NAMES = [
  "a batch in the middle",
  "a segment header and a batch",
  "a zeroed first sector without an index: the salt comes from the batches",
  "several places in one segment and in others",
  "a missing last sealed segment",
  "a missing active segment of a log that was closed well",
  "a batch, with a torn one behind all others",
  "the first sector of the active segment after a kill",
];

for (const end of ["kill", "loss of power"] as const) {
  for (const name of NAMES) {
    test(`a ${end} at any step of the repair of ${name} leaves the log as it was, or repaired`, async () => {
      const damage = CASES.find((one) => one.name === name)!;
      let steps = 0;
      while (await isCutShort(damage, { end, failAt: ++steps }));
      assert.ok(steps > 8, `${steps}`);
    });
  }
}

for (const name of NAMES) {
  test(`whatever a loss of power may take of the repair of ${name}, the log is as it was, or repaired`, async () => {
    const damage = CASES.find((one) => one.name === name)!;
    const { next = COUNT } = damage;
    const lost = damage.lost.map(rangeOf);
    const acceptLoss = { start: 0, end: next };
    const spoilt = new TrickDisk();
    await fillLog(spoilt, { isClosed: damage.isKilled !== true });
    damage.spoil(spoilt);
    await settle(spoilt);
    const files = filesIn(spoilt, FOLDER);
    const disk = new RecordingDisk({ folders: ["/data", FOLDER], files });
    await repair(FOLDER, { disk, acceptLoss });
    let images = 0;
    for (const image of crashesOf(disk, { random: new Random(1), most: 12 })) {
      const left = filled(new TrickDisk(), image);
      await checkBetween(left, expectedPast(lost, next), images++);
      await repair(FOLDER, { disk: left, acceptLoss });
      checkNothingIsGone(files, filesIn(left, FOLDER));
      await checkReads(left, { lost, next });
      assert.ok(verify(FOLDER, { disk: left }).ok, image.description);
    }
    assert.ok(images > 20, `${images}`);
  });
}

/** @returns false when the repair was over before */
async function isCutShort(
  damage: DamageCase,
  { end, failAt }: { end: "kill" | "loss of power"; failAt: number },
): Promise<boolean> {
  const { next = COUNT } = damage;
  const lost = damage.lost.map(rangeOf);
  const acceptLoss = { start: 0, end: next };
  const disk = new TrickDisk();
  await fillLog(disk, { isClosed: damage.isKilled !== true });
  damage.spoil(disk);
  await settle(disk);
  const spoilt = filesIn(disk, FOLDER);
  let operations = 0;
  disk.onOperation = () => {
    if (++operations >= failAt) throw new SeglogError("io", "the machine is off");
  };
  const isOver = await repair(FOLDER, { disk, acceptLoss }).then(() => true, () => false);
  disk.onOperation = () => {};
  if (end === "loss of power") disk.crash();

  await checkBetween(disk, expectedPast(lost, next), failAt);
  await repair(FOLDER, { disk, acceptLoss });
  checkNothingIsGone(spoilt, filesIn(disk, FOLDER));
  await checkReads(disk, { lost, next });
  assert.ok(verify(FOLDER, { disk }).ok, `after ${failAt} operations`);
  return !isOver;
}

/** Before anyone repairs again, there is damage or the result, and opening makes nothing worse. */
async function checkBetween(disk: TrickDisk, repaired: string[], failAt: number): Promise<void> {
  const orCorrupt = (error: unknown) => {
    if (error instanceof SeglogError && error.code === "corrupt") return undefined;
    throw error;
  };
  const outside = await Log.open(FOLDER, { disk, readOnly: true }).catch(orCorrupt);
  const seen = outside === undefined ? undefined : await readPast(outside).catch(orCorrupt);
  await outside?.close();
  // To a reader beside the owner, damage at the end may look like a write under way.
  const expected = repaired.slice(0, seen?.length);
  if (seen !== undefined) assert.deepEqual(seen, expected, `after ${failAt} operations`);
  if (failAt % 2 === 1) await (await Log.open(FOLDER, { disk }).catch(orCorrupt))?.close();
}
