/**
 * Reads an active segment that nobody may change, damage included: what lies behind damage is found
 * all the same, and the tail that recovery would cut off is left out.
 *
 * @module
 */
import type { BatchView } from "../format/batch.ts";
import type { BatchSource } from "./block_reader.ts";
import type { Damage } from "./damage.ts";
import { scanBatches, type ScanEnd, watermarkBeyond } from "./scan.ts";
import { SegmentWalk } from "./segment_walk.ts";

/** Where a scan begins, and the bytes that are known to have been synced. */
export interface ScanStart {
  readonly bytes: number;
  readonly nextOffset: number;
  readonly epoch: number;
  readonly watermark: number;
}

/** Is told of what a scan finds, in the order of the file. */
export interface ScanVisitor {
  batch(batch: BatchView, position: number): void;
  /** @param end where the batches go on */
  damage(damage: Damage, end: { bytes: number; nextOffset: number }): void;
}

/**
 * Scans as recovery does, and decides at each complaint as recovery would: a position at or beyond
 * the watermark is a torn tail, or a write under way, and ends the scan. One before it is damage;
 * the scan goes on behind it, where anything can still be found there.
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
  let watermark = Math.max(start.watermark, end.watermark);
  if (end.complaint !== undefined) {
    watermark = Math.max(watermark, watermarkBeyond(source, end.bytes, size));
  }
  while (end.complaint !== undefined && end.bytes < watermark) {
    const found = nextBatch(source, end, size);
    if (found === undefined) break;
    const { nextOffset, bytes: position, complaint } = end;
    visitor.damage({ start: nextOffset, end: found.nextOffset, position, complaint }, found);
    end = scanBatches(source, { ...found, epoch: end.epoch }, size, visit);
    watermark = Math.max(watermark, end.watermark);
  }
  return { ...end, watermark };
}

/** Where the batches go on behind one that cannot be read. */
function nextBatch(
  source: BatchSource,
  end: ScanEnd,
  size: number,
): { bytes: number; nextOffset: number } | undefined {
  const start = { position: end.bytes, offset: end.nextOffset };
  const walk = new SegmentWalk(source, { bytes: size, nextOffset: Infinity }, start);
  walk.next(); // a batch whose payload is damaged, or whatever is there instead of one
  return walk.offset === Infinity ? undefined : { bytes: walk.position, nextOffset: walk.offset };
}
