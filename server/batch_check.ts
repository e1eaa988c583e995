/**
 * Takes a body of encoded batches apart.
 *
 * A few bytes may unpack to much: what was unpacked to be looked at is not kept, and others have their
 * turn while there is more.
 *
 * @module
 */
import { messageOf, SeglogError } from "../core/base/errors.ts";
import { type BatchView, decodeBatch } from "../core/format/batch.ts";
import { WIRE_SALT } from "../core/format/batch_header.ts";
import { checkBatch } from "../core/format/check_batch.ts";
import { UNPACKED_TURN_BYTES } from "./limits.ts";
import type { Turn } from "./turn.ts";

/**
 * The batches of a body, all of them checked before the first is appended.
 *
 * @throws {SeglogError} `invalid-record`, naming the batch
 */
export async function checkedBatches(body: Uint8Array, turn: Turn): Promise<BatchView[]> {
  const batches: BatchView[] = [];
  let unpacked = 0;
  for (let at = 0; at < body.length || batches.length === 0;) {
    const batch = checkedBatch(body, at, batches.length);
    batches.push(batch);
    at += batch.bytes.length;
    unpacked += batch.header.uncompressedLength;
    if (unpacked < UNPACKED_TURN_BYTES) continue;
    unpacked = 0;
    await turn.end();
  }
  return batches;
}

/**
 * The batch at one place of a body, checked.
 *
 * @param index how many were before it
 * @throws {SeglogError} `invalid-record`, naming the batch
 */
export function checkedBatch(body: Uint8Array, at = 0, index = 0): BatchView {
  const refuse = (why: string, cause?: unknown) =>
    new SeglogError(
      "invalid-record",
      `Cannot append batch ${index} at byte ${at} of the body: ${why}`,
      { cause, details: { batch: index } },
    );
  const batch = decodeBatch(body, at, WIRE_SALT);
  if (typeof batch === "string") throw refuse(batch);
  try {
    checkBatch(batch);
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
  batch.forget();
  return batch;
}
