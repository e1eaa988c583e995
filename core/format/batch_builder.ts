/**
 * Encodes records straight into the buffer that will be written to disk.
 *
 * @module
 */
import { ByteWriter, utf8Length } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { SeglogError } from "../base/errors.ts";
import {
  BATCH_RECORDS_MAX,
  BATCH_STORED_BYTES_MAX,
  PRODUCER_ID_BYTES_MAX,
} from "../base/limits.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchLength,
  encodeBatchHeader,
  WIRE_SALT,
} from "./batch_header.ts";
import { type Codec, compress } from "./compression.ts";
import { copyRecord } from "./copy_record.ts";
import { encodeRecord, timestampOf } from "./encode_record.ts";
import { encodeProducer, producerFieldLength, type ProducerStamp } from "./producer_field.ts";
import type { LogRecord, RecordInput } from "./record.ts";

/** A batch that is complete but for the parts of its header that only its place decides. */
export interface BuiltBatch {
  /** Where its header starts in the writer that it was built in. */
  readonly start: number;
  /** Where its padding ends. */
  readonly end: number;
  readonly header: BatchHeader;
}

/** One batch being built at the end of a writer: space for a header, then records. */
export class BatchBuilder {
  readonly baseOffset: number;
  readonly #writer: ByteWriter;
  readonly #start: number;
  readonly #bytesMax: number;
  #recordCount = 0;
  #nextOffset: number;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;
  #producer: ProducerStamp | undefined;
  /** Bytes that the producer will take: it is encoded last. */
  #producerBytes = 0;

  /** @param bytesMax of the payload before compression */
  constructor(writer: ByteWriter, baseOffset: number, bytesMax = BATCH_STORED_BYTES_MAX) {
    this.#writer = writer;
    this.#bytesMax = bytesMax;
    this.baseOffset = baseOffset;
    this.#nextOffset = baseOffset;
    this.#start = writer.zeros(BATCH_HEADER_BYTES);
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Bytes of the payload so far, before compression. */
  get payloadBytes(): number {
    return this.#writer.length - this.#start - BATCH_HEADER_BYTES + this.#producerBytes;
  }

  /**
   * Encodes records, all of them or none.
   *
   * @param nowMs timestamp of the records that bring none
   * @throws {SeglogError} `invalid-record` or `too-large`; the batch is as it was before
   */
  add(records: readonly RecordInput[], nowMs: number): void {
    const before = {
      length: this.#writer.length,
      recordCount: this.#recordCount,
      nextOffset: this.#nextOffset,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
    };
    try {
      for (const record of records) this.#addOne(record, timestampOf(record, nowMs));
    } catch (error) {
      this.#writer.truncate(before.length);
      this.#recordCount = before.recordCount;
      this.#nextOffset = before.nextOffset;
      this.#baseTimestampMs = before.baseTimestampMs;
      this.#maxTimestampMs = before.maxTimestampMs;
      throw error;
    }
  }

  /**
   * Takes in a record as it is stored, with its offset, which is behind all others: those in between
   * were removed. It was accepted once, and no limit is asked again.
   */
  copy(record: LogRecord, message: Uint8Array): void {
    const { offset, timestamp } = record;
    if (this.#recordCount === 0) this.#baseTimestampMs = timestamp;
    const deltas = {
      timestamp: timestamp - this.#baseTimestampMs,
      offset: offset - this.baseOffset,
    };
    copyRecord(this.#writer, message, deltas);
    this.#recordCount++;
    this.#nextOffset = offset + 1;
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, timestamp);
  }

  /** Lets the batch reach up to an offset, so that the next one follows on it. */
  extendTo(nextOffset: number): void {
    this.#nextOffset = nextOffset;
  }

  /** Notes who produced the batch. @throws {SeglogError} `invalid-argument` */
  setProducer(producer: ProducerStamp): void {
    this.#producer = checkedProducer(producer);
    this.#producerBytes = producerFieldLength(producer);
  }

  /** Compresses and pads what was added. The builder is spent. */
  finish(codec: Codec): BuiltBatch {
    const writer = this.#writer;
    if (this.#producer !== undefined) encodeProducer(writer, this.#producer);
    const payloadStart = this.#start + BATCH_HEADER_BYTES;
    const uncompressedLength = writer.length - payloadStart;
    const packed = compress(writer.subarray(payloadStart, writer.length), codec);
    if (packed !== undefined) {
      writer.truncate(payloadStart);
      writer.bytes(packed);
    }
    const payloadLength = writer.length - payloadStart;
    const header: BatchHeader = {
      payloadCrc: crc32(writer.subarray(payloadStart, writer.length)),
      payloadLength,
      baseOffset: this.baseOffset,
      recordCount: this.#recordCount,
      lastOffsetDelta: this.#nextOffset - this.baseOffset - 1,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
      durableUpTo: 0,
      epoch: 0,
      codec: packed === undefined ? "none" : codec,
      hasProducer: this.#producer !== undefined,
      uncompressedLength,
    };
    const end = this.#start + batchLength(header);
    writer.zeros(end - writer.length);
    return { start: this.#start, end, header };
  }

  #addOne(record: RecordInput, timestamp: number): void {
    if (this.#recordCount === 0) this.#baseTimestampMs = timestamp;
    encodeRecord(this.#writer, record, timestamp - this.#baseTimestampMs);
    this.#recordCount++;
    this.#nextOffset++;
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, timestamp);
    this.#checkSize();
  }

  #checkSize(): void {
    const isTooMany = this.#recordCount > BATCH_RECORDS_MAX;
    if (!isTooMany && this.payloadBytes <= this.#bytesMax) return;
    throw new SeglogError(
      "too-large",
      `Cannot append ${this.#recordCount} records of ${this.payloadBytes} bytes as one batch: ` +
        `${BATCH_RECORDS_MAX} records and ${this.#bytesMax} bytes at most; append fewer at a time`,
      { details: { bytes: this.payloadBytes, limit: this.#bytesMax } },
    );
  }
}

/**
 * One batch by itself, as it travels between a client and a server.
 *
 * @param records at least one
 * @throws {SeglogError} `invalid-record` or `too-large`
 */
export function encodeBatch(
  records: readonly RecordInput[],
  options: {
    nowMs: number;
    codec?: Codec;
    producer?: ProducerStamp;
    baseOffset?: number;
    bytesMax?: number;
  },
): Uint8Array {
  const writer = new ByteWriter(4096);
  const builder = new BatchBuilder(writer, options.baseOffset ?? 0, options.bytesMax);
  if (options.producer !== undefined) builder.setProducer(options.producer);
  builder.add(records, options.nowMs);
  const { end, header } = builder.finish(options.codec ?? "none");
  const bytes = writer.subarray(0, end);
  encodeBatchHeader(bytes, 0, header, WIRE_SALT);
  return bytes;
}

/** The producer, when it can be written down. @throws {SeglogError} `invalid-argument` */
export function checkedProducer(producer: ProducerStamp): ProducerStamp {
  const idLength = utf8Length(producer.id);
  const isCount = (n: number) => Number.isSafeInteger(n) && n >= 0;
  if (
    idLength >= 1 && idLength <= PRODUCER_ID_BYTES_MAX &&
    isCount(producer.epoch) && isCount(producer.sequence)
  ) return producer;
  throw new SeglogError(
    "invalid-argument",
    `Cannot append for producer "${producer.id}" with epoch ${producer.epoch} and sequence ${producer.sequence}: ` +
      `the id has 1 to ${PRODUCER_ID_BYTES_MAX} bytes, the others are whole numbers from 0`,
  );
}
