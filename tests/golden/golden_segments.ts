/**
 * The segments that pin version 1 of the format: what goes into them. Everything that a log would
 * draw at random or take from a clock is fixed here. `scripts/make_golden.ts` wrote the files in
 * `v1/` from this.
 *
 * @module
 */
import { ByteWriter, concatBytes } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import type { ProducerStamp } from "../../core/format/producer_field.ts";
import { BatchBuilder } from "../../core/format/batch_builder.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchLength,
  encodeBatchHeader,
} from "../../core/format/batch_header.ts";
import type { Codec } from "../../core/format/compression.ts";
import { encodeRecord } from "../../core/format/encode_record.ts";
import { json, type RecordInput } from "../../core/format/record.ts";
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../../core/format/segment_header.ts";

/** A segment by name: the header's fields and the batches behind it. */
export interface GoldenSegment {
  readonly name: string;
  readonly baseOffset: number;
  readonly batches: readonly GoldenBatch[];
}

/** One batch, and the parts of its header that a log decides. */
interface GoldenBatch {
  readonly records: readonly RecordInput[];
  readonly codec?: Codec;
  readonly producer?: ProducerStamp;
  readonly epoch: number;
  /** Whether everything before the batch had been synced. */
  readonly isSyncedBefore?: boolean;
  /** Offsets that compaction left, from the batch's base, and the last that there was. */
  readonly thinned?: { readonly offsetDeltas: readonly number[]; readonly lastOffsetDelta: number };
}

const SALT = 0x5eed5eed;
const LOG_ID = "00112233445566778899aabbccddeeff";
const TIME_MS = Date.UTC(2026, 10, 20, 12);
const REPEATED = "all work and no play makes a log a dull file; ".repeat(40);

const EVERY_KIND: readonly RecordInput[] = [
  { key: "u1", value: "hello", timestamp: TIME_MS },
  { value: "", timestamp: TIME_MS + 1 },
  { key: "", value: null, timestamp: TIME_MS + 2 },
  { key: "u1", ...json({ qty: 2, nested: { a: [1, null, "é"] } }), timestamp: TIME_MS - 60_000 },
  {
    key: "🛒",
    value: '{"id":9223372036854775807,"sum":1.10}',
    type: "json",
    headers: { trace: "a1", empty: "", "ключ": "значение 😀" },
    timestamp: TIME_MS + 3,
  },
  {
    key: Uint8Array.of(0xff, 0x00, 0xfe),
    value: Uint8Array.of(0, 1, 2, 0, 255),
    timestamp: 0,
  },
  { value: new Uint8Array(0), timestamp: 8.64e15 / 2 },
];

/** All golden segments of version 1. */
export const GOLDEN_SEGMENTS: readonly GoldenSegment[] = [
  { name: "empty", baseOffset: 0, batches: [] },
  {
    name: "plain",
    baseOffset: 41,
    batches: [
      { records: EVERY_KIND, epoch: 1 },
      { records: [{ value: "b".repeat(300), timestamp: TIME_MS }], epoch: 1, isSyncedBefore: true },
      {
        records: [{ key: "k", value: "from a producer", timestamp: TIME_MS }],
        producer: { id: "shop-🏪", epoch: 3, sequence: 7 },
        epoch: 2,
      },
    ],
  },
  {
    name: "far",
    baseOffset: Number.MAX_SAFE_INTEGER - 10,
    batches: [{ records: [{ value: "near the last offset", timestamp: TIME_MS }], epoch: 4 }],
  },
  {
    name: "gzip",
    baseOffset: 0,
    batches: [{
      records: [{ key: "z", value: REPEATED, timestamp: TIME_MS }, ...EVERY_KIND],
      codec: "gzip",
      epoch: 1,
    }],
  },
  {
    name: "zstd",
    baseOffset: 0,
    batches: [{
      records: [{ key: "z", value: REPEATED, timestamp: TIME_MS }, ...EVERY_KIND],
      codec: "zstd",
      producer: { id: "p", epoch: 0, sequence: 0 },
      epoch: 1,
    }],
  },
  {
    name: "thinned",
    baseOffset: 100,
    batches: [{
      records: EVERY_KIND.slice(0, 3),
      epoch: 1,
      thinned: { offsetDeltas: [0, 4, 9], lastOffsetDelta: 11 },
    }, {
      records: [{ value: "after", timestamp: TIME_MS }],
      epoch: 1,
    }],
  },
];

/** The bytes of a golden segment as the code of today writes them. */
export function encodeGoldenSegment(segment: GoldenSegment): Uint8Array {
  const { baseOffset } = segment;
  const parts = [
    encodeSegmentHeader({ salt: SALT, baseOffset, logId: LOG_ID, createdMs: TIME_MS }),
  ];
  let nextOffset = baseOffset;
  let position = SEGMENT_HEADER_BYTES;
  for (const batch of segment.batches) {
    const { bytes, header } = encodeGoldenBatch(batch, nextOffset);
    const durableUpTo = batch.isSyncedBefore ? position : 0;
    encodeBatchHeader(bytes, 0, { ...header, epoch: batch.epoch, durableUpTo }, SALT);
    parts.push(bytes);
    nextOffset += header.lastOffsetDelta + 1;
    position += bytes.length;
  }
  return concatBytes(parts);
}

function encodeGoldenBatch(
  batch: GoldenBatch,
  baseOffset: number,
): { bytes: Uint8Array; header: BatchHeader } {
  if (batch.thinned !== undefined) return encodeThinnedBatch(batch, baseOffset);
  const writer = new ByteWriter();
  const builder = new BatchBuilder(writer, baseOffset);
  builder.add(batch.records, TIME_MS);
  if (batch.producer !== undefined) builder.setProducer(batch.producer);
  const { end, header } = builder.finish(batch.codec ?? "none");
  return { bytes: writer.subarray(0, end), header };
}

/** What compaction leaves: fewer records than offsets. */
function encodeThinnedBatch(
  batch: GoldenBatch,
  baseOffset: number,
): { bytes: Uint8Array; header: BatchHeader } {
  const { offsetDeltas, lastOffsetDelta } = batch.thinned!;
  const writer = new ByteWriter();
  writer.zeros(BATCH_HEADER_BYTES);
  batch.records.forEach((record, i) => {
    encodeRecord(writer, record, record.timestamp! - TIME_MS, offsetDeltas[i]);
  });
  const payloadLength = writer.length - BATCH_HEADER_BYTES;
  const header: BatchHeader = {
    payloadCrc: crc32(writer.subarray(BATCH_HEADER_BYTES, writer.length)),
    payloadLength,
    baseOffset,
    recordCount: batch.records.length,
    lastOffsetDelta,
    baseTimestampMs: TIME_MS,
    maxTimestampMs: Math.max(...batch.records.map((record) => record.timestamp!)),
    durableUpTo: 0,
    epoch: 0,
    codec: "none",
    hasProducer: false,
    uncompressedLength: payloadLength,
  };
  writer.zeros(batchLength(header) - writer.length);
  return { bytes: writer.subarray(0, writer.length), header };
}
