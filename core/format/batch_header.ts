/**
 * The 64 bytes before each batch payload. `README.md` in this folder draws them.
 *
 * @module
 */
import { dataViewOf, getUint64, setUint64 } from "../base/bytes.ts";
import { crc32, crc32Seed } from "../base/crc32.ts";
import {
  BATCH_RECORDS_MAX,
  BATCH_STORED_BYTES_MAX,
  BATCH_UNCOMPRESSED_BYTES_MAX,
  TIMESTAMP_MS_MAX,
} from "../base/limits.ts";
import { type Codec, CODECS } from "./compression.ts";

/** Bytes of a batch header. */
export const BATCH_HEADER_BYTES = 64;
/** Batches start at multiples of this many bytes. */
export const BATCH_ALIGNMENT = 8;
/** First four bytes of a batch: "SLB" and the version of this layout. */
export const BATCH_MAGIC: Uint8Array = Uint8Array.of(0x53, 0x4c, 0x42, 0x01);
/** Largest epoch that a header has room for. */
export const EPOCH_MAX = 2 ** 32 - 1;
/** The salt of batches that travel outside a segment. */
export const WIRE_SALT = 0;

const MAGIC_WORD = dataViewOf(BATCH_MAGIC).getUint32(0, true);
const CODEC_MASK = 0b111;
const PRODUCER_BIT = 0b1000;
const KNOWN_BITS = CODEC_MASK | PRODUCER_BIT;
const AT = {
  magic: 0,
  headerCrc: 4,
  payloadCrc: 8,
  payloadLength: 12,
  baseOffset: 16,
  recordCount: 24,
  lastOffsetDelta: 28,
  baseTimestampMs: 32,
  maxTimestampMs: 40,
  durableUpTo: 48,
  epoch: 52,
  attributes: 56,
  reserved: 58,
  uncompressedLength: 60,
} as const;

/** What a batch header says. */
export interface BatchHeader {
  /** CRC-32 of the stored payload. */
  readonly payloadCrc: number;
  /** Bytes of the stored payload, without padding. */
  readonly payloadLength: number;
  /** Offset of the first record when it was appended. */
  readonly baseOffset: number;
  /** Records in the payload. */
  readonly recordCount: number;
  /** Distance from `baseOffset` to the last record; `recordCount - 1` unless compacted. */
  readonly lastOffsetDelta: number;
  /** What the timestamps of its records are counted from, in milliseconds since 1970. */
  readonly baseTimestampMs: number;
  /** Largest timestamp of its records, in milliseconds since 1970. */
  readonly maxTimestampMs: number;
  /** Bytes of the segment that a returned sync covered when the batch was built. */
  readonly durableUpTo: number;
  /** The opening for writing that wrote the batch: 1, 2, 3 … */
  readonly epoch: number;
  /** How the payload is compressed. */
  readonly codec: Codec;
  /** Whether the payload tells who produced it. */
  readonly hasProducer: boolean;
  /** Bytes of the payload before compression. */
  readonly uncompressedLength: number;
}

/** Bytes from the start of a batch to the start of the next. */
export function batchLength(header: BatchHeader): number {
  return alignBatch(BATCH_HEADER_BYTES + header.payloadLength);
}

/** `length` rounded up to where a batch may start. */
export function alignBatch(length: number): number {
  return Math.ceil(length / BATCH_ALIGNMENT) * BATCH_ALIGNMENT;
}

/** Writes `header` into the 64 bytes of `target` from `at` on, checksum included. */
export function encodeBatchHeader(
  target: Uint8Array,
  at: number,
  header: BatchHeader,
  salt: number,
): void {
  const bytes = target.subarray(at, at + BATCH_HEADER_BYTES);
  const view = dataViewOf(bytes);
  view.setUint32(AT.magic, MAGIC_WORD, true);
  view.setUint32(AT.payloadCrc, header.payloadCrc, true);
  view.setUint32(AT.payloadLength, header.payloadLength, true);
  setUint64(view, AT.baseOffset, header.baseOffset);
  view.setUint32(AT.recordCount, header.recordCount, true);
  view.setUint32(AT.lastOffsetDelta, header.lastOffsetDelta, true);
  setUint64(view, AT.baseTimestampMs, header.baseTimestampMs);
  setUint64(view, AT.maxTimestampMs, header.maxTimestampMs);
  view.setUint32(AT.durableUpTo, header.durableUpTo, true);
  view.setUint32(AT.epoch, header.epoch, true);
  const producerBit = header.hasProducer ? PRODUCER_BIT : 0;
  view.setUint16(AT.attributes, CODECS.indexOf(header.codec) | producerBit, true);
  view.setUint16(AT.reserved, 0, true);
  view.setUint32(AT.uncompressedLength, header.uncompressedLength, true);
  view.setUint32(AT.headerCrc, crc32(bytes.subarray(AT.payloadCrc), salt), true);
}

/**
 * Reads the header at `at`, believing it only when its checksum, seeded with `salt`, and all its
 * bounds are right.
 *
 * @returns the header, or in words why there is none
 */
export function decodeBatchHeader(
  source: Uint8Array,
  at: number,
  salt: number,
): BatchHeader | string {
  if (source.length - at < BATCH_HEADER_BYTES) return "header is cut off";
  const view = new DataView(source.buffer, source.byteOffset + at, BATCH_HEADER_BYTES);
  if (view.getUint32(AT.magic, true) !== MAGIC_WORD) return "magic is missing";
  const checked = source.subarray(at + AT.payloadCrc, at + BATCH_HEADER_BYTES);
  if (view.getUint32(AT.headerCrc, true) !== crc32(checked, salt)) {
    return "header checksum does not match";
  }
  const attributes = view.getUint16(AT.attributes, true);
  const codec = CODECS[attributes & CODEC_MASK];
  if (codec === undefined || attributes > KNOWN_BITS || view.getUint16(AT.reserved, true) !== 0) {
    return `attributes ${attributes} are not known to this version`;
  }
  const header: BatchHeader = {
    payloadCrc: view.getUint32(AT.payloadCrc, true),
    payloadLength: view.getUint32(AT.payloadLength, true),
    baseOffset: getUint64(view, AT.baseOffset),
    recordCount: view.getUint32(AT.recordCount, true),
    lastOffsetDelta: view.getUint32(AT.lastOffsetDelta, true),
    baseTimestampMs: getUint64(view, AT.baseTimestampMs),
    maxTimestampMs: getUint64(view, AT.maxTimestampMs),
    durableUpTo: view.getUint32(AT.durableUpTo, true),
    epoch: view.getUint32(AT.epoch, true),
    codec,
    hasProducer: (attributes & PRODUCER_BIT) !== 0,
    uncompressedLength: view.getUint32(AT.uncompressedLength, true),
  };
  return outOfBounds(header) ?? header;
}

/** The salt with which the checksum of the header at `at` is right, whatever the header is. */
export function saltOfBatchHeader(source: Uint8Array, at: number): number {
  const bytes = source.subarray(at, at + BATCH_HEADER_BYTES);
  return crc32Seed(bytes.subarray(AT.payloadCrc), dataViewOf(bytes).getUint32(AT.headerCrc, true));
}

/** Names the first bound that the header breaks. */
function outOfBounds(header: BatchHeader): string | undefined {
  const { recordCount, lastOffsetDelta, payloadLength, uncompressedLength } = header;
  if (payloadLength > BATCH_STORED_BYTES_MAX) return `payload length ${payloadLength} is too large`;
  if (uncompressedLength > BATCH_UNCOMPRESSED_BYTES_MAX) {
    return `uncompressed length ${uncompressedLength} is too large`;
  }
  if (header.codec === "none" && uncompressedLength !== payloadLength) {
    return "lengths of an uncompressed payload differ";
  }
  if (recordCount < 1 || recordCount > BATCH_RECORDS_MAX) return `record count is ${recordCount}`;
  if (lastOffsetDelta < recordCount - 1) return "last offset is below the record count";
  if (!Number.isSafeInteger(header.baseOffset + lastOffsetDelta + 1)) return "offset is too large";
  if (header.baseTimestampMs > TIMESTAMP_MS_MAX || header.maxTimestampMs > TIMESTAMP_MS_MAX) {
    return "timestamp is too large";
  }
  return undefined;
}
