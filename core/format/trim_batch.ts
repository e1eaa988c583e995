/**
 * Takes records off the end of a batch, for a truncation that went through the middle of it.
 *
 * @module
 */
import { type BatchView, decodeBatch } from "./batch.ts";
import { encodeBatch } from "./batch_builder.ts";
import { WIRE_SALT } from "./batch_header.ts";
import type { RecordInput } from "./record.ts";

/** The batch without its records at and above `until`; the same batch when there are none. */
export function trimBatch(batch: BatchView, until: number): BatchView {
  if (batch.nextOffset <= until) return batch;
  const kept: RecordInput[] = [];
  for (const record of batch.records()) if (record.offset < until) kept.push(record);
  const bytes = encodeBatch(kept, {
    nowMs: batch.header.baseTimestampMs,
    baseOffset: batch.baseOffset,
    producer: batch.producer(),
  });
  const trimmed = decodeBatch(bytes, 0, WIRE_SALT);
  if (typeof trimmed === "string") throw new TypeError(`a trimmed batch is malformed: ${trimmed}`);
  return trimmed;
}
