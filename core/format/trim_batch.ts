/**
 * Takes records off the ends of a batch, for a truncation that went through the middle of it.
 *
 * @module
 */
import { BATCH_UNCOMPRESSED_BYTES_MAX } from "../base/limits.ts";
import { type BatchView, decodeBatch } from "./batch.ts";
import { encodeBatch } from "./batch_builder.ts";
import { WIRE_SALT } from "./batch_header.ts";
import type { LogRecord } from "./record.ts";
import { type OffsetRange, recordsOf } from "./records_of.ts";

/** The batch with its records in the range only, one at least; the same batch when that is all. */
export function trimBatch(batch: BatchView, range: OffsetRange): BatchView {
  if (batch.baseOffset >= range.from && batch.nextOffset <= range.until) return batch;
  const kept: LogRecord[] = [...recordsOf(batch, range)];
  const bytes = encodeBatch(kept, {
    nowMs: batch.header.baseTimestampMs,
    baseOffset: kept[0]!.offset,
    producer: batch.producer(),
    codec: batch.header.codec,
    bytesMax: BATCH_UNCOMPRESSED_BYTES_MAX,
  });
  const trimmed = decodeBatch(bytes, 0, WIRE_SALT);
  if (typeof trimmed === "string") throw new TypeError(`a trimmed batch is malformed: ${trimmed}`);
  return trimmed;
}
