/**
 * Walks the batches of a log forwards, across segments, while the log goes on living.
 *
 * @module
 */
import type { SeglogError } from "../base/errors.ts";
import { lostRange, outOfRange } from "../base/offset_errors.ts";
import { BatchView } from "../format/batch.ts";
import { trimBatch } from "../format/trim_batch.ts";
import { type Damage, damagedPayload, damagedSegment, damageError, isCorrupt } from "./damage.ts";
import { gapAt, sinceGap, skipGaps, untilGap } from "./gaps.ts";
import type { ReadableSegment } from "./segment_file.ts";
import { startIn } from "./segment_start.ts";
import { SegmentWalk } from "./segment_walk.ts";
import { type LogView, segmentAfter, segmentAt } from "./view.ts";

/** How a cursor reads. */
export interface CursorOptions {
  /** Bytes that it reads at once, at first. */
  readonly blockBytes?: number;
  /** Segments that surely hold no record with this key are passed over. */
  readonly key?: Uint8Array | undefined;
}

/** A place in a log, from which batches are read one after another. */
export class Cursor {
  readonly #view: LogView;
  readonly #options: CursorOptions;
  #offset: number;
  /** What was handed out ends here: a batch that compaction wrote since may begin before. */
  #taken = 0;
  #segment: ReadableSegment | undefined;
  #walk: SegmentWalk | undefined;

  /** @param from offset of the first record that is wanted */
  constructor(view: LogView, from: number, options: CursorOptions = {}) {
    this.#view = view;
    this.#offset = from;
    this.#options = options;
  }

  /** Offset of the next record that is wanted. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * The next batch that holds a wanted record: the first one may begin before it. Batches lose the
   * records that a truncation removed, and those that came in a batch before.
   *
   * @param until offsets from here on are not wanted
   * @returns `undefined` at `until`, or at the end of the log as it is now
   * @throws {SeglogError} `offset-out-of-range`, `lost` or `closed`; `corrupt`, naming the offsets
   * that cannot be read: the cursor then stands behind them, and can be asked again
   */
  next(until = Infinity): BatchView | undefined {
    const view = this.#view;
    view.checkOpen();
    for (;;) {
      if (this.#offset < view.logStartOffset) throw outOfRange(view.name, this.#offset, view);
      const offset = skipGaps(view.gaps, this.#offset);
      this.#offset = offset;
      if (offset >= Math.min(until, view.nextOffset)) return undefined;
      const lost = gapAt(view.lost, offset);
      if (lost !== undefined) throw lostRange(view.name, offset, lost);
      const segment = segmentAt(view, offset);
      if (this.#isPassedOver(segment)) {
        this.#offset = segment.nextOffset;
        continue;
      }
      const found = this.#step(segment, offset);
      if (found === undefined) continue;
      if (!(found instanceof BatchView)) {
        if (found.end <= offset) continue; // damage on the way to the offset takes nothing from it
        throw this.#lost(segment, found);
      }
      if (found.nextOffset <= offset) continue; // on the way from an index entry
      const range = {
        from: Math.max(view.logStartOffset, sinceGap(view.gaps, offset), this.#taken),
        until: view.gaps.length === 0 ? Infinity : untilGap(view.gaps, offset),
      };
      if (!found.isIntact()) {
        const position = this.#walk!.position - found.bytes.length;
        throw this.#lost(segment, damagedPayload(found, position));
      }
      this.#offset = found.nextOffset;
      const trimmed = trimBatch(found, range);
      if (trimmed === undefined || trimmed.nextOffset <= offset) continue;
      this.#taken = this.#offset;
      return trimmed;
    }
  }

  /**
   * What comes next in the segment, into which the cursor goes if it is not there already.
   *
   * @returns `undefined` when the segment went away meanwhile: another process dropped it
   */
  #step(segment: ReadableSegment, offset: number): BatchView | Damage | undefined {
    try {
      if (segment !== this.#segment) {
        const start = startIn(segment, (index) => index.startOf(offset));
        this.#walk = new SegmentWalk(segment.source(), segment, start, this.#options.blockBytes);
        this.#segment = segment;
      }
      return this.#walk!.next() ?? missingFrom(this.#view, segment, offset);
    } catch (error) { // the file may be opened at each step
      this.#view.refresh();
      if (!this.#view.segments.includes(segment)) return undefined;
      if (!isCorrupt(error)) throw error;
      throw this.#lost(segment, damagedSegment(segment, error));
    }
  }

  #isPassedOver(segment: ReadableSegment): boolean {
    const { key } = this.#options;
    return key !== undefined && segment !== this.#segment && !segment.mayHold(key);
  }

  #lost(segment: ReadableSegment, damage: Damage): SeglogError {
    this.#offset = damage.end;
    return damageError(this.#view, segment.path, damage);
  }
}

/** What lies between the end of a segment and the next one, where they do not join. */
function missingFrom(view: LogView, segment: ReadableSegment, start: number): Damage {
  const end = segmentAfter(view, segment)?.baseOffset ?? view.nextOffset;
  return { start, end, position: segment.bytes, complaint: "no segment holds them" };
}
