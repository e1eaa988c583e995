/**
 * Reads a segment up to the first batch that cannot be believed.
 *
 * @module
 */
import type { BatchView } from "../format/batch.ts";
import { type BatchSource, BlockReader } from "./block_reader.ts";
import { SegmentWalk } from "./segment_walk.ts";
import type { SparseIndex } from "./sparse_index.ts";

/** How far a segment can be believed. */
export interface ScanEnd {
  /** Where the last good batch ends. */
  readonly bytes: number;
  /** Offset after the last good record. */
  readonly nextOffset: number;
  /** Highest epoch of the good batches. */
  readonly epoch: number;
  /** Bytes that a sync is known to have covered: the largest `durableUpTo` of the good batches. */
  readonly watermark: number;
  /** What is wrong where the good batches end; `undefined` when the file ends there. */
  readonly complaint: string | undefined;
}

/**
 * Checks batch after batch: what a walk believes, and the payload's checksum.
 *
 * @param start where to begin, and the offset and epoch to go on from
 * @param size bytes of the file
 * @param visit gets each good batch with its position
 */
export function scanBatches(
  source: BatchSource,
  start: { bytes: number; nextOffset: number; epoch: number },
  size: number,
  visit: (batch: BatchView, position: number) => void,
): ScanEnd {
  const { bytes: position, nextOffset: offset } = start;
  const walk = new SegmentWalk(source, { bytes: size, nextOffset: Infinity }, {
    position,
    offset,
    epoch: start.epoch,
  });
  let { bytes, nextOffset, epoch } = start;
  let watermark = 0;
  for (;;) {
    const batch = walk.step();
    const isWhole = typeof batch === "object" && batch.isIntact();
    if (!isWhole) {
      const complaint = typeof batch === "object" ? "payload checksum does not match" : batch;
      return { bytes, nextOffset, epoch, watermark, complaint };
    }
    visit(batch, bytes);
    watermark = Math.max(watermark, batch.header.durableUpTo);
    ({ position: bytes, offset: nextOffset, epoch } = walk);
  }
}

/**
 * Reads what lies behind the last entry of an index: whether a segment ends where it is said to.
 *
 * @returns the end, or `undefined` when it is another one or the index is wrong
 */
export function scanTail(
  source: BatchSource,
  index: SparseIndex,
  end: { readonly bytes: number; readonly nextOffset: number },
): ScanEnd | undefined {
  const { position, offset } = index.startOf(Infinity);
  const start = { bytes: position, nextOffset: offset, epoch: 0 };
  const found = scanBatches(source, start, end.bytes, () => {});
  const isThere = found.bytes === end.bytes && found.nextOffset === end.nextOffset;
  return isThere ? found : undefined;
}

/** The largest watermark of the headers that can still be found from `position` on. */
export function watermarkBeyond(source: BatchSource, position: number, size: number): number {
  const reader = new BlockReader(source);
  let watermark = 0;
  let found = reader.seekBatch(position, size);
  while (found !== undefined) {
    watermark = Math.max(watermark, found.header.durableUpTo);
    found = reader.seekBatch(found.position + 1, size);
  }
  return watermark;
}
