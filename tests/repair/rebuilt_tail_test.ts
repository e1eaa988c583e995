/** A log that has lost its manifest cannot tell a torn tail from damage: whoever repairs it decides. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Log, repair } from "../../mod.ts";
import { crashesOf } from "../crash/crash_images.ts";
import { filled, type Image, RecordingDisk } from "../crash/recording_disk.ts";
import { rejectsWith } from "../support/collect.ts";
import { Random } from "../support/random.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { COUNT, filesIn, fillLog, flipPayload, FOLDER, settle } from "./damaged_log.ts";

/** The last batch is damaged, and the manifest is gone. */
async function spoilt(): Promise<Image> {
  const disk = new TrickDisk();
  await fillLog(disk);
  flipPayload(disk, COUNT - 1);
  disk.removeFile(`${FOLDER}/partition.json`);
  await settle(disk);
  return { folders: ["/data", FOLDER], files: filesIn(disk, FOLDER) };
}

test("damage at the end of a log without a manifest is given up only when that is accepted", async () => {
  const disk = filled(new TrickDisk(), await spoilt());
  const error = await rejectsWith("corrupt", () => repair(FOLDER, { disk }));
  assert.match(error.message, /--accept-loss 19:B.*B is the offset to go on from/s);
  const report = await repair(FOLDER, { disk, acceptLoss: { start: 19, end: 30 } });
  assert.deepEqual(report.lost, [{ start: 19, end: 30 }]);
  await using log = await Log.open(FOLDER, { disk });
  assert.equal(await log.append({ value: "next" }), 30);
});

test("offsets go on as it was agreed, however the repair is cut short and done again", async () => {
  const disk = new RecordingDisk(await spoilt());
  await repair(FOLDER, { disk, acceptLoss: { start: 19, end: 30 } });
  let images = 0;
  for (const image of crashesOf(disk, { random: new Random(3), most: 10 })) {
    images++;
    const left = filled(new TrickDisk(), image);
    await repair(FOLDER, { disk: left, acceptLoss: { start: 19, end: 30 } });
    await using log = await Log.open(FOLDER, { disk: left });
    assert.equal(await log.append({ value: "next" }), 30, image.description);
  }
  assert.ok(images > 50, `${images}`);
});
