/**
 * Reads an active segment past damage, and decides what is damage and what a torn tail, as the
 * contract says.
 *
 * A batch header carries `durableUpTo`: the bytes of its segment that a *returned* sync had covered
 * when the batch was built. With W the largest of these, and P a position that cannot be believed:
 *
 * - `P >= W`: nothing acknowledged as durable lies at or beyond P. It is a torn tail, or a write
 *   under way, and the log ends there.
 * - `P < W`: bytes at P had reached the disk and are damaged now. The log goes on behind them, where
 *   anything can still be found there, and the same is asked at the next such position.
 *
 * @module
 */
import type { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { BatchSource } from "./block_reader.ts";
import type { Damage, OpenDamage } from "./damage.ts";
import type { Manifest } from "./manifest.ts";
import { scanBatches, type ScanEnd, watermarkBeyond } from "./scan.ts";
import { SegmentWalk } from "./segment_walk.ts";
import { endOfContent } from "./unused_space.ts";

/** Where a scan begins, and what is known to have been durable. */
export interface ScanStart {
  readonly bytes: number;
  readonly nextOffset: number;
  readonly epoch: number;
  /** Bytes that are known to have been synced. */
  readonly watermark: number;
  /** An offset that the log had reached: what a truncation removed was on disk. */
  readonly reached: number;
}

/** Is told of what a scan finds, in the order of the file. */
export interface ScanVisitor {
  batch(batch: BatchView, position: number): void;
  /** @param end where the batches go on */
  damage(damage: Damage, end: { bytes: number; nextOffset: number }): void;
}

/** The same for a whole active segment, where what is damaged at the end is told, too. */
export interface ActiveVisitor {
  batch(batch: BatchView, position: number): void;
  damage(damage: OpenDamage): void;
}

/** What a scan of a whole active segment came to. */
export interface ActiveScan {
  /** The end of the last good batch; its watermark is W. */
  readonly end: ScanEnd;
  /** Whether bytes that had been durable cannot be believed. */
  readonly isDamaged: boolean;
  /** Bytes of a torn tail behind the last good batch. */
  readonly tornBytes: number;
}

/**
 * Scans a whole active segment. Where nothing is found behind damage, and no clean close tells, it is
 * not known at which offset it ends.
 *
 * @param size bytes of the file
 */
export function scanActive(
  source: BatchSource,
  { manifest, size }: { readonly manifest: Manifest; readonly size: number },
  visitor: ActiveVisitor,
): ActiveScan {
  const { activeBaseOffset, clean, logStartOffset } = manifest;
  let isDamaged = false;
  const damage = (found: OpenDamage) => {
    isDamaged = true;
    visitor.damage(found);
  };
  const start = {
    bytes: SEGMENT_HEADER_BYTES,
    nextOffset: activeBaseOffset,
    epoch: 0,
    watermark: clean?.bytes ?? 0,
    reached: logStartOffset,
  };
  const batch = (batch: BatchView, position: number) => visitor.batch(batch, position);
  const end = scanPastDamage(source, start, size, { batch, damage });
  const { bytes: position, nextOffset, watermark, complaint = "the file ends too early" } = end;
  const isShort = clean !== null && nextOffset < clean.nextOffset;
  if (position >= watermark && !isShort) {
    const tornBytes = endOfContent(source.file, { from: position, size }) - position;
    return { end, isDamaged, tornBytes };
  }
  const lostEnd = clean === null ? undefined : Math.max(nextOffset, clean.nextOffset);
  damage({ start: nextOffset, end: lostEnd, position, complaint });
  return { end, isDamaged, tornBytes: 0 };
}

/**
 * Scans from some batch on.
 *
 * @param size bytes of the file
 * @returns the end of the last good batch. It is below the watermark when bytes that were synced
 * are missing there, and nothing is found behind them
 */
export function scanPastDamage(
  source: BatchSource,
  start: ScanStart,
  size: number,
  visitor: ScanVisitor,
): ScanEnd {
  const visit = (batch: BatchView, position: number) => visitor.batch(batch, position);
  let end = scanBatches(source, start, size, visit);
  const beyond = end.complaint === undefined ? 0 : watermarkBeyond(source, end.bytes, size);
  let watermark = Math.max(start.watermark, beyond);
  for (;;) {
    const isShort = end.nextOffset < start.reached;
    watermark = Math.max(watermark, end.watermark, isShort ? end.bytes + 1 : 0);
    const { bytes: position, nextOffset, complaint } = end;
    if (complaint === undefined || position >= watermark) return { ...end, watermark };
    // The owner may have filled space since it was read: what was durable by then is whole by now.
    const again = scanBatches(source, end, size, visit);
    if (again.bytes > position) {
      end = again;
      continue;
    }
    const found = nextBatch(source, end, size);
    if (found === undefined) return { ...end, watermark };
    visitor.damage({ start: nextOffset, end: found.nextOffset, position, complaint }, found);
    end = scanBatches(source, found, size, visit);
  }
}

/** Where the batches go on behind one that cannot be read. */
function nextBatch(source: BatchSource, end: ScanEnd, size: number) {
  const start = { position: end.bytes, offset: end.nextOffset, epoch: end.epoch };
  const walk = new SegmentWalk(source, { bytes: size, nextOffset: Infinity }, start);
  walk.next(); // a batch whose payload is damaged, or whatever is there instead of one
  const { position: bytes, offset: nextOffset, epoch } = walk;
  return nextOffset === Infinity ? undefined : { bytes, nextOffset, epoch };
}
