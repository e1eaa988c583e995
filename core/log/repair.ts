/**
 * Gets a damaged log going again, giving up what cannot be read: asked for, never by itself, and no
 * more than was agreed to.
 *
 * @module
 */
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { copyRange, removeIfThere } from "../disk/files.ts";
import { type BatchView, rehead } from "../format/batch.ts";
import { MANIFEST_FILE, segmentFileName, type SegmentName } from "../format/file_names.ts";
import { recordsOf } from "../format/records_of.ts";
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { BlockReader } from "./block_reader.ts";
import { LogCaches } from "./caches.ts";
import { presentOffsets } from "./damage.ts";
import type { Gap } from "./gaps.ts";
import { companionPaths } from "./companions.ts";
import { saveIndex } from "./index_file.ts";
import {
  type CleanEnd,
  isWholeChain,
  type Manifest,
  readManifest,
  type SealedEntry,
  writeManifest,
} from "./manifest.ts";
import { planRepair, type RepairPlan } from "./plan_repair.ts";
import { ProducerTable } from "./producers.ts";
import { keepBytes, quarantineFile } from "./quarantine.ts";
import { draftManifest } from "./draft_manifest.ts";
import { type LogPlace, newSalt, segmentPath } from "./segment_file.ts";
import { createActive, SealedSegment } from "./segments.ts";
import { type SegmentSurvey, type Stretch, surveySegments, type SurveyVisit } from "./survey.ts";

/** Something that was wrong. */
export interface RepairedPlace {
  /** The file. */
  readonly path: string;
  /** Byte position in the file. */
  readonly position: number;
  /** What was wrong. */
  readonly message: string;
}

/** What a repair did, or would do. */
export interface RepairReport {
  /** The folder. */
  readonly path: string;
  /** Whether something was wrong; when nothing was, nothing was changed. */
  readonly isDamaged: boolean;
  /** What was wrong. */
  readonly places: readonly RepairedPlace[];
  /** Offsets `[start, end)` that are given up, in rising order. */
  readonly lost: readonly { readonly start: number; readonly end: number }[];
  /** Records that can be read now; a catalogue says nothing of them. */
  readonly records?: number;
  /** Copies of all that was cut off or replaced. */
  readonly quarantined: readonly string[];
  /** What else a person should know. */
  readonly notes: readonly string[];
}

/** How a log is repaired. */
export interface LogRepairOptions {
  readonly disk: Disk;
  /** Offsets that may be given up, and no others. */
  readonly acceptLoss: Gap;
  /** The lock that makes the log ours; without it, it is only said what would be done. */
  readonly lock?: DiskLock | undefined;
  readonly nowMs: number;
}

/**
 * Repairs the log in `folder`, or with no lock says what that would do.
 *
 * A crash at any step leaves the log as it was, to be repaired again, or repaired: all that is
 * given up is in quarantine, and all that is kept in its new place, durably, before the manifest is
 * replaced, which is the step that counts.
 *
 * @throws {SeglogError} `corrupt` when more would be lost than is accepted, with nothing changed
 */
export async function repairLog(folder: string, options: LogRepairOptions): Promise<RepairReport> {
  const { disk, acceptLoss, lock, nowMs } = options;
  const { manifest, complaint } = manifestOf(disk, folder);
  const place: LogPlace = { disk, folder, logId: manifest.logId };
  const isRebuilt = complaint !== undefined;
  const producers = new ProducerTable(manifest.producers);
  let { epoch, compactedTo } = manifest;
  let records = 0;
  const visit: SurveyVisit = (batch, segment) => {
    epoch = Math.max(epoch, batch.header.epoch);
    records += presentRecords(manifest, batch);
    if (isRebuilt && !batch.isDense) compactedTo = Math.max(compactedTo, batch.nextOffset);
    const producer = batch.producer();
    // The manifest knows the producers of what is sealed, if it can be believed.
    if (producer === undefined || !(isRebuilt || segment === manifest.activeBaseOffset)) return;
    producers.note(producer, { start: batch.baseOffset, end: batch.nextOffset });
  };
  const segments = surveySegments(place, manifest, { visit, isOwn: !isRebuilt });
  const plan = planRepair(manifest, segments, { folder, acceptLoss });
  const isDamaged = isRebuilt || plan.cuts.length > 0 || plan.headers.length > 0;
  const after: Manifest = {
    ...plan.manifest,
    epoch,
    compactedTo,
    producers: isRebuilt || plan.isActiveNew ? producers.snapshot() : manifest.producers,
  };
  const quarantined: string[] = [];
  if (isDamaged && lock !== undefined) {
    const sealed = manifest.sealed.map((entry, i) => withTime(entry, segments[i]!));
    const clean = agreedEnd(after, segments.at(-1)!);
    const draft = { ...manifest, sealed, epoch, producers: after.producers, clean };
    if (isRebuilt) quarantined.push(...await putDraft(place, draft, lock));
    quarantined.push(...await carryOut(place, { ...plan, manifest: after }, { lock, nowMs }));
  }
  const places = segments.flatMap(placesOf);
  return {
    path: folder,
    isDamaged,
    places: complaint === undefined ? places : [complaint, ...places],
    lost: plan.lost,
    records,
    quarantined,
    notes: isRebuilt ? REBUILT_NOTES : [],
  };
}

/** Where a log goes on when the end of its active segment is given up: as was agreed, once for all. */
function agreedEnd(after: Manifest, active: SegmentSurvey): CleanEnd | null {
  const { baseOffset, size = 0 } = active;
  const isNew = after.activeBaseOffset > baseOffset && size > SEGMENT_HEADER_BYTES;
  return isNew ? { nextOffset: after.activeBaseOffset, bytes: size } : null;
}

const REBUILT_NOTES = [
  "the manifest was made anew from the segments: records that truncations removed may be back, and " +
  "appends of producers are known as far as whole batches tell",
];

/** The manifest, or one made from the segments and what is wrong with the one that is there. */
function manifestOf(
  disk: Disk,
  folder: string,
): { manifest: Manifest; complaint: RepairedPlace | undefined } {
  const path = join(folder, MANIFEST_FILE);
  let message = "it is missing";
  try {
    const manifest = readManifest(disk, folder);
    if (manifest !== undefined) return { manifest, complaint: undefined };
  } catch (error) {
    if (!(error instanceof SeglogError) || error.code !== "corrupt") throw error;
    message = "it is damaged";
  }
  return { manifest: draftManifest(disk, folder), complaint: { path, position: 0, message } };
}

function placesOf({ path, headerComplaint: message, places }: SegmentSurvey): RepairedPlace[] {
  const header = message === undefined ? [] : [{ position: 0, message }];
  return [...header, ...places].map((found) => ({ path, ...found }));
}

/** How many records of a whole batch can be read. */
function presentRecords({ logStartOffset, gaps }: Manifest, batch: BatchView): number {
  const { baseOffset: start, nextOffset: end, header } = batch;
  const range = presentOffsets({ logStartOffset, gaps, nextOffset: Infinity }, { start, end });
  if (range.start === start && range.end === end) return header.recordCount;
  return [...recordsOf(batch, { from: range.start, until: range.end })].length;
}

function withTime(entry: SealedEntry, { stretches }: SegmentSurvey): SealedEntry {
  const maxTimestampMs = Math.max(0, ...stretches.map((stretch) => stretch.maxTimestampMs));
  return { ...entry, maxTimestampMs };
}

/**
 * Puts a manifest in place that says of the damaged log what its own should have: should the repair
 * be cut short, the next one is not misled by the segments that this one makes.
 */
async function putDraft(place: LogPlace, draft: Manifest, lock: DiskLock): Promise<string[]> {
  const { disk, folder } = place;
  const isThere = disk.sizeOf(join(folder, MANIFEST_FILE)) !== undefined;
  const kept = isThere ? [await keepBytes(place, MANIFEST_FILE)] : [];
  await writeManifest(disk, folder, draft, { lock });
  return kept;
}

/** Does what was planned, in an order that a crash at any step survives; returns what it kept. */
async function carryOut(
  place: LogPlace,
  plan: RepairPlan,
  { lock, nowMs }: { readonly lock: DiskLock; readonly nowMs: number },
): Promise<string[]> {
  const { manifest, cuts, headers } = plan;
  if (!isWholeChain(manifest)) throw new TypeError("a repair planned segments that do not join");
  const quarantined = await keepAll(place, plan);
  for (const segment of headers) await renewHeader(place, segment, nowMs);
  for (const { segment, copies } of cuts) {
    for (const stretch of copies) await copyStretch(place, segment, stretch, nowMs);
  }
  if (plan.isActiveNew) {
    await makeRoom(place, manifest.activeBaseOffset, cuts.at(-1)!.segment);
    (await createActive(place, manifest.activeBaseOffset, nowMs)).close();
  }
  await writeManifest(place.disk, place.folder, manifest, { lock });
  await clear(place, plan);
  return quarantined;
}

/** Copies everything that will be cut off or replaced. */
async function keepAll(place: LogPlace, { cuts, headers }: RepairPlan): Promise<string[]> {
  const kept: string[] = [];
  for (const segment of headers) {
    const range = { from: 0, to: Math.min(segment.size ?? 0, SEGMENT_HEADER_BYTES) };
    kept.push(await keepBytes(place, segmentFileName(segment), range));
  }
  for (const { segment, keptBytes } of cuts) {
    const { size } = segment;
    if (size === undefined || size === keptBytes) continue;
    const range = keptBytes === undefined ? undefined : { from: keptBytes, to: size };
    kept.push(await keepBytes(place, segmentFileName(segment), range));
  }
  return kept;
}

/** Writes a damaged header anew. The salt is the same, so its batches stay as they are. */
async function renewHeader(
  place: LogPlace,
  { path, baseOffset, salt, size }: SegmentSurvey,
  createdMs: number,
): Promise<void> {
  const header = encodeSegmentHeader({ salt: salt!, baseOffset, logId: place.logId, createdMs });
  await rewriteStart(place, path, { header, bytes: size! });
}

/**
 * Replaces a file by its first bytes, with another header if one is given. A snapshot may share the
 * file: it is never changed in place. The new manifest makes a renewed header durable; a cut that
 * comes undone leaves bytes that do not count.
 */
async function rewriteStart(
  { disk }: LogPlace,
  path: string,
  { header, bytes }: { readonly header?: Uint8Array; readonly bytes: number },
): Promise<void> {
  const temporary = `${path}.tmp`;
  await copyRange(disk, { path, from: 0, to: bytes }, temporary, header);
  disk.rename(temporary, path);
}

/**
 * Copies whole batches into a segment of their own: payloads as they are, headers anew. It gets its
 * name when it is complete: what a crash leaves is never half of it, should there be no manifest.
 */
async function copyStretch(
  place: LogPlace,
  segment: SegmentSurvey,
  { start, from, to }: Stretch,
  createdMs: number,
): Promise<void> {
  const { disk, logId } = place;
  const path = segmentPath(place, { baseOffset: start });
  const temporary = `${path}.tmp`;
  removeIfThere(disk, temporary);
  const salt = newSalt();
  const source = disk.open(segment.path, "read");
  const target = disk.create(temporary);
  try {
    target.write(encodeSegmentHeader({ salt, baseOffset: start, logId, createdMs }), 0);
    const reader = new BlockReader({ file: source, salt: segment.salt! });
    let position = from;
    while (position < to) {
      const batch = reader.batchAt(position, to);
      if (typeof batch === "string" || !batch.isIntact()) {
        throw new SeglogError("io", `Cannot copy from ${segment.path}: it changed meanwhile`);
      }
      const bytes = rehead(batch, { durableUpTo: SEGMENT_HEADER_BYTES }, salt);
      target.write(bytes, SEGMENT_HEADER_BYTES + position - from);
      position += bytes.length;
    }
    await target.sync();
  } finally {
    source.close();
    target.close();
  }
  await makeRoom(place, start, segment);
  disk.rename(temporary, path);
  await disk.syncFolder(place.folder);
}

/** Puts away a segment that no manifest lists, where another will be: of a repair cut short, say. */
async function makeRoom(
  place: LogPlace,
  baseOffset: number,
  replaced: SegmentName,
): Promise<void> {
  const name = segmentFileName({ baseOffset });
  const isReplaced = name === segmentFileName(replaced);
  if (isReplaced || place.disk.sizeOf(join(place.folder, name)) === undefined) return;
  await quarantineFile(place, name);
}

/**
 * Removes what the new manifest does not list. A crash before the end leaves bytes behind the ends
 * of segments, which do not count, and segments that the next opening puts away.
 */
async function clear(place: LogPlace, { manifest, cuts }: RepairPlan): Promise<void> {
  const { disk } = place;
  for (const { segment, keptBytes } of cuts) {
    const { baseOffset, generation, path, size } = segment;
    for (const path of companionPaths(place, segment)) removeIfThere(disk, path);
    if (keptBytes === undefined) {
      const isActive = baseOffset === manifest.activeBaseOffset && generation === 0;
      if (!isActive) removeIfThere(disk, path);
    } else if (size !== keptBytes) await rewriteStart(place, path, { bytes: keptBytes });
  }
  const renewed = new Set(cuts.flatMap(({ segment: { baseOffset }, copies }) => [
    baseOffset,
    ...copies.map(({ start }) => start),
  ]));
  const { files } = new LogCaches();
  for (const entry of manifest.sealed) {
    if (!renewed.has(entry.baseOffset)) continue;
    const sealed = new SealedSegment(place, entry, files);
    saveIndex(place, sealed);
    sealed.close();
  }
}
