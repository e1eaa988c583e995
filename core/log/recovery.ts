/**
 * Opens the active segment of a log that may not have been closed, as the contract says: a torn
 * tail is cut and kept aside, damage to what was acknowledged is refused.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import type { DiskFile, DiskLock } from "../disk/disk.ts";
import { blocksOf, checkHeld } from "../disk/files.ts";
import { segmentFileName } from "../format/file_names.ts";
import type { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { OpenDamage } from "./damage.ts";
import { missedOffsets } from "./gaps.ts";
import type { Manifest } from "./manifest.ts";
import { type ScanEnd, scanTail } from "./scan.ts";
import { scanActive } from "./scan_active.ts";
import { loadIndex } from "./index_file.ts";
import { keepBytes } from "./quarantine.ts";
import { type LogPlace, openSegmentFile, type SegmentFile, segmentPath } from "./segment_file.ts";
import { lostOffsets, repairCommand, wayOn } from "./repair_words.ts";
import { ActiveSegment } from "./segments.ts";
import { SparseIndex } from "./sparse_index.ts";

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
    return openSegmentFile(place, { baseOffset }, "write");
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
  const path = segmentPath(place, { baseOffset });
  const index = new SparseIndex(baseOffset);
  const size = file.file.size();
  const found: OpenDamage[] = [];
  let records = 0;
  const { end, isDamaged, tornBytes } = scanActive(file, { manifest, size }, {
    batch(batch, position) {
      if (found.length > 0) return; // it will not be opened
      index.add(batch.header, position);
      records += batch.header.recordCount;
      visit(batch);
    },
    damage: (damage) => void found.push(damage),
  });
  if (isDamaged) throw refusal(place, { path, manifest, found, durableUpTo: end.watermark });
  checkEnd(path, end, manifest);
  const report = tornBytes > 0
    ? await keepTornTail(place, { baseOffset, from: end.bytes, to: end.bytes + tornBytes })
    : { tornBytes: 0, quarantinePath: undefined };
  if (size > end.bytes) {
    checkHeld(lock, `recover ${place.folder}`);
    file.file.truncate(end.bytes);
  }
  // What the scan read may be only in the page cache: a batch whose sync never returned. It is
  // about to be shown as durable, so it must be; and a cut must not come undone.
  checkHeld(lock, `recover ${place.folder}`);
  writeAgain(file.file, Math.max(SEGMENT_HEADER_BYTES, end.watermark), end.bytes);
  await file.file.sync();
  const active = new ActiveSegment(place, baseOffset, { file, index, end: { ...end, records } });
  return { active, report, epoch: end.epoch };
}

/** A log that was closed does not go on past the offset that the manifest tells; to end before is damage. */
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
 * Copies `[from, to)` into quarantine. The bytes are durable there before they are cut, so that a
 * crash in between leaves them in both places, and recovery does the same again.
 */
async function keepTornTail(
  place: LogPlace,
  { baseOffset, from, to }: { baseOffset: number; from: number; to: number },
): Promise<RecoveryReport> {
  const quarantinePath = await keepBytes(place, segmentFileName({ baseOffset }), { from, to });
  return { tornBytes: to - from, quarantinePath };
}

/**
 * Writes `[from, to)` as it is. After a sync that failed the kernel may take pages for written that
 * are not, and the next sync would pass over them; see "PostgreSQL's fsync() surprise" (2018).
 */
function writeAgain(file: DiskFile, from: number, to: number): void {
  for (const { bytes, position } of blocksOf(file, from, to)) file.write(bytes, position);
}

function refusal(
  { folder }: LogPlace,
  damaged: { path: string; manifest: Manifest; found: OpenDamage[]; durableUpTo: number },
): SeglogError {
  const { path, manifest, found, durableUpTo } = damaged;
  const { position, start: offset, complaint } = found[0]!;
  const lost = missedOffsets(found, manifest);
  return new SeglogError(
    "corrupt",
    `Cannot open ${path} for writing: ${complaint} at position ${position}, and bytes up to ` +
      `${durableUpTo} had been acknowledged as durable. ${
        lostOffsets(lost)
      }. Nothing was changed. ` +
      `Reading what is whole stays possible; ${wayOn(folder, lost)}`,
    { details: { path, position, offset, durableUpTo } },
  );
}
