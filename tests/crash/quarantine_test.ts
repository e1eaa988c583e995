import assert from "node:assert/strict";
import { test } from "node:test";
import { equalBytes } from "../../core/base/bytes.ts";
import { Log } from "../../mod.ts";
import { Random } from "../support/random.ts";
import { crashesOf } from "./crash_images.ts";
import { EMPTY_IMAGE, type Image, RecordingDisk } from "./recording_disk.ts";

const OPTIONS = { segmentBytes: 4096 };
const VALUE = "x".repeat(3000);
const LEFT = "/log/00000000000000000001.log";

/** A log that crashed in a roll: the new segment is there, with bytes, and no manifest lists it. */
async function crashedInRoll(): Promise<Image> {
  const disk = new RecordingDisk(EMPTY_IMAGE);
  await using log = await Log.open("/log", { ...OPTIONS, disk });
  await log.append({ value: VALUE });
  await log.append({ value: VALUE });
  const found = [...crashesOf(disk, { random: new Random(1), most: 1 })].findLast(
    ({ files, isWhole }) => {
      const manifest = new TextDecoder().decode(files.get("/log/partition.json"));
      return isWhole && files.has(LEFT) && manifest.includes('"sealed":[]');
    },
  )!;
  return { ...found, files: new Map([...found.files, [LEFT, new Uint8Array(500).fill(7)]]) };
}

test("a segment put aside is kept, however the opening and the next roll crash", async () => {
  const start = await crashedInRoll();
  const left = start.files.get(LEFT)!;
  const disk = new RecordingDisk(start);
  await using log = await Log.open("/log", { ...OPTIONS, disk });
  assert.equal(await log.append({ value: VALUE }), 1);
  assert.equal(log.segmentCount, 2, "it rolled to a segment of the same name");
  let images = 0;
  for (const { files, description } of crashesOf(disk, { random: new Random(1), most: 100 })) {
    images++;
    const isKept = [...files.values()].some((bytes) => equalBytes(bytes, left));
    assert.ok(isKept, description);
  }
  assert.ok(images > 50);
});
