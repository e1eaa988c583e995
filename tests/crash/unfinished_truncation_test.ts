/** A process ends in the middle of a truncation, the next one opens the log, and power is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Log, SeglogError } from "../../mod.ts";
import { Random } from "../support/random.ts";
import { crashesOf } from "./crash_images.ts";
import { diskOf, RecordingDisk } from "./recording_disk.ts";

const OPTIONS = { segmentBytes: 4096 };

/** A disk whose next sync of a folder never comes: the process is killed before it. */
class InterruptedDisk extends RecordingDisk {
  isInterrupted = false;

  override syncFolder(folder: string): Promise<void> {
    if (this.isInterrupted) return Promise.reject(new SeglogError("io", "killed"));
    return super.syncFolder(folder);
  }
}

test("segments that a truncation dropped stay until that is durable, whoever opens the log", async () => {
  const disk = new InterruptedDisk();
  const killed = await Log.open("/log", { ...OPTIONS, disk });
  for (let i = 0; i < 35; i++) await killed.append({ value: "x".repeat(300) });
  disk.isInterrupted = true;
  await killed.truncate({ before: 25 }).catch(() => {});
  disk.isInterrupted = false;
  disk.kill();
  const from = disk.operations.length;
  const next = await Log.open("/log", { ...OPTIONS, disk });
  assert.equal(next.logStartOffset, 25, "the new manifest was in the page cache");
  await next.append({ value: "more" });
  let images = 0;
  for (const image of crashesOf(disk, { random: new Random(1), most: 40, from })) {
    images++;
    await using log = await Log.open("/log", { ...OPTIONS, disk: diskOf(image) });
    assert.ok([0, 25].includes(log.logStartOffset), image.description);
    for await (const record of log.records({ from: 25, until: 35 })) assert.ok(record.text);
  }
  assert.ok(images > 50, `${images}`);
});
