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
import { SeglogError } from "../base/errors.ts";
import type { DiskFile, DiskLock } from "../disk/disk.ts";
import { blocksOf, checkHeld } from "../disk/files.ts";
import { segmentFileName } from "../format/file_names.ts";
import type { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { BatchSource } from "./block_reader.ts";
import type { Manifest } from "./manifest.ts";
import { type ScanEnd, scanSegment, scanTail, watermarkBeyond } from "./scan.ts";
import { loadIndex } from "./index_file.ts";
import { keepBytes } from "./quarantine.ts";
import { type LogPlace, openSegmentFile, type SegmentFile, segmentPath } from "./segment_file.ts";
import { lostOffsets, repairCommand, wayOn } from "./repair_words.ts";
import { ActiveSegment } from "./segments.ts";
import { SparseIndex } from "./sparse_index.ts";
import { type OpenGap, walkActive } from "./walk_segment.ts";

/** What recovery had to do. */
export interface RecoveryReport {
  /** Bytes of a torn tail that were cut off; 0 when there was none. */
  readonly tornBytes: number;
  /** Where they are kept. */
  readonly quarantinePath: string | undefined;
}

/** An active segment that can be appended to. */
export interface RecoveredSegment {
  readonly active: ActiveSegment;
  readonly report: RecoveryReport;
  /** The highest epoch of its batches; 0 when there is none. */
  readonly epoch: number;
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
 * The bytes that are known to have been synced: as batches tell, up to where the log was closed, and
 * where the last of the records lay that a truncation removed. Their offsets must not come again.
 */
export function watermarkOf(
  manifest: Manifest,
  end: { bytes: number; nextOffset: number; watermark: number },
): number {
  const isShort = end.nextOffset < manifest.logStartOffset;
  return Math.max(end.watermark, manifest.clean?.bytes ?? 0, isShort ? end.bytes + 1 : 0);
}

/**
 * Reads an active segment and says how far it can be believed, and what is to be done about the rest.
 *
 * @param visit gets each batch that can be believed, with its position
 * @returns `end.watermark` is W: what lies beyond P and in the manifest is counted in
 */
export function judgeActive(
  source: BatchSource,
  active: { readonly manifest: Manifest; readonly size: number },
  visit: (batch: BatchView, position: number) => void,
): { readonly end: ScanEnd; readonly decision: RecoveryDecision } {
  const { manifest, size } = active;
  const end = scanSegment(source, manifest.activeBaseOffset, size, visit);
  const beyond = end.complaint === undefined ? 0 : watermarkBeyond(source, end.bytes, size);
  const watermark = Math.max(beyond, watermarkOf(manifest, end));
  const decision = decideRecovery({ bytes: end.bytes, watermark }, size);
  return { decision, end: { ...end, watermark } };
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
): Promise<RecoveredSegment> {
  const baseOffset = manifest.activeBaseOffset;
  const file = openActive(place, baseOffset);
  try {
    const closed = closedInGoodOrder(place, manifest, file);
    if (closed !== undefined) {
      return {
        active: new ActiveSegment(place, baseOffset, closed),
        report: { tornBytes: 0, quarantinePath: undefined },
        epoch: closed.epoch,
      };
    }
    return await recoverByScan(place, { ...options, manifest, file });
  } catch (error) {
    file.file.close();
    throw error;
  }
}

function openActive(place: LogPlace, baseOffset: number): SegmentFile {
  try {
    return openSegmentFile(place, baseOffset, "write");
  } catch (error) {
    if (!(error instanceof SeglogError) || error.code !== "corrupt") throw error;
    throw new SeglogError(
      "corrupt",
      `${error.message}; it has the log's last records, from offset ${baseOffset} on. Nothing was ` +
        `changed; restore the file, or see what can be saved with \`${
          repairCommand(place.folder, [])
        } --dry-run\``,
      { cause: error, details: { ...error.details, start: baseOffset } },
    );
  }
}

/** The state of a segment whose log was closed in good order, when its size and index agree. */
export function closedInGoodOrder(place: LogPlace, manifest: Manifest, file: SegmentFile) {
  const { clean, activeBaseOffset: baseOffset } = manifest;
  if (clean === null || file.file.size() !== clean.bytes) return undefined;
  const index = loadIndex(place, file, { baseOffset, bytes: clean.bytes });
  const found = index === undefined ? undefined : scanTail(file, index, clean);
  return found === undefined ? undefined : { file, index: index!, end: clean, epoch: found.epoch };
}

async function recoverByScan(
  place: LogPlace,
  opened: RecoveryOptions & { manifest: Manifest; file: SegmentFile },
): Promise<RecoveredSegment> {
  const { manifest, file, lock, visit } = opened;
  const baseOffset = manifest.activeBaseOffset;
  const path = segmentPath(place, baseOffset);
  const index = new SparseIndex(baseOffset);
  const size = file.file.size();
  const source = { file: file.file, salt: file.salt };
  const { decision, end } = judgeActive(source, { manifest, size }, (batch, position) => {
    index.add(batch.header, position);
    visit(batch);
  });
  if (decision.kind === "damaged") {
    const { lost } = walkActive(source, { manifest, size, watermark: end.watermark });
    const { logStartOffset } = manifest;
    const readable = lost.filter((range) => (range.end ?? Infinity) > logStartOffset)
      .map((range) => ({ ...range, start: Math.max(range.start, logStartOffset) }));
    throw damage(place, { path, end, lost: readable });
  }
  checkEnd(path, end, manifest);
  const report = decision.kind === "torn"
    ? await cutTornTail(place, { file, lock, baseOffset, from: decision.from, size })
    : { tornBytes: 0, quarantinePath: undefined };
  // What the scan read may be only in the page cache: a batch whose sync never returned. It is
  // about to be shown as durable, so it must be; and a cut must not come undone.
  checkHeld(lock, `recover ${place.folder}`);
  writeAgain(file.file, Math.max(SEGMENT_HEADER_BYTES, end.watermark), end.bytes);
  await file.file.sync();
  const active = new ActiveSegment(place, baseOffset, { file, index, end });
  return { active, report, epoch: end.epoch };
}

/** A log that was closed ends at the offset that the manifest tells. */
function checkEnd(path: string, end: ScanEnd, { clean }: Manifest): void {
  if (end.bytes !== clean?.bytes || end.nextOffset === clean.nextOffset) return;
  throw new SeglogError(
    "corrupt",
    `Cannot open ${path} for writing: it ends at offset ${end.nextOffset}, and was closed at ` +
      `${clean.nextOffset}. Nothing was changed; restore it or the manifest`,
    { details: { path } },
  );
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
  const quarantinePath = await keepBytes(place, segmentFileName(baseOffset), { from, to: size });
  checkHeld(lock, `recover ${place.folder}`);
  file.file.truncate(from);
  return { tornBytes: size - from, quarantinePath };
}

/**
 * Writes `[from, to)` as it is. After a sync that failed the kernel may take pages for written that
 * are not, and the next sync would pass over them; see "PostgreSQL's fsync() surprise" (2018).
 */
function writeAgain(file: DiskFile, from: number, to: number): void {
  for (const { bytes, position } of blocksOf(file, from, to)) file.write(bytes, position);
}

function damage(
  { folder }: LogPlace,
  found: { path: string; end: ScanEnd; lost: readonly OpenGap[] },
): SeglogError {
  const { path, end, lost } = found;
  const what = end.complaint ?? "the file ends too early";
  return new SeglogError(
    "corrupt",
    `Cannot open ${path} for writing: ${what} at position ${end.bytes}, and bytes up to ${end.watermark} ` +
      `had been acknowledged as durable. ${lostOffsets(lost)}. Nothing was changed. ` +
      `Reading what is whole stays possible; ${wayOn(folder, lost)}`,
    { details: { path, position: end.bytes, offset: end.nextOffset, durableUpTo: end.watermark } },
  );
}
