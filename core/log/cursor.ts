/**
 * Walks the batches of a log forwards, across segments, while the log goes on living.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import { READ_BLOCK_BYTES } from "../base/limits.ts";
import { outOfRange } from "../base/offset_errors.ts";
import type { BatchView } from "../format/batch.ts";
import { trimBatch } from "../format/trim_batch.ts";
import { BlockReader } from "./block_reader.ts";
import { sinceGap, skipGaps, untilGap } from "./gaps.ts";
import type { ReadableSegment } from "./segment_file.ts";
import { startIn } from "./segment_start.ts";
import { type LogView, segmentAt } from "./view.ts";

/** A place in a log, from which batches are read one after another. */
export class Cursor {
  readonly #view: LogView;
  readonly #blockBytes: number;
  #offset: number;
  #segment: ReadableSegment | undefined;
  #reader: BlockReader | undefined;
  #position = 0;
  /** Offset after the batch before, when that was read in this segment. */
  #joined = 0;

  /** @param from offset of the first record that is wanted */
  constructor(view: LogView, from: number, blockBytes: number = READ_BLOCK_BYTES) {
    this.#view = view;
    this.#offset = from;
    this.#blockBytes = blockBytes;
  }

  /** Offset of the next record that is wanted. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * The next batch that holds a wanted record: the first one may begin before it. Batches lose the
   * records that a truncation removed.
   *
   * @param until offsets from here on are not wanted
   * @returns `undefined` at `until`, or at the end of the log as it is now
   * @throws {SeglogError} `offset-out-of-range`, `corrupt` or `closed`
   */
  next(until = Infinity): BatchView | undefined {
    const view = this.#view;
    view.checkOpen();
    for (;;) {
      const offset = skipGaps(view.gaps, this.#offset);
      if (offset < view.logStartOffset) throw outOfRange(view.name, offset, view);
      this.#offset = offset;
      if (offset >= Math.min(until, view.nextOffset)) return undefined;
      if (!this.#enter(segmentAt(view, offset), offset)) continue;
      const batch = this.#read(offset);
      if (batch.nextOffset <= offset) continue; // on the way from an index entry
      if (batch.baseOffset > offset) throw this.#missing(offset, batch.baseOffset);
      this.#offset = batch.nextOffset;
      const trimmed = trimBatch(batch, {
        from: Math.max(view.logStartOffset, sinceGap(view.gaps, offset)),
        until: view.gaps.length === 0 ? Infinity : untilGap(view.gaps, offset),
      });
      if (trimmed !== undefined) return trimmed;
    }
  }

  /**
   * Goes to the segment, if it is not there already.
   *
   * @returns false when the segment went away meanwhile: another process dropped it
   */
  #enter(segment: ReadableSegment, offset: number): boolean {
    if (segment === this.#segment) return true;
    try {
      this.#reader = new BlockReader(segment.source(), this.#blockBytes);
      this.#position = startIn(segment, (index) => index.startOf(offset)).position;
    } catch (error) {
      this.#view.refresh();
      if (this.#view.segments.includes(segment)) throw error;
      return false;
    }
    this.#segment = segment;
    this.#joined = segment.baseOffset;
    return true;
  }

  /** The batch at the current position, which then moves past it. */
  #read(offset: number): BatchView {
    const segment = this.#segment!;
    const batch = this.#position < segment.bytes
      ? this.#reader!.batchAt(this.#position, segment.bytes)
      : "the segment ends too early";
    if (typeof batch === "string") throw this.#damaged(offset, batch);
    if (batch.baseOffset < this.#joined || batch.nextOffset > segment.nextOffset) {
      throw this.#damaged(offset, `a batch holds offsets of another place`);
    }
    this.#joined = batch.nextOffset;
    this.#position += batch.bytes.length;
    return batch;
  }

  #damaged(offset: number, complaint: string): SeglogError {
    const path = this.#segment!.path;
    return new SeglogError(
      "corrupt",
      `Cannot read ${this.#view.name} at offset ${offset}: ${complaint} at position ${this.#position} of ${path}`,
      { details: { start: offset, path, position: this.#position } },
    );
  }

  #missing(start: number, end: number): SeglogError {
    return new SeglogError(
      "corrupt",
      `Cannot read ${this.#view.name} at offset ${start}: offsets ${start} to ${
        end - 1
      } are missing from ${this.#segment!.path}`,
      { details: { start, end, path: this.#segment!.path } },
    );
  }
}
