/**
 * Walks the batches of a log backwards: from one index entry to the one before it, each stretch
 * read forwards and handed out last batch first.
 *
 * @module
 */
import type { SeglogError } from "../base/errors.ts";
import { lostRange, outOfRange } from "../base/offset_errors.ts";
import type { BatchView } from "../format/batch.ts";
import { trimBatch } from "../format/trim_batch.ts";
import { Cursor } from "./cursor.ts";
import { isCorrupt } from "./damage.ts";
import { gapAt } from "./gaps.ts";
import type { ReadableSegment } from "./segment_file.ts";
import { startIn } from "./segment_start.ts";
import { type LogView, segmentAt } from "./view.ts";

/**
 * The batches that hold offsets of `[from, until)`, newest first; with a key, those of segments that
 * may hold it.
 *
 * @throws {SeglogError} `offset-out-of-range`, `lost` or `closed`; `corrupt`, naming the offsets:
 * what lies behind them was handed out, and reading can go on until their start
 */
export function* reverseBatches(
  view: LogView,
  { from, until, key }: {
    readonly from: number;
    readonly until: number;
    readonly key: Uint8Array | undefined;
  },
): Generator<BatchView, void, undefined> {
  let end = Math.min(until, view.nextOffset);
  for (let taken = Infinity;;) {
    end = beforeGaps(view, end);
    if (end <= from) return;
    // The log may have been truncated since the last stretch.
    if (end <= view.logStartOffset) throw outOfRange(view.name, end - 1, view);
    const lost = gapAt(view.lost, end - 1);
    if (lost !== undefined) throw lostRange(view.name, end - 1, lost);
    const segment = segmentAt(view, end - 1);
    if (key !== undefined && !segment.mayHold(key)) {
      end = segment.baseOffset;
      continue;
    }
    const start = Math.max(from, stretchStart(view, segment, end - 1));
    for (const found of stretch(view, start, end).toReversed()) {
      if (isCorrupt(found)) throw found;
      // One that compaction wrote since may begin before the stretch, or go on past the last one.
      const trimmed = trimBatch(found, { from: start === from ? 0 : start, until: taken });
      if (trimmed !== undefined) yield trimmed;
    }
    end = start;
    taken = start;
  }
}

/** The batches of a stretch in offset order, and where some cannot be read, the errors for them. */
function stretch(view: LogView, start: number, end: number): (BatchView | SeglogError)[] {
  const found: (BatchView | SeglogError)[] = [];
  const cursor = new Cursor(view, start);
  for (;;) {
    try {
      const batch = cursor.next(end);
      if (batch === undefined) return found;
      found.push(batch);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      found.push(error);
    }
  }
}

/** The offset from which to read forwards so as to reach `offset` soon. */
function stretchStart(view: LogView, segment: ReadableSegment, offset: number): number {
  try {
    const start = startIn(segment, (index) => index.startOf(offset));
    return Math.max(view.logStartOffset, start.offset);
  } catch (error) {
    if (isCorrupt(error)) return Math.max(view.logStartOffset, segment.baseOffset);
    throw error;
  }
}

/** `end`, moved down past gaps that end there. */
function beforeGaps(view: LogView, end: number): number {
  let before = end;
  for (const gap of view.gaps.toReversed()) {
    if (before > gap.start && before <= gap.end) before = gap.start;
  }
  return before;
}
