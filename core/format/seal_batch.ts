/**
 * Makes a batch, that was built here, ready to be given to a backend.
 *
 * @module
 */
import type { ByteWriter } from "../base/bytes.ts";
import { BatchView } from "./batch.ts";
import type { BatchBuilder } from "./batch_builder.ts";
import { encodeBatchHeader, WIRE_SALT } from "./batch_header.ts";
import { trustBatch } from "./check_batch.ts";

/**
 * The batch of a builder, which is spent. Nothing of it is checked again on its way.
 *
 * @param writer of the builder, which began at its start; the batch is a view of its memory
 */
export function sealBatch(builder: BatchBuilder, writer: ByteWriter): BatchView {
  const { end, header } = builder.finish("none");
  const bytes = writer.subarray(0, end);
  encodeBatchHeader(bytes, 0, header, WIRE_SALT);
  const batch = new BatchView(header, bytes);
  trustBatch(batch);
  return batch;
}
