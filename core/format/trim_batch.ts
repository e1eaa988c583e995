/**
 * Takes records off the ends of a batch, for a truncation that went through the middle of it.
 *
 * @module
 */
import { ByteWriter } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { BatchView } from "./batch.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchLength,
  encodeBatchHeader,
  WIRE_SALT,
} from "./batch_header.ts";
import { encodeMessage, recordMessages } from "./batch_records.ts";
import { compressBatch } from "./compress_batch.ts";
import { encodeProducer } from "./producer_field.ts";
import type { OffsetRange } from "./records_of.ts";

/**
 * The batch with its records in the range only; the same batch when that is all. A record that
 * stays is not encoded anew: it has the bytes that were stored.
 *
 * @returns `undefined` when none stays
 * @throws {SeglogError} `corrupt`
 */
export function trimBatch(batch: BatchView, range: OffsetRange): BatchView | undefined {
  const { from, until } = range;
  if (batch.baseOffset >= from && batch.nextOffset <= until) return batch;
  const records = [...batch.records()];
  const isKept = records.map(({ offset }) => offset >= from && offset < until);
  const kept = records.filter((_, i) => isKept[i]);
  if (kept.length === 0) return undefined;

  const writer = new ByteWriter();
  writer.zeros(BATCH_HEADER_BYTES);
  recordMessages(batch.payload()).forEach((message, i) => {
    if (isKept[i]) encodeMessage(writer, message);
  });
  const producer = batch.producer();
  if (producer !== undefined) encodeProducer(writer, producer);
  const payloadLength = writer.length - BATCH_HEADER_BYTES;

  // Offsets that are written out count from the old base; where they are not, records are dense.
  const baseOffset = batch.isDense ? kept[0]!.offset : batch.baseOffset;
  const header: BatchHeader = {
    ...batch.header,
    payloadCrc: crc32(writer.subarray(BATCH_HEADER_BYTES, writer.length)),
    payloadLength,
    uncompressedLength: payloadLength,
    codec: "none",
    baseOffset,
    recordCount: kept.length,
    lastOffsetDelta: kept.at(-1)!.offset - baseOffset,
    maxTimestampMs: kept.reduce((newest, { timestamp }) => Math.max(newest, timestamp), 0),
  };
  writer.zeros(batchLength(header) - writer.length);
  const bytes = writer.subarray(0, writer.length);
  encodeBatchHeader(bytes, 0, header, WIRE_SALT);
  return compressBatch(new BatchView(header, bytes), batch.header.codec);
}
