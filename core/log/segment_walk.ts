/**
 * Walks through a segment from batch to batch, and past damage.
 *
 * Offsets are dense within a segment, so at every position it is known which offset comes next. A
 * batch is believed when its header is (the checksum is seeded with the segment's salt), it lies
 * whole in the segment, its offsets are the next, and its epoch is none of an earlier owner. Where
 * that is not so, the walk looks for the next batch that can be believed, and what lies between are
 * the offsets that cannot be read. Nothing else in seglog decides what is believed.
 *
 * @module
 */
import type { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { type BatchSource, BlockReader } from "./block_reader.ts";
import type { Damage } from "./damage.ts";
import type { IndexedBatch } from "./sparse_index.ts";

/** How far a segment goes; both numbers may grow during a walk. */
export interface SegmentEnd {
  /** Offset after the last record; infinite when only the bytes tell. */
  readonly nextOffset: number;
  /** Bytes that may be read. */
  readonly bytes: number;
}

/** Where a walk begins. */
export interface WalkStart extends IndexedBatch {
  /** The epoch of the batch before, when that is known. */
  readonly epoch?: number;
}

/** One way through a segment. */
export class SegmentWalk {
  readonly #reader: BlockReader;
  readonly #end: SegmentEnd;
  #position: number;
  #offset: number;
  #epoch: number;

  /**
   * @param end of the segment; looked at again at each step
   * @param start the batch to begin with
   */
  constructor(
    source: BatchSource,
    end: SegmentEnd,
    start: WalkStart,
    blockBytes?: number,
  ) {
    this.#reader = new BlockReader(source, blockBytes);
    this.#end = end;
    this.#position = start.position;
    this.#offset = start.offset;
    this.#epoch = start.epoch ?? 0;
  }

  /** Where the next batch should be. */
  get position(): number {
    return this.#position;
  }

  /** The offset that should come next. */
  get offset(): number {
    return this.#offset;
  }

  /** The epoch below which none may fall. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * The next batch, its payload not yet checked, or the damage that is there instead; then the walk
   * goes on behind it.
   *
   * @returns `undefined` at the end of the segment, as it is now
   */
  next(): BatchView | Damage | undefined {
    const found = this.step();
    return typeof found === "string" ? this.#passOver(found) : found;
  }

  /** The same, but before damage the walk stays where it is, and says in words what is wrong. */
  step(): BatchView | string | undefined {
    const { bytes, nextOffset } = this.#end;
    if (this.#position >= bytes) {
      const isShort = this.#offset < nextOffset && nextOffset !== Infinity;
      return isShort ? "the segment ends too early" : undefined;
    }
    const batch = this.#reader.batchAt(this.#position, bytes);
    if (typeof batch === "string") return batch;
    if (batch.baseOffset !== this.#offset || batch.nextOffset > nextOffset) {
      return `a batch with offsets ${batch.baseOffset} to ${batch.nextOffset - 1} is where ` +
        `${this.#offset} was expected`;
    }
    const { epoch } = batch.header;
    if (epoch < this.#epoch) return `a batch of epoch ${epoch} is behind one of ${this.#epoch}`;
    this.#position += batch.bytes.length;
    this.#offset = batch.nextOffset;
    this.#epoch = epoch;
    return batch;
  }

  /** All that is left. */
  *[Symbol.iterator](): Generator<BatchView | Damage, void, undefined> {
    for (let found = this.next(); found !== undefined; found = this.next()) yield found;
  }

  #passOver(complaint: string): Damage {
    const position = this.#position;
    const start = this.#offset;
    this.#seek();
    return { start, end: this.#offset, position, complaint };
  }

  /** Goes to the next batch that can be believed, or to the end of the segment. */
  #seek(): void {
    // A copy of the first batch further on is a stray one: the segment's name is for what is first.
    const isFirst = this.#position === SEGMENT_HEADER_BYTES;
    const least = isFirst ? this.#offset + 1 : this.#offset;
    let found = this.#find(this.#position, least);
    // A batch that jumps ahead is a stray copy of a later one when what it jumped over comes after.
    while (found !== undefined && found.batch.baseOffset > this.#offset) {
      const after = this.#find(found.position + found.batch.bytes.length, least);
      if (after === undefined || after.batch.baseOffset >= found.batch.nextOffset) break;
      found = after;
    }
    this.#position = found?.position ?? this.#end.bytes;
    this.#offset = found?.batch.baseOffset ?? this.#end.nextOffset;
  }

  /**
   * The first batch from `position` on that may come behind damage. Offsets only rise, so bytes of
   * an earlier place of this file, met within a value or out of their place, are not taken for one.
   */
  #find(position: number, least: number): { position: number; batch: BatchView } | undefined {
    const { bytes, nextOffset } = this.#end;
    let found = this.#reader.seekBatch(position, bytes);
    while (found !== undefined) {
      const batch = this.#reader.batchAt(found.position, bytes);
      const isNext = typeof batch !== "string" && batch.baseOffset >= least &&
        batch.nextOffset <= nextOffset && batch.header.epoch >= this.#epoch;
      if (isNext) return { position: found.position, batch };
      found = this.#reader.seekBatch(found.position + 1, bytes);
    }
    return undefined;
  }
}
