/**
 * Random logs, damaged at random and repaired, now and then with a crash on the way: every batch
 * whose bytes are as they were is kept, nothing else is read, and what is missing is told.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Log, repair, SeglogError, verify } from "../../mod.ts";
import { batchLength, decodeBatchHeader } from "../../core/format/batch_header.ts";
import { decodeSegmentHeader } from "../../core/format/segment_header.ts";
import { isUnused } from "../../core/log/unused_space.ts";
import type { Campaign } from "../support/campaign.ts";
import { Random } from "../support/random.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { bytesOf, cut, filesIn, FOLDER, overwrite, settle } from "./damaged_log.ts";

export const repairCampaign: Campaign = {
  name: "repair",
  async run({ seed, isOver }) {
    const random = new Random(seed);
    const counts = { lossless: 0, lossy: 0, crashed: 0, rebuilt: 0 };
    let cases = 0;
    for (; !isOver(); cases++) {
      const own = random.fork();
      try {
        const { lost, isCrashed, isManifestSpoilt } = await repairOne(new Random(own));
        counts[lost === 0 ? "lossless" : "lossy"]++;
        if (isCrashed) counts.crashed++;
        if (isManifestSpoilt) counts.rebuilt++;
      } catch (error) {
        throw new Error(`repairRandomLog(${own}) failed`, { cause: error });
      }
    }
    return { cases, counts };
  },
};

/** Runs the case of this seed. */
export async function repairRandomLog(seed: number): Promise<void> {
  await repairOne(new Random(seed));
}

/** The values of a log by offset, and the batches that hold them. */
interface Original {
  readonly values: ReadonlyMap<number, string>;
  readonly logStartOffset: number;
  readonly nextOffset: number;
}

interface Outcome {
  readonly lost: number;
  readonly isCrashed: boolean;
  readonly isManifestSpoilt: boolean;
}

async function repairOne(random: Random): Promise<Outcome> {
  const disk = new TrickDisk();
  const { values, logStartOffset, nextOffset } = await randomLog(disk, random);
  const before = filesIn(disk, FOLDER);
  const places = 1 + random.below(4);
  for (let i = 0; i < places; i++) spoil(disk, random);
  const hasSegments = [...filesIn(disk, FOLDER).keys()].some((path) => path.endsWith(".log"));
  const isManifestSpoilt = hasSegments && random.chance(0.2);
  if (isManifestSpoilt) spoilManifest(disk, random);
  await settle(disk);
  const whole = wholeOffsets(before, filesIn(disk, FOLDER));

  const acceptLoss = { start: 0, end: nextOffset + random.below(5) };
  const isCrashed = random.chance(0.3) && await crashingRepair(disk, random, acceptLoss);
  const { end } = await agreed(disk, acceptLoss);
  await using log = await Log.open(FOLDER, { disk, segmentBytes: 4096 });
  const { seen, told } = await everything(log);
  assert.ok(log.nextOffset <= end);
  for (const [offset, value] of seen) {
    assert.equal(value, values.get(offset), `offset ${offset}`);
  }
  for (const offset of whole) {
    if (offset >= logStartOffset) assert.ok(seen.has(offset), `offset ${offset} was whole`);
  }
  for (const offset of told) {
    assert.ok(!whole.has(offset), `offset ${offset} was whole, and is lost`);
  }
  assert.equal(log.recordCount, seen.size);
  assert.ok(verify(FOLDER, { disk }).ok);
  const next = await log.append({ value: "more" });
  assert.ok(next > Math.max(-1, ...seen.keys(), ...told, ...whole), `next is ${next}`);
  return { lost: told.size, isCrashed, isManifestSpoilt };
}

/** Repairs with as much of a loss as it takes: where the end is not known, one offset is made up. */
async function agreed(
  disk: TrickDisk,
  acceptLoss: { start: number; end: number },
): Promise<{ start: number; end: number }> {
  try {
    await repair(FOLDER, { disk, acceptLoss });
    return acceptLoss;
  } catch (error) {
    const isOpen = error instanceof SeglogError && error.code === "corrupt" &&
      error.details.end === null;
    if (!isOpen) throw error;
    const more = { start: 0, end: acceptLoss.end + 1 };
    await repair(FOLDER, { disk, acceptLoss: more });
    return more;
  }
}

async function crashingRepair(
  disk: TrickDisk,
  random: Random,
  acceptLoss: { start: number; end: number },
): Promise<boolean> {
  let left = random.below(60);
  disk.onOperation = () => {
    if (left-- <= 0) throw new SeglogError("io", "the machine is off");
  };
  const isOver = await repair(FOLDER, { disk, acceptLoss }).then(() => true, () => false);
  disk.onOperation = () => {};
  if (random.chance(0.5)) disk.crash();
  return !isOver;
}

/** A log with batches of all sizes, truncated now and then, and closed well or killed. */
async function randomLog(disk: TrickDisk, random: Random): Promise<Original> {
  const values = new Map<number, string>();
  const compression = random.pick(["none", "gzip", "zstd"] as const);
  const options = { disk, segmentBytes: 4096, compression };
  for (let opening = 1 + random.below(3); opening > 0; opening--) {
    const log = await Log.open(FOLDER, options);
    for (let batches = random.below(15); batches > 0; batches--) {
      const records = Array.from({ length: 1 + random.below(4) }, (_, i) => ({
        value: `${log.nextOffset + i} ${"x".repeat(random.below(random.pick([10, 600])))}`,
      }));
      const { start } = await log.appendAll(records);
      records.forEach(({ value }, i) => values.set(start + i, value));
      const bounds = log.nextOffset - log.logStartOffset;
      if (random.chance(0.05)) {
        await log.truncate({ before: log.logStartOffset + random.below(bounds) });
      }
      if (random.chance(0.05)) {
        await log.truncate({
          after: log.logStartOffset + random.below(log.nextOffset - log.logStartOffset),
        });
      }
    }
    const { logStartOffset, nextOffset } = log;
    if (opening > 1 || random.chance(0.5)) await log.close();
    else disk.crash();
    if (opening === 1) return { values, logStartOffset, nextOffset };
  }
  throw new TypeError("a log is opened once at the least");
}

function spoil(disk: TrickDisk, random: Random): void {
  const segments = [...filesIn(disk, FOLDER).keys()].filter((path) => path.endsWith(".log"));
  if (segments.length === 0) return;
  const path = random.pick(segments);
  const { length } = bytesOf(disk, path);
  if (length === 0) return;
  const at = random.below(length);
  const sector = at - at % 512;
  const sectorBytes = Math.min(512, length - sector);
  random.pick([
    () => overwrite(disk, path, { at, bytes: random.bytes(1) }),
    () => overwrite(disk, path, { at: at % Math.min(length, 200), bytes: random.bytes(1) }),
    () => overwrite(disk, path, { at: sector, bytes: new Uint8Array(sectorBytes) }),
    () => overwrite(disk, path, { at: sector, bytes: random.bytes(sectorBytes) }),
    () => cut(disk, path, at),
    () => disk.removeFile(path),
    () => random.pick(segments.map((name) => () => void removeIndex(disk, name)))(),
  ])();
}

function spoilManifest(disk: TrickDisk, random: Random): void {
  const path = join(FOLDER, "partition.json");
  const at = random.below(bytesOf(disk, path).length);
  random.pick([
    () => disk.removeFile(path),
    () => cut(disk, path, at),
    () => overwrite(disk, path, { at, bytes: Uint8Array.of(0) }),
  ])();
}

function removeIndex(disk: TrickDisk, segment: string): void {
  const path = segment.replace(".log", ".index");
  if (disk.sizeOf(path) !== undefined) disk.removeFile(path);
}

/** Offsets of batches all of whose bytes are as they were. */
function wholeOffsets(
  before: Map<string, Uint8Array>,
  after: Map<string, Uint8Array>,
): Set<number> {
  const manifest = JSON.parse(
    new TextDecoder().decode(before.get(join(FOLDER, "partition.json"))),
  ).body;
  const isRemoved = (offset: number) =>
    manifest.gaps.some((gap: { start: number; end: number }) =>
      offset >= gap.start && offset < gap.end
    );
  const whole = new Set<number>();
  for (const [path, bytes] of before) {
    const segment = path.endsWith(".log") ? decodeSegmentHeader(bytes) : "no segment";
    if (typeof segment === "string") continue;
    const now = after.get(path) ?? new Uint8Array(0);
    const found: number[] = [];
    let batches = 0;
    for (let at = 64; at < bytes.length;) {
      if (isUnused(bytes.subarray(at), at)) break;
      const header = decodeBatchHeader(bytes, at, segment.salt);
      assert.ok(typeof header !== "string");
      const end = at + batchLength(header);
      const same = end <= now.length && bytes.subarray(at, end).every((b, i) => b === now[at + i]);
      if (same) batches++;
      for (let i = 0; same && i < header.recordCount; i++) found.push(header.baseOffset + i);
      at = end;
    }
    // What tells the salt: the header, the index, or two batches that agree.
    const isSalted = bytes.subarray(12, 16).every((byte, i) => byte === now[12 + i]) ||
      (after.get(path.replace(".log", ".index"))?.length ?? 0) > 0 || batches > 1;
    for (const offset of found) if (isSalted && !isRemoved(offset)) whole.add(offset);
  }
  return whole;
}

/** All that can be read, and all offsets that are told to be lost. */
async function everything(log: Log): Promise<{ seen: Map<number, string>; told: Set<number> }> {
  const seen = new Map<number, string>();
  const told = new Set<number>();
  let from: number | undefined;
  for (;;) {
    try {
      for await (const record of log.records({ from })) seen.set(record.offset, record.text);
      return { seen, told };
    } catch (error) {
      if (!(error instanceof SeglogError) || error.code !== "lost") throw error;
      const { start, end } = error.details as { start: number; end: number };
      for (let offset = Math.max(start, log.logStartOffset); offset < end; offset++) {
        told.add(offset);
      }
      from = end;
    }
  }
}
