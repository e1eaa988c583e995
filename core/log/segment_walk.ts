/**
 * Walks through a segment from batch to batch, and past damage.
 *
 * Offsets are dense within a segment, so at every position it is known which offset comes next. A
 * batch is believed when its header is (the checksum is seeded with the segment's salt), it lies
 * whole in the segment, and its offsets are the next. Where that is not so, the walk looks for the
 * next batch that can be believed, and what lies between are the offsets that cannot be read.
 *
 * @module
 */
import { READ_BLOCK_BYTES } from "../base/limits.ts";
import type { BatchView } from "../format/batch.ts";
import { type BatchSource, BlockReader } from "./block_reader.ts";
import type { Damage } from "./damage.ts";
import type { IndexedBatch } from "./sparse_index.ts";

/** How far a segment goes; both numbers may grow during a walk. */
export interface SegmentEnd {
  /** Offset after the last record. */
  readonly nextOffset: number;
  /** Bytes that may be read. */
  readonly bytes: number;
}

/** One way through a segment. */
export class SegmentWalk {
  readonly #reader: BlockReader;
  readonly #end: SegmentEnd;
  #position: number;
  #offset: number;

  /**
   * @param end of the segment; looked at again at each step
   * @param start the batch to begin with
   */
  constructor(
    source: BatchSource,
    end: SegmentEnd,
    start: IndexedBatch,
    blockBytes: number = READ_BLOCK_BYTES,
  ) {
    this.#reader = new BlockReader(source, blockBytes);
    this.#end = end;
    this.#position = start.position;
    this.#offset = start.offset;
  }

  /** Where the next batch should be. */
  get position(): number {
    return this.#position;
  }

  /** The offset that should come next. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * The next batch, its payload not yet checked, or the damage that is there instead; then the walk
   * goes on behind it.
   *
   * @returns `undefined` at the end of the segment, as it is now
   */
  next(): BatchView | Damage | undefined {
    const { bytes, nextOffset } = this.#end;
    if (this.#position >= bytes && this.#offset >= nextOffset) return undefined;
    const batch = this.#position < bytes
      ? this.#reader.batchAt(this.#position, bytes)
      : "the segment ends too early";
    if (typeof batch === "string") return this.#passOver(batch);
    if (batch.baseOffset !== this.#offset || batch.nextOffset > nextOffset) {
      return this.#passOver(
        `a batch with offsets ${batch.baseOffset} to ${
          batch.nextOffset - 1
        } is where ${this.#offset} was expected`,
      );
    }
    this.#position += batch.bytes.length;
    this.#offset = batch.nextOffset;
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

  /**
   * Goes to the next batch that can be believed, or to the end of the segment. Offsets only rise,
   * so bytes of an earlier place of this file, met within a value or out of their place, are not
   * taken for one.
   */
  #seek(): void {
    const { bytes, nextOffset } = this.#end;
    let found = this.#reader.seekBatch(this.#position, bytes);
    while (found !== undefined) {
      const batch = this.#reader.batchAt(found.position, bytes);
      const isNext = typeof batch !== "string" && batch.baseOffset >= this.#offset &&
        batch.nextOffset <= nextOffset;
      if (isNext) {
        this.#position = found.position;
        this.#offset = batch.baseOffset;
        return;
      }
      found = this.#reader.seekBatch(found.position + 1, bytes);
    }
    this.#position = bytes;
    this.#offset = nextOffset;
  }
}
