/**
 * A record batch: the unit of append, checksum, compression and atomicity.
 *
 * @module
 */
import {
  ByteReader,
  type ByteWriter,
  decodeText,
  utf8Length,
  varintLength,
} from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { SeglogError } from "../base/errors.ts";
import { TIMESTAMP_MS_MAX } from "../base/limits.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchLength,
  decodeBatchHeader,
  encodeBatchHeader,
  WIRE_SALT,
} from "./batch_header.ts";
import { decompress } from "./compression.ts";
import { decodeRecord, type LogRecord, skipField } from "./record.ts";

/** Who wrote a batch, for appends whose retry must not make duplicates. */
export interface Producer {
  /** Chosen by the producer, unique to it: 1 to 200 bytes of UTF-8. */
  readonly id: string;
  /** Raised by a producer that takes over an id; the log turns lower ones away. */
  readonly epoch: number;
  /** Counts the appends of this producer and epoch to one partition, by ones. */
  readonly sequence: number;
}

const TAG_RECORD = (1 << 3) | 2;
const TAG_PRODUCER = (2 << 3) | 2;
const TAG_PRODUCER_ID = (1 << 3) | 2;
const TAG_PRODUCER_EPOCH = 2 << 3;
const TAG_PRODUCER_SEQUENCE = 3 << 3;
const BATCH_FIELDS = 2;
const PRODUCER_FIELDS = 3;

/**
 * A batch as it was read: a header that was checked, and the bytes behind it. The payload is
 * checked when it is first asked for.
 */
export class BatchView {
  /** What the batch says of itself. */
  readonly header: BatchHeader;
  /** The stored batch, header and padding included: a view of the block that was read. */
  readonly bytes: Uint8Array;
  #payload: Uint8Array | undefined;
  #isIntact: boolean | undefined;

  /** A view of `bytes`, whose header was decoded and believed. */
  constructor(header: BatchHeader, bytes: Uint8Array) {
    this.header = header;
    this.bytes = bytes;
  }

  /** Offset of the first record when it was appended. */
  get baseOffset(): number {
    return this.header.baseOffset;
  }

  /** Offset after the last record. */
  get nextOffset(): number {
    return this.header.baseOffset + this.header.lastOffsetDelta + 1;
  }

  /** Whether a record's offset is its place in the batch; in others, offsets are written out. */
  get isDense(): boolean {
    return this.header.lastOffsetDelta === this.header.recordCount - 1;
  }

  /** Whether the bytes after the header are the ones that were written; looked at once. */
  isIntact(): boolean {
    this.#isIntact ??= crc32(this.#stored()) === this.header.payloadCrc;
    return this.#isIntact;
  }

  /**
   * The `RecordBatch` message, checked and unpacked.
   *
   * @throws {SeglogError} `corrupt`, naming the offsets
   */
  payload(): Uint8Array {
    if (this.#payload === undefined) {
      if (!this.isIntact()) throw this.#corrupt("its checksum does not match");
      const { codec, uncompressedLength } = this.header;
      try {
        this.#payload = decompress(this.#stored(), codec, uncompressedLength);
      } catch (cause) {
        throw this.#corrupt("it does not unpack", cause);
      }
    }
    return this.#payload;
  }

  /** The records in offset order, decoded one by one. @throws {SeglogError} `corrupt` */
  *records(): Generator<LogRecord, void, undefined> {
    const { baseOffset, recordCount } = this.header;
    const reader = new ByteReader(this.payload());
    let previous = baseOffset - 1;
    let count = 0;
    for (;;) {
      const record = this.#nextRecord(reader, count);
      if (record === undefined) break;
      if (record.offset <= previous || record.offset >= this.nextOffset) {
        throw this.#corrupt(`it holds a record with offset ${record.offset}`);
      }
      if (!(record.timestamp >= 0 && record.timestamp <= TIMESTAMP_MS_MAX)) {
        throw this.#corrupt(`it holds a record with timestamp ${record.timestamp}`);
      }
      previous = record.offset;
      count++;
      yield record;
    }
    if (count !== recordCount) throw this.#corrupt(`it holds ${count} of ${recordCount} records`);
  }

  /** Who wrote the batch, when it says so. @throws {SeglogError} `corrupt` */
  producer(): Producer | undefined {
    if (!this.header.hasProducer) return undefined;
    const reader = new ByteReader(this.payload());
    let producer: Producer | undefined;
    try {
      for (;;) {
        const end = seekField(reader, TAG_PRODUCER, TAG_RECORD);
        if (end === undefined) break;
        if (producer !== undefined) throw new RangeError("it has two producers");
        const start = reader.skip(end - reader.position);
        producer = decodeProducer(new ByteReader(reader.bytes, start, end));
      }
    } catch (cause) {
      throw this.#corrupt("its payload is malformed", cause);
    }
    if (producer === undefined) throw this.#corrupt("its producer is missing");
    return producer;
  }

  #nextRecord(reader: ByteReader, index: number): LogRecord | undefined {
    const { baseOffset, baseTimestampMs, hasProducer } = this.header;
    try {
      const end = seekField(reader, TAG_RECORD, hasProducer ? TAG_PRODUCER : undefined);
      if (end === undefined) return undefined;
      const start = reader.skip(end - reader.position);
      const context = { baseOffset, baseTimestampMs, index: this.isDense ? index : -1 };
      return decodeRecord(reader.bytes, start, end, context);
    } catch (cause) {
      throw this.#corrupt("its payload is malformed", cause);
    }
  }

  #stored(): Uint8Array {
    return this.bytes.subarray(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + this.header.payloadLength);
  }

  #corrupt(what: string, cause?: unknown): SeglogError {
    const { baseOffset, nextOffset } = this;
    return new SeglogError(
      "corrupt",
      `Cannot read offsets ${baseOffset} to ${nextOffset - 1}: ${what}`,
      { cause, details: { start: baseOffset, end: nextOffset } },
    );
  }
}

/**
 * The batch at `at`.
 *
 * @param salt of the segment that the bytes are from, or `WIRE_SALT`
 * @returns the batch, or in words why there is none; its payload is not checked yet
 */
export function decodeBatch(source: Uint8Array, at: number, salt: number): BatchView | string {
  const header = decodeBatchHeader(source, at, salt);
  if (typeof header === "string") return header;
  const length = batchLength(header);
  if (source.length - at < length) return "payload is cut off";
  return new BatchView(header, source.subarray(at, at + length));
}

/**
 * A copy of a batch for another place: its payload stays as it is, its header is written anew.
 *
 * @param changes what differs, such as `baseOffset`
 * @param salt of the segment that it goes to, or `WIRE_SALT`
 */
export function rehead(
  batch: BatchView,
  changes: Partial<BatchHeader> = {},
  salt: number = WIRE_SALT,
): Uint8Array {
  const copy = new Uint8Array(batch.bytes); // a Buffer's slice() would be no copy
  encodeBatchHeader(copy, 0, { ...batch.header, ...changes }, salt);
  return copy;
}

/** The `Record` messages of a batch whose records were read, as they are stored. */
export function recordMessages(batch: BatchView): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const reader = new ByteReader(batch.payload());
  for (;;) {
    const end = seekField(reader, TAG_RECORD, TAG_PRODUCER);
    if (end === undefined) return messages;
    messages.push(reader.bytes.subarray(reader.skip(end - reader.position), end));
  }
}

/** Appends a `Record` message as element `records` of a `RecordBatch`. */
export function encodeMessage(writer: ByteWriter, message: Uint8Array): void {
  writer.byte(TAG_RECORD);
  writer.varint(message.length);
  writer.bytes(message);
}

/**
 * Moves to the content of the next field with one tag, over those with another and unknown ones.
 *
 * @param passed the tag of the length-delimited fields that may be there as well
 * @returns where the content ends, or `undefined` when there is no such field
 * @throws {RangeError} when the message is malformed
 */
function seekField(
  reader: ByteReader,
  wanted: number,
  passed: number | undefined,
): number | undefined {
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === passed) {
      reader.skip(reader.varint());
    } else if (tag === wanted) {
      const end = reader.varint() + reader.position;
      if (end > reader.end) throw new RangeError("field runs past its message");
      return end;
    } else skipField(reader, tag, BATCH_FIELDS);
  }
  return undefined;
}

/** Bytes that {@linkcode encodeProducer} will write. */
export function producerFieldLength(producer: Producer): number {
  const length = producerLength(producer);
  return 1 + varintLength(length) + length;
}

/** Appends a producer as field `producer` of a `RecordBatch`, defaults left out. */
export function encodeProducer(writer: ByteWriter, producer: Producer): void {
  const { id, epoch, sequence } = producer;
  const idLength = utf8Length(id);
  writer.byte(TAG_PRODUCER);
  writer.varint(producerLength(producer));
  writer.byte(TAG_PRODUCER_ID);
  writer.varint(idLength);
  writer.utf8(id, idLength);
  if (epoch !== 0) {
    writer.byte(TAG_PRODUCER_EPOCH);
    writer.varint(epoch);
  }
  if (sequence !== 0) {
    writer.byte(TAG_PRODUCER_SEQUENCE);
    writer.varint(sequence);
  }
}

function producerLength({ id, epoch, sequence }: Producer): number {
  const idLength = utf8Length(id);
  return 1 + varintLength(idLength) + idLength +
    (epoch === 0 ? 0 : 1 + varintLength(epoch)) +
    (sequence === 0 ? 0 : 1 + varintLength(sequence));
}

function decodeProducer(reader: ByteReader): Producer {
  let id = "";
  let epoch = 0;
  let sequence = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === TAG_PRODUCER_ID) {
      const length = reader.varint();
      const start = reader.skip(length);
      id = decodeText(reader.bytes.subarray(start, start + length));
    } else if (tag === TAG_PRODUCER_EPOCH) epoch = reader.varint();
    else if (tag === TAG_PRODUCER_SEQUENCE) sequence = reader.varint();
    else skipField(reader, tag, PRODUCER_FIELDS);
  }
  return { id, epoch, sequence };
}
