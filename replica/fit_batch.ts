/**
 * Cuts a batch to where a copy ends, when it begins before that.
 *
 * @module
 */
import { ByteWriter } from "../core/base/bytes.ts";
import { BATCH_UNCOMPRESSED_BYTES_MAX } from "../core/base/limits.ts";
import type { BatchView } from "../core/format/batch.ts";
import { BatchBuilder } from "../core/format/batch_builder.ts";
import { recordMessages } from "../core/format/batch_records.ts";
import { compressBatch } from "../core/format/compress_batch.ts";
import { sealBatch } from "../core/format/seal_batch.ts";
import { trimBatch } from "../core/format/trim_batch.ts";

/**
 * What of a batch is at `from` and behind, as a batch that begins there; the same batch when that is
 * all of it. Compaction makes batches of several: one can reach into what was copied before.
 *
 * @returns `undefined` when no record is
 * @throws {SeglogError} `corrupt`
 */
export function fitBatch(batch: BatchView, from: number): BatchView | undefined {
  if (batch.baseOffset >= from) return batch;
  if (batch.nextOffset <= from) return undefined;
  if (batch.isDense) return trimBatch(batch, { from, until: Infinity });
  const records = [...batch.records()];
  const messages = recordMessages(batch.payload());
  const writer = new ByteWriter(batch.header.uncompressedLength);
  const builder = new BatchBuilder(writer, from, BATCH_UNCOMPRESSED_BYTES_MAX);
  const producer = batch.producer();
  if (producer !== undefined) builder.setProducer(producer);
  records.forEach((record, i) => {
    if (record.offset >= from) builder.copy(record, messages[i]!);
  });
  if (builder.recordCount === 0) return undefined;
  builder.extendTo(batch.nextOffset);
  return compressBatch(sealBatch(builder, writer), batch.header.codec);
}
