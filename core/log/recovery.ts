/**
 * Opens the active segment of a log that may not have been closed, as the contract says: a torn
 * tail is cut and kept aside, damage to what was acknowledged is refused.
 *
 * A batch header carries `durableUpTo`: the bytes of its segment that a *returned* sync had covered
 * when the batch was built. With W the largest of these, and P the first position that cannot be
 * believed:
 *
 * - `P >= W`: nothing acknowledged as durable lies at or beyond P. It is a torn tail.
 * - `P < W`: bytes at P had reached the disk and are damaged now. Nothing is changed.
 *
 * @module
 */
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import { READ_BLOCK_BYTES } from "../base/limits.ts";
import type { Disk, DiskFile, DiskLock } from "../disk/disk.ts";
import { checkHeld } from "../disk/files.ts";
import { QUARANTINE_FOLDER, segmentFileName } from "../format/file_names.ts";
import type { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { CleanEnd, Manifest } from "./manifest.ts";
import { scanSegment, watermarkBeyond } from "./scan.ts";
import { loadIndex } from "./index_file.ts";
import { type LogPlace, openSegmentFile, type SegmentFile, segmentPath } from "./segment_file.ts";
import { ActiveSegment } from "./segments.ts";
import { SparseIndex } from "./sparse_index.ts";

/** What recovery had to do. */
export interface RecoveryReport {
  /** Bytes of a torn tail that were cut off; 0 when there was none. */
  readonly tornBytes: number;
  /** Where they are kept. */
  readonly quarantinePath: string | undefined;
}

/** What is to be done with an active segment. */
export type RecoveryDecision =
  | { readonly kind: "whole" }
  | { readonly kind: "torn"; readonly from: number }
  | { readonly kind: "damaged"; readonly at: number };

/** Decides by the positions alone: see the module's text. */
export function decideRecovery(
  end: { bytes: number; watermark: number },
  size: number,
): RecoveryDecision {
  if (end.bytes < end.watermark) return { kind: "damaged", at: end.bytes };
  return end.bytes === size ? { kind: "whole" } : { kind: "torn", from: end.bytes };
}

/** What recovery needs beside the files. */
export interface RecoveryOptions {
  /** The lock that makes the segment ours. */
  readonly lock: DiskLock;
  /** Gets each batch that was read, when the segment had to be read. */
  readonly visit: (batch: BatchView) => void;
}

/**
 * Opens the active segment for writing.
 *
 * @throws {SeglogError} `corrupt` for damage to acknowledged data, with nothing changed
 */
export async function recoverActive(
  place: LogPlace,
  manifest: Manifest,
  options: RecoveryOptions,
): Promise<{ active: ActiveSegment; report: RecoveryReport }> {
  const baseOffset = manifest.activeBaseOffset;
  const file = openSegmentFile(place, baseOffset, "write");
  try {
    const closed = closedInGoodOrder(place, manifest, file);
    if (closed !== undefined) {
      return {
        active: new ActiveSegment(place, baseOffset, closed),
        report: { tornBytes: 0, quarantinePath: undefined },
      };
    }
    return await recoverByScan(place, { ...options, manifest, file });
  } catch (error) {
    file.file.close();
    throw error;
  }
}

/** The state of a segment whose log was closed in good order, when its size and index agree. */
function closedInGoodOrder(place: LogPlace, manifest: Manifest, file: SegmentFile) {
  const { clean, activeBaseOffset: baseOffset } = manifest;
  if (clean === null || file.file.size() !== clean.bytes) return undefined;
  const index = loadIndex(place, file, { baseOffset, bytes: clean.bytes });
  return index === undefined ? undefined : { file, index, end: clean };
}

async function recoverByScan(
  place: LogPlace,
  opened: RecoveryOptions & { manifest: Manifest; file: SegmentFile },
): Promise<{ active: ActiveSegment; report: RecoveryReport }> {
  const { manifest, file, lock, visit } = opened;
  const baseOffset = manifest.activeBaseOffset;
  const path = segmentPath(place, baseOffset);
  const index = new SparseIndex(baseOffset);
  const size = file.file.size();
  const source = { file: file.file, salt: file.salt };
  const end = scanSegment(source, baseOffset, size, (batch, position) => {
    index.add(batch.header, position);
    visit(batch);
  });
  const beyond = end.complaint === undefined ? 0 : watermarkBeyond(source, end.bytes, size);
  const watermark = Math.max(end.watermark, beyond, manifest.clean?.bytes ?? 0);
  const decision = decideRecovery({ bytes: end.bytes, watermark }, size);
  if (decision.kind === "damaged") {
    throw damage(path, { ...end, watermark }, manifest.clean);
  }
  const report = decision.kind === "torn"
    ? await cutTornTail(place, { file, lock, baseOffset, from: decision.from, size })
    : { tornBytes: 0, quarantinePath: undefined };
  // What the scan read may be only in the page cache: a batch whose sync never returned. It is
  // about to be shown as durable, so it must be.
  checkHeld(lock, `recover ${place.folder}`);
  writeAgain(file.file, Math.max(SEGMENT_HEADER_BYTES, end.watermark), end.bytes);
  await file.file.sync();
  return { active: new ActiveSegment(place, baseOffset, { file, index, end }), report };
}

/**
 * Moves the bytes from `from` on into quarantine. They are durable there before they are cut, so
 * that a crash in between leaves them in both places, and recovery does the same again.
 */
async function cutTornTail(
  place: LogPlace,
  tail: { file: SegmentFile; lock: DiskLock; baseOffset: number; from: number; size: number },
): Promise<RecoveryReport> {
  const { file, lock, baseOffset, from, size } = tail;
  const name = `${segmentFileName(baseOffset)}.${from}`;
  const folder = await makeQuarantine(place);
  const quarantinePath = freeName(place.disk, join(folder, name));
  await copyRange(place.disk, { source: file.file, from, to: size }, quarantinePath);
  await place.disk.syncFolder(folder);
  checkHeld(lock, `recover ${place.folder}`);
  file.file.truncate(from);
  await file.file.sync();
  return { tornBytes: size - from, quarantinePath };
}

/**
 * Writes `[from, to)` as it is. After a sync that failed the kernel may take pages for written that
 * are not, and the next sync would pass over them; see "PostgreSQL's fsync() surprise" (2018).
 */
function writeAgain(file: DiskFile, from: number, to: number): void {
  for (const { bytes, position } of blocksOf(file, from, to)) file.write(bytes, position);
}

/** Moves a whole file into quarantine. */
export async function quarantineFile(place: LogPlace, name: string): Promise<string> {
  const folder = await makeQuarantine(place);
  const path = freeName(place.disk, join(folder, name));
  place.disk.rename(join(place.folder, name), path);
  await place.disk.syncFolder(folder);
  await place.disk.syncFolder(place.folder);
  return path;
}

async function makeQuarantine(place: LogPlace): Promise<string> {
  const folder = join(place.folder, QUARANTINE_FOLDER);
  place.disk.makeFolder(folder);
  await place.disk.syncFolder(place.folder);
  return folder;
}

async function copyRange(
  disk: Disk,
  range: { source: DiskFile; from: number; to: number },
  path: string,
): Promise<void> {
  const target = disk.create(path);
  try {
    for (const { bytes, position } of blocksOf(range.source, range.from, range.to)) {
      target.write(bytes, position - range.from);
    }
    await target.sync();
  } finally {
    target.close();
  }
}

/** The bytes `[from, to)` of a file, by pieces that are valid until the next. */
function* blocksOf(file: DiskFile, from: number, to: number) {
  const block = new Uint8Array(READ_BLOCK_BYTES);
  for (let position = from; position < to; position += block.length) {
    const wanted = block.subarray(0, Math.min(block.length, to - position));
    yield { bytes: wanted.subarray(0, file.read(wanted, position)), position };
  }
}

function freeName(disk: Disk, path: string): string {
  let free = path;
  for (let copy = 2; disk.sizeOf(free) !== undefined; copy++) free = `${path}~${copy}`;
  return free;
}

function damage(
  path: string,
  end: { bytes: number; nextOffset: number; watermark: number; complaint: string | undefined },
  clean: CleanEnd | null,
): SeglogError {
  const what = end.complaint ?? "the file ends too early";
  const last = clean === null ? "" : ` to ${clean.nextOffset - 1}`;
  return new SeglogError(
    "corrupt",
    `Cannot open ${path} for writing: ${what} at position ${end.bytes}, from offset ${end.nextOffset}${last} on, ` +
      `and bytes up to ${end.watermark} had been acknowledged as durable. Nothing was changed. ` +
      "Reading what is whole stays possible; restore the file, or look at it with `seglog dump`",
    { details: { path, position: end.bytes, offset: end.nextOffset, durableUpTo: end.watermark } },
  );
}
