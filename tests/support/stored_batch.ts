/** Batches as another log has them. */
import assert from "node:assert/strict";
import { WIRE_SALT } from "../../core/format/batch_header.ts";
import {
  type BatchView,
  decodeBatch,
  encodeBatch,
  type ProducerStamp,
  type RecordInput,
} from "../../mod.ts";

/** A batch with these records, text or more, that begins at an offset. */
export function storedBatch(
  baseOffset: number,
  records: readonly (RecordInput | string)[],
  producer?: ProducerStamp,
): BatchView {
  const inputs = records.map((record) => typeof record === "string" ? { value: record } : record);
  return viewOf(encodeBatch(inputs, { nowMs: 1000, baseOffset, producer }));
}

/** The batch in these bytes. */
export function viewOf(bytes: Uint8Array): BatchView {
  const batch = decodeBatch(bytes, 0, WIRE_SALT);
  assert.ok(typeof batch === "object", String(batch));
  return batch;
}
