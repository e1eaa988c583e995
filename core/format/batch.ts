/**
 * A record batch: the unit of append, checksum, compression and atomicity.
 *
 * @module
 */
import { crc32 } from "../base/crc32.ts";
import type { SeglogError } from "../base/errors.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchLength,
  decodeBatchHeader,
  encodeBatchHeader,
  WIRE_SALT,
} from "./batch_header.ts";
import { BatchRecords, corruptBatch } from "./batch_records.ts";
import { decompress } from "./compression.ts";
import { findProducer, type ProducerStamp } from "./producer_field.ts";
import type { LogRecord } from "./record.ts";

/**
 * A batch as it was read: a header that was checked, and the bytes behind it. The payload is
 * checked when it is first asked for.
 */
export class BatchView {
  /** What the batch says of itself. */
  readonly header: BatchHeader;
  /** The stored batch, header and padding included: a view of the block that was read. */
  readonly bytes: Uint8Array;
  readonly #stored: Uint8Array;
  #payload: Uint8Array | undefined;
  #isIntact: boolean | undefined;
  #producer: ProducerStamp | undefined;

  /** A view of `bytes`, whose header was decoded and believed. */
  constructor(header: BatchHeader, bytes: Uint8Array) {
    this.header = header;
    this.bytes = bytes;
    this.#stored = bytes.subarray(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + header.payloadLength);
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
    this.#isIntact ??= crc32(this.#stored) === this.header.payloadCrc;
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
        this.#payload = decompress(this.#stored, codec, uncompressedLength);
      } catch (cause) {
        throw this.#corrupt("it does not unpack", cause);
      }
    }
    return this.#payload;
  }

  /** Lets go of what the batch was unpacked to: where that is asked for again, it is unpacked again. */
  forget(): void {
    if (this.header.codec !== "none") this.#payload = undefined;
  }

  /** The records in offset order, decoded one by one. @throws {SeglogError} `corrupt` */
  records(): IterableIterator<LogRecord> {
    return new BatchRecords(this.payload(), this.header);
  }

  /** Who wrote the batch, when it says so. @throws {SeglogError} `corrupt` */
  producer(): ProducerStamp | undefined {
    if (!this.header.hasProducer || this.#producer !== undefined) return this.#producer;
    const payload = this.payload();
    try {
      this.#producer = findProducer(payload);
    } catch (cause) {
      throw this.#corrupt("its payload is malformed", cause);
    }
    if (this.#producer === undefined) throw this.#corrupt("its producer is missing");
    return this.#producer;
  }

  #corrupt(what: string, cause?: unknown): SeglogError {
    return corruptBatch(this.header, what, cause);
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

/** The batch as it travels: its own bytes where they are on their way already, else a copy. */
export function wireBytes(batch: BatchView): Uint8Array {
  const isReady = typeof decodeBatchHeader(batch.bytes, 0, WIRE_SALT) !== "string";
  return isReady ? batch.bytes : rehead(batch);
}
