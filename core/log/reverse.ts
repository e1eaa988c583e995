/**
 * Walks the batches of a log backwards: from one index entry to the one before it, each stretch
 * read forwards and handed out last batch first.
 *
 * @module
 */
import type { SeglogError } from "../base/errors.ts";
import { lostRange, outOfRange } from "../base/offset_errors.ts";
import type { BatchView } from "../format/batch.ts";
import { Cursor } from "./cursor.ts";
import { isCorrupt } from "./damage.ts";
import { gapAt } from "./gaps.ts";
import { startIn } from "./segment_start.ts";
import { type LogView, segmentAt } from "./view.ts";

/**
 * The batches that hold offsets of `[from, until)`, newest first.
 *
 * @throws {SeglogError} `offset-out-of-range`, `lost` or `closed`; `corrupt`, naming the offsets:
 * what lies behind them was handed out, and reading can go on until their start
 */
export function* reverseBatches(
  view: LogView,
  from: number,
  until: number,
): Generator<BatchView, void, undefined> {
  let end = Math.min(until, view.nextOffset);
  for (;;) {
    end = beforeGaps(view, end);
    if (end <= from) return;
    // The log may have been truncated since the last stretch.
    if (end <= view.logStartOffset) throw outOfRange(view.name, end - 1, view);
    const lost = gapAt(view.lost, end - 1);
    if (lost !== undefined) throw lostRange(view.name, end - 1, lost);
    const start = Math.max(from, stretchStart(view, end - 1));
    for (const found of stretch(view, start, end).toReversed()) {
      if (isCorrupt(found)) throw found;
      yield found;
    }
    end = start;
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
function stretchStart(view: LogView, offset: number): number {
  const segment = segmentAt(view, offset);
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
