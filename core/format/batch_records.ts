/**
 * The records of a batch, one after another.
 *
 * @module
 */
import { ByteReader, type ByteWriter } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import { seekField, TAG_PRODUCER, TAG_RECORD } from "./batch_fields.ts";
import type { BatchHeader } from "./batch_header.ts";
import { decodeRecord, type RecordContext } from "./decode_record.ts";
import type { LogRecord } from "./record.ts";

/**
 * Decodes records as they are asked for. An iterator written out, since a generator takes a third
 * longer for each record.
 */
export class BatchRecords implements IterableIterator<LogRecord>, RecordContext {
  readonly baseOffset: number;
  readonly baseTimestampMs: number;
  /** Place of the next record, or -1 where offsets are written out. */
  index: number;
  readonly #header: BatchHeader;
  readonly #reader: ByteReader;
  readonly #nextOffset: number;
  readonly #passed: number | undefined;
  #count = 0;
  #previous: number;

  /** @param payload of the batch: the `RecordBatch` message, checked and unpacked */
  constructor(payload: Uint8Array, header: BatchHeader) {
    this.baseOffset = header.baseOffset;
    this.baseTimestampMs = header.baseTimestampMs;
    this.index = header.lastOffsetDelta === header.recordCount - 1 ? 0 : -1;
    this.#header = header;
    this.#reader = new ByteReader(payload);
    this.#nextOffset = header.baseOffset + header.lastOffsetDelta + 1;
    this.#passed = header.hasProducer ? TAG_PRODUCER : undefined;
    this.#previous = header.baseOffset - 1;
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** @throws {SeglogError} `corrupt`, naming the offsets of the batch */
  next(): IteratorResult<LogRecord, undefined> {
    const record = this.#decode();
    if (record === undefined) {
      const { recordCount } = this.#header;
      if (this.#count === recordCount) return { done: true, value: undefined };
      throw corruptBatch(this.#header, `it holds ${this.#count} of ${recordCount} records`);
    }
    const { offset } = record;
    if (offset <= this.#previous || offset >= this.#nextOffset) {
      throw corruptBatch(this.#header, `it holds a record with offset ${offset}`);
    }
    this.#previous = offset;
    this.#count++;
    if (this.index >= 0) this.index++;
    return { done: false, value: record };
  }

  #decode(): LogRecord | undefined {
    try {
      const length = seekField(this.#reader, TAG_RECORD, this.#passed);
      return length === undefined ? undefined : decodeRecord(this.#reader, length, this);
    } catch (cause) {
      throw corruptBatch(this.#header, "its payload is malformed", cause);
    }
  }
}

/** What is thrown for a batch whose payload is not what its header says. */
export function corruptBatch(header: BatchHeader, what: string, cause?: unknown): SeglogError {
  const { baseOffset, lastOffsetDelta } = header;
  const last = baseOffset + lastOffsetDelta;
  return new SeglogError("corrupt", `Cannot read offsets ${baseOffset} to ${last}: ${what}`, {
    cause,
    details: { start: baseOffset, end: last + 1 },
  });
}

/** The `Record` messages of a payload whose records were read, as they are stored. */
export function recordMessages(payload: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const reader = new ByteReader(payload);
  for (;;) {
    const length = seekField(reader, TAG_RECORD, TAG_PRODUCER);
    if (length === undefined) return messages;
    const start = reader.skip(length);
    messages.push(reader.bytes.subarray(start, start + length));
  }
}

/** Appends a `Record` message as element `records` of a `RecordBatch`. */
export function encodeMessage(writer: ByteWriter, message: Uint8Array): void {
  writer.field(TAG_RECORD, message.length);
  writer.bytes(message);
}
