/**
 * Takes a body of encoded batches apart.
 *
 * @module
 */
import { messageOf, SeglogError } from "../core/base/errors.ts";
import { checkBatch } from "../core/format/check_batch.ts";
import { WIRE_SALT } from "../core/format/batch_header.ts";
import { type BatchView, decodeBatch } from "../core/format/batch.ts";

/**
 * The batches of a body, all of them checked before the first is appended.
 *
 * @throws {SeglogError} `invalid-record`, naming the batch
 */
export function checkedBatches(body: Uint8Array): BatchView[] {
  const batches: BatchView[] = [];
  for (let at = 0; at < body.length || batches.length === 0;) {
    const refuse = (why: string, cause?: unknown) =>
      new SeglogError(
        "invalid-record",
        `Cannot append batch ${batches.length} at byte ${at} of the body: ${why}`,
        { cause, details: { batch: batches.length } },
      );
    const batch = decodeBatch(body, at, WIRE_SALT);
    if (typeof batch === "string") throw refuse(batch);
    try {
      checkBatch(batch);
    } catch (error) {
      throw refuse(messageOf(error), error);
    }
    batches.push(batch);
    at += batch.bytes.length;
  }
  return batches;
}
