/**
 * Walks a segment exactly as the page of the format says, and no cleverer: what the engine must find
 * in it.
 *
 * @module
 */
import { decodeBatch, SeglogError } from "../../mod.ts";
import { decodeBatchHeader } from "../../core/format/batch_header.ts";
import { type FlatRecord, flatten } from "../golden/flat_record.ts";
import { SEGMENT_HEADER_BYTES } from "../../core/format/segment_header.ts";

/** What a walk found. */
export interface Walk {
  /** Records up to the first that cannot be read though its checksum is right. */
  readonly records: readonly FlatRecord[];
  /** Whether there is such a record. */
  readonly isBroken: boolean;
  /** Whether there is a batch whose producer cannot be read. */
  readonly isNameless: boolean;
  /** Where the walk ended: P. */
  readonly end: number;
  /** The largest `durableUpTo` of all headers that can be believed: W. */
  readonly watermark: number;
  readonly nextOffset: number;
  /** Of the last batch. */
  readonly epoch: number;
}

/** @param start offset that the first batch must have */
export function walk(segment: Uint8Array, salt: number, start: number): Walk {
  const records: FlatRecord[] = [];
  let isBroken = false;
  let isNameless = false;
  let position = SEGMENT_HEADER_BYTES;
  let watermark = 0;
  let nextOffset = start;
  let epoch = 0;
  while (position < segment.length) {
    const batch = decodeBatch(segment, position, salt);
    if (typeof batch === "string") break;
    if (batch.baseOffset !== nextOffset || batch.header.epoch < epoch || !batch.isIntact()) break;
    try {
      if (!isBroken) { for (const record of batch.records()) records.push(flatten(record)); }
    } catch (error) {
      isBroken = isCorrupt(error);
    }
    try {
      batch.producer();
    } catch (error) {
      isNameless ||= isCorrupt(error);
    }
    watermark = Math.max(watermark, batch.header.durableUpTo);
    epoch = batch.header.epoch;
    nextOffset = batch.nextOffset;
    position += batch.bytes.length;
  }
  for (let at = position; at < segment.length; at += 8) {
    const header = decodeBatchHeader(segment, at, salt);
    if (typeof header !== "string") watermark = Math.max(watermark, header.durableUpTo);
  }
  return { records, isBroken, isNameless, end: position, watermark, nextOffset, epoch };
}

function isCorrupt(error: unknown): boolean {
  if (error instanceof SeglogError && error.code === "corrupt") return true;
  throw error;
}
