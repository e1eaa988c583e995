/**
 * Reads an active segment from its start and says how far it can be believed.
 *
 * @module
 */
import type { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { type BatchSource, BlockReader } from "./block_reader.ts";
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
 * Checks batch after batch: header and payload checksum, dense offsets, epochs that never fall.
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
  const reader = new BlockReader(source);
  let { bytes, nextOffset, epoch } = start;
  let watermark = 0;
  let complaint: string | undefined;
  while (bytes < size) {
    const batch = reader.batchAt(bytes, size);
    complaint = typeof batch === "string" ? batch : complaintOf(batch, nextOffset, epoch);
    if (typeof batch === "string" || complaint !== undefined) break;
    visit(batch, bytes);
    watermark = Math.max(watermark, batch.header.durableUpTo);
    epoch = batch.header.epoch;
    nextOffset = batch.nextOffset;
    bytes += batch.bytes.length;
  }
  return { bytes, nextOffset, epoch, watermark, complaint };
}

/** A scan of a whole segment. */
export function scanSegment(
  source: BatchSource,
  baseOffset: number,
  size: number,
  visit: (batch: BatchView, position: number) => void,
): ScanEnd {
  const start = { bytes: SEGMENT_HEADER_BYTES, nextOffset: baseOffset, epoch: 0 };
  return scanBatches(source, start, size, visit);
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

function complaintOf(batch: BatchView, nextOffset: number, epoch: number): string | undefined {
  if (batch.baseOffset !== nextOffset) {
    return `batch has base offset ${batch.baseOffset}, and ${nextOffset} was expected`;
  }
  if (batch.header.epoch < epoch) return `batch is of epoch ${batch.header.epoch}, after ${epoch}`;
  return batch.isIntact() ? undefined : "payload checksum does not match";
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
