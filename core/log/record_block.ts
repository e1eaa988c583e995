/**
 * Records in memory, each found by its offset at once: looking through those before it would cost
 * more than the record.
 *
 * @module
 */
import { lastIndexWhere } from "../base/binary_search.ts";
import { ByteReader, concatBytes } from "../base/bytes.ts";
import { CacheEntry } from "../base/clock_cache.ts";
import { seekField, TAG_PRODUCER, TAG_RECORD } from "../format/batch_fields.ts";
import type { BatchHeader } from "../format/batch_header.ts";
import { decodeRecord } from "../format/decode_record.ts";
import type { LogRecord } from "../format/record.ts";

/** A payload, or part of one, whose checksum was found right. */
export interface CheckedPart {
  readonly header: Pick<BatchHeader, "baseOffset" | "baseTimestampMs" | "hasProducer">;
  /** Whether a record's offset is its place in the batch; in others, offsets are written out. */
  readonly isDense: boolean;
  /** Fields of the `RecordBatch` message, unpacked. */
  readonly bytes: Uint8Array;
  /** Records in them. */
  readonly count: number;
}

/** Memory that a block takes beside its arrays. */
const BLOCK_OVERHEAD_BYTES = 400;

/** Records of consecutive batches. */
export class RecordBlock extends CacheEntry {
  override readonly cost: number;
  readonly #onEvict: () => void;
  readonly #firstOffset: number;
  readonly #bytes: Uint8Array;
  /** Where the message of each record starts, and its length, in turns. */
  readonly #places: Uint32Array;
  /** The first record of each part, counted from the start of the block. */
  readonly #firsts: Uint32Array;
  readonly #baseTimestamps: Float64Array;
  /** The offset of each record, counted from the first; none where all are consecutive. */
  readonly #deltas: Float64Array | undefined;

  /**
   * Records of the parts, the first of which begins at `firstOffset`.
   *
   * @throws {RangeError} when a part is malformed, or does not hold as many records as it should
   */
  constructor(firstOffset: number, parts: readonly CheckedPart[], onEvict: () => void) {
    super();
    this.#onEvict = onEvict;
    this.#firstOffset = firstOffset;
    const [only] = parts;
    this.#bytes = parts.length === 1 ? only!.bytes : concatBytes(parts.map(({ bytes }) => bytes));
    this.#places = new Uint32Array(2 * parts.reduce((sum, { count }) => sum + count, 0));
    this.#firsts = new Uint32Array(parts.length);
    this.#baseTimestamps = new Float64Array(parts.length);
    let record = 0;
    let start = 0;
    parts.forEach(({ header, bytes, count }, i) => {
      this.#firsts[i] = record;
      this.#baseTimestamps[i] = header.baseTimestampMs;
      const end = start + bytes.length;
      const reader = new ByteReader(this.#bytes, start, end);
      record = this.#findRecords(reader, { record, end: record + count, header });
      start = end;
    });
    if (!parts.every(({ isDense }) => isDense)) this.#deltas = this.#findOffsets(parts, record);
    const perRecord = this.#deltas === undefined ? 8 : 16;
    this.cost = BLOCK_OVERHEAD_BYTES + this.#bytes.length + perRecord * record + 12 * parts.length;
  }

  /** The record at an offset of the block, if it is there. @throws {RangeError} when it is malformed */
  find(offset: number): LogRecord | undefined {
    const index = this.#indexOf(offset);
    if (index < 0) return undefined;
    const firsts = this.#firsts;
    const part = firsts.length === 1
      ? 0
      : lastIndexWhere(firsts.length, (i) => firsts[i]! <= index);
    const reader = new ByteReader(this.#bytes, this.#places[2 * index]);
    return decodeRecord(reader, this.#places[2 * index + 1]!, {
      baseOffset: offset,
      baseTimestampMs: this.#baseTimestamps[part]!,
      index: 0,
    });
  }

  override evict(): void {
    this.#onEvict();
  }

  /** The number of the record with this offset, or -1. */
  #indexOf(offset: number): number {
    const delta = offset - this.#firstOffset;
    const deltas = this.#deltas;
    if (deltas === undefined) return delta;
    const index = lastIndexWhere(deltas.length, (i) => deltas[i]! <= delta);
    return deltas[index] === delta ? index : -1;
  }

  /** @throws {RangeError} also when offsets do not rise */
  #findOffsets(parts: readonly CheckedPart[], records: number): Float64Array {
    const deltas = new Float64Array(records);
    let record = 0;
    let last = -1;
    for (const { header: { baseOffset, baseTimestampMs }, isDense, count } of parts) {
      for (let i = 0; i < count; i++, record++) {
        const reader = new ByteReader(this.#bytes, this.#places[2 * record]);
        const context = { baseOffset, baseTimestampMs, index: isDense ? i : -1 };
        const { offset } = decodeRecord(reader, this.#places[2 * record + 1]!, context);
        if (offset <= last) throw new RangeError(`offset ${offset} is behind ${last}`);
        deltas[record] = offset - this.#firstOffset;
        last = offset;
      }
    }
    return deltas;
  }

  #findRecords(
    reader: ByteReader,
    part: { record: number; end: number; header: CheckedPart["header"] },
  ): number {
    const passed = part.header.hasProducer ? TAG_PRODUCER : undefined;
    let { record } = part;
    for (;;) {
      const length = seekField(reader, TAG_RECORD, passed);
      if (length === undefined) break;
      this.#places[2 * record] = reader.skip(length);
      this.#places[2 * record + 1] = length;
      record++;
    }
    if (record === part.end) return record;
    throw new RangeError(`records end at ${record} instead of ${part.end}`);
  }
}
