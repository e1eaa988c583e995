/**
 * Compresses a batch that came uncompressed, for a topic that wants its batches compressed.
 *
 * @module
 */
import { crc32 } from "../base/crc32.ts";
import { BatchView } from "./batch.ts";
import { BATCH_HEADER_BYTES, batchLength, encodeBatchHeader, WIRE_SALT } from "./batch_header.ts";
import { type Codec, compress } from "./compression.ts";

/**
 * The batch with its payload compressed; the same batch when it is compressed already, or would not
 * get smaller.
 *
 * @throws {SeglogError} `corrupt` when its payload is not what its header says
 */
export function compressBatch(batch: BatchView, codec: Codec): BatchView {
  if (batch.header.codec !== "none" || codec === "none") return batch;
  const packed = compress(batch.payload(), codec);
  if (packed === undefined) return batch;
  const header = {
    ...batch.header,
    codec,
    payloadLength: packed.length,
    payloadCrc: crc32(packed),
  };
  const bytes = new Uint8Array(batchLength(header));
  bytes.set(packed, BATCH_HEADER_BYTES);
  encodeBatchHeader(bytes, 0, header, WIRE_SALT);
  return new BatchView(header, bytes);
}
