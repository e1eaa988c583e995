/**
 * Walks the batches of a log backwards: from one index entry to the one before it, each stretch
 * read forwards and handed out last batch first.
 *
 * @module
 */
import { outOfRange } from "../base/offset_errors.ts";
import type { BatchView } from "../format/batch.ts";
import { Cursor } from "./cursor.ts";
import { startIn } from "./segment_start.ts";
import { type LogView, segmentAt } from "./view.ts";

/**
 * The batches that hold offsets of `[from, until)`, newest first.
 *
 * @throws {SeglogError} `offset-out-of-range`, `corrupt` or `closed`
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
    const start = Math.max(from, stretchStart(view, end - 1));
    const stretch: BatchView[] = [];
    const cursor = new Cursor(view, start);
    for (let batch = cursor.next(end); batch !== undefined; batch = cursor.next(end)) {
      stretch.push(batch);
    }
    yield* stretch.reverse();
    end = start;
  }
}

/** The offset from which to read forwards so as to reach `offset` soon. */
function stretchStart(view: LogView, offset: number): number {
  const start = startIn(segmentAt(view, offset), (index) => index.startOf(offset));
  return Math.max(view.logStartOffset, start.offset);
}

/** `end`, moved down past gaps that end there. */
function beforeGaps(view: LogView, end: number): number {
  let before = end;
  for (const gap of view.gaps.toReversed()) {
    if (before > gap.start && before <= gap.end) before = gap.start;
  }
  return before;
}
