/**
 * Finds the place in a segment from which to look for an offset or a time.
 *
 * One entry about every 4 KiB of the segment: the base offset of a batch, its position, and the
 * largest timestamp before it. In memory it is three number arrays; on disk it is a hint beside
 * the segment, bound to it by salt and length, and built again on any doubt.
 *
 * @module
 */
import { lastIndexWhere } from "../base/binary_search.ts";
import { dataViewOf, equalBytes, getUint64, setUint64 } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { INDEX_INTERVAL_BYTES, TIMESTAMP_MS_MAX } from "../base/limits.ts";
import { BATCH_ALIGNMENT, type BatchHeader } from "../format/batch_header.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";

const MAGIC = Uint8Array.of(0x89, 0x53, 0x45, 0x47, 0x49, 0x44, 0x58, 0x01); // \x89 S E G I D X, 1
const HEADER_BYTES = 32;
const ENTRY_BYTES = 16;
const CRC_BYTES = 4;
const AT = { salt: 8, count: 12, baseOffset: 16, segmentBytes: 24 } as const;

/** The segment that an index belongs to, and how much of it the index covers. */
export interface IndexBinding {
  readonly salt: number;
  readonly baseOffset: number;
  readonly segmentBytes: number;
}

/** A batch that an index knows: where it starts, and the offset of its first record. */
export interface IndexedBatch {
  readonly position: number;
  readonly offset: number;
}

/** Largest index that a segment of so many bytes can have. */
export function indexBytesMax(segmentBytes: number): number {
  const entries = Math.ceil(segmentBytes / INDEX_INTERVAL_BYTES) + 1;
  return HEADER_BYTES + entries * ENTRY_BYTES + 8 + CRC_BYTES;
}

/** Bytes before the entries. */
export { HEADER_BYTES as INDEX_HEADER_BYTES };

/** The salt that stands in the file of an index, whole or not: a hint, to be confirmed by a batch. */
export function saltInIndexFile(bytes: Uint8Array): number | undefined {
  const isIndex = bytes.length >= HEADER_BYTES &&
    equalBytes(bytes.subarray(0, MAGIC.length), MAGIC);
  return isIndex ? dataViewOf(bytes).getUint32(AT.salt, true) : undefined;
}

/** The sparse index of one segment. Batches are added in the order of the file. */
export class SparseIndex {
  readonly baseOffset: number;
  #count = 0;
  #deltas = new Uint32Array(16);
  #positions = new Uint32Array(16);
  #maxBefore = new Float64Array(16);
  #maxTimestampMs = 0;
  /** For each entry that was read from a file, whether it was not looked up in the segment yet. */
  #doubtful = new Uint8Array(0);

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
  }

  /** Largest timestamp of the batches that were added; 0 when there is none. */
  get maxTimestampMs(): number {
    return this.#maxTimestampMs;
  }

  /** Notes a batch that starts at `position`. */
  add(header: BatchHeader, position: number): void {
    const last = this.#count === 0 ? -INDEX_INTERVAL_BYTES : this.#positions[this.#count - 1]!;
    if (position - last >= INDEX_INTERVAL_BYTES) {
      this.#push(header.baseOffset - this.baseOffset, position, this.#maxTimestampMs);
    }
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, header.maxTimestampMs);
  }

  /** Notes that batches are passed over: nothing is known of how young their records are. */
  addUnknown(): void {
    this.#maxTimestampMs = TIMESTAMP_MS_MAX;
  }

  /** Number of entries. */
  get count(): number {
    return this.#count;
  }

  /** The last entry at or before `offset`; -1 when there is none. */
  entryOf(offset: number): number {
    const delta = offset - this.baseOffset;
    return lastIndexWhere(this.#count, (i) => this.#deltas[i]! <= delta);
  }

  /** The offset of an entry: of the first record of its batch. */
  offsetOf(entry: number): number {
    return this.baseOffset + this.#deltas[entry]!;
  }

  /** The position of an entry's batch in the segment. */
  positionOf(entry: number): number {
    return this.#positions[entry]!;
  }

  /** Where to start looking for `offset`: a batch at or before it. */
  startOf(offset: number): IndexedBatch {
    return this.#batchAt(this.entryOf(offset));
  }

  /** Where to start looking for the first batch that holds a timestamp of `timestampMs` or more. */
  startOfTime(timestampMs: number): IndexedBatch {
    return this.#batchAt(lastIndexWhere(this.#count, (i) => this.#maxBefore[i]! < timestampMs));
  }

  /** Whether nobody has looked yet if an entry's batch is where a file said that it is. */
  isDoubtful(start: IndexedBatch): boolean {
    return this.#doubtful[this.entryOf(start.offset)] === 1;
  }

  /** Notes that the batch of an entry was found where the entry says. */
  confirm(start: IndexedBatch): void {
    this.#doubtful[this.entryOf(start.offset)] = 0; // behind its end nothing is written
  }

  /** The index as a file. */
  encode(binding: IndexBinding): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + this.#count * ENTRY_BYTES + 8 + CRC_BYTES);
    const view = dataViewOf(bytes);
    bytes.set(MAGIC);
    view.setUint32(AT.salt, binding.salt, true);
    view.setUint32(AT.count, this.#count, true);
    setUint64(view, AT.baseOffset, binding.baseOffset);
    setUint64(view, AT.segmentBytes, binding.segmentBytes);
    let at = HEADER_BYTES;
    for (let i = 0; i < this.#count; i++, at += ENTRY_BYTES) {
      view.setUint32(at, this.#deltas[i]!, true);
      view.setUint32(at + 4, this.#positions[i]!, true);
      setUint64(view, at + 8, this.#maxBefore[i]!);
    }
    setUint64(view, at, this.#maxTimestampMs);
    view.setUint32(at + 8, crc32(bytes.subarray(0, at + 8)), true);
    return bytes;
  }

  /** The index in a file, or `undefined` unless it is whole and belongs to that very segment. */
  static decode(bytes: Uint8Array, binding: IndexBinding): SparseIndex | undefined {
    if (bytes.length < HEADER_BYTES + 8 + CRC_BYTES) return undefined;
    const view = dataViewOf(bytes);
    const count = view.getUint32(AT.count, true);
    const end = HEADER_BYTES + count * ENTRY_BYTES;
    if (bytes.length !== end + 8 + CRC_BYTES) return undefined;
    if (view.getUint32(end + 8, true) !== crc32(bytes.subarray(0, end + 8))) return undefined;
    const isBound = equalBytes(bytes.subarray(0, MAGIC.length), MAGIC) &&
      view.getUint32(AT.salt, true) === binding.salt &&
      getUint64(view, AT.baseOffset) === binding.baseOffset &&
      getUint64(view, AT.segmentBytes) === binding.segmentBytes;
    if (!isBound) return undefined;
    const index = new SparseIndex(binding.baseOffset);
    for (let at = HEADER_BYTES; at < end; at += ENTRY_BYTES) {
      index.#push(view.getUint32(at, true), view.getUint32(at + 4, true), getUint64(view, at + 8));
    }
    index.#maxTimestampMs = getUint64(view, end);
    index.#doubtful = new Uint8Array(count).fill(1);
    return index.#isInOrder(binding.segmentBytes) ? index : undefined;
  }

  #push(delta: number, position: number, maxBefore: number): void {
    if (this.#count === this.#deltas.length) {
      this.#deltas = grown(this.#deltas, new Uint32Array(this.#count * 2));
      this.#positions = grown(this.#positions, new Uint32Array(this.#count * 2));
      this.#maxBefore = grown(this.#maxBefore, new Float64Array(this.#count * 2));
    }
    this.#deltas[this.#count] = delta;
    this.#positions[this.#count] = position;
    this.#maxBefore[this.#count] = maxBefore;
    this.#count++;
  }

  #batchAt(index: number): IndexedBatch {
    if (index < 0) return { position: SEGMENT_HEADER_BYTES, offset: this.baseOffset };
    return { position: this.positionOf(index), offset: this.offsetOf(index) };
  }

  /** Whether entries begin with the first batch, lie in the segment and rise, as those of batches do. */
  #isInOrder(segmentBytes: number): boolean {
    const isFirst = this.#positions[0] === SEGMENT_HEADER_BYTES && this.#deltas[0] === 0;
    if (this.#count > 0 && !isFirst) return false;
    for (let i = 0; i < this.#count; i++) {
      const position = this.#positions[i]!;
      const isPlace = position >= SEGMENT_HEADER_BYTES && position < segmentBytes &&
        position % BATCH_ALIGNMENT === 0;
      const isLater = i === 0 ||
        (this.#deltas[i]! > this.#deltas[i - 1]! && position > this.#positions[i - 1]! &&
          this.#maxBefore[i]! >= this.#maxBefore[i - 1]!);
      if (!isPlace || !isLater || !(this.#maxBefore[i]! <= this.#maxTimestampMs)) return false;
    }
    return this.#maxTimestampMs <= TIMESTAMP_MS_MAX;
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
