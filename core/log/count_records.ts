/**
 * Counts the records of a log: fewer than there are offsets, once some were removed or compacted.
 *
 * @module
 */
import { Cursor } from "./cursor.ts";
import { type Gap, joinGaps, outsideGaps } from "./gaps.ts";
import type { ReadableSegment } from "./segment_file.ts";
import type { LogView } from "./view.ts";

/**
 * Records that can be read. Only a compacted segment that a truncation went through is read for it.
 *
 * @throws {SeglogError} `corrupt` when that one cannot be
 */
export function countRecords(view: LogView): number {
  const absent = joinGaps(view.gaps, view.lost);
  return view.segments.reduce((sum, segment) => sum + recordsIn(view, segment, absent), 0);
}

function recordsIn(view: LogView, segment: ReadableSegment, absent: readonly Gap[]): number {
  const { baseOffset, nextOffset, records } = segment;
  const start = Math.max(baseOffset, view.logStartOffset);
  const end = Math.min(nextOffset, view.nextOffset);
  const present = outsideGaps({ start, end }, absent);
  const offsets = present.reduce((sum, range) => sum + range.end - range.start, 0);
  const all = nextOffset - baseOffset;
  if (offsets === all) return records;
  return records === all ? offsets : present.reduce((sum, range) => sum + walk(view, range), 0);
}

function walk(view: LogView, { start, end }: Gap): number {
  const cursor = new Cursor(view, start);
  let count = 0;
  for (let batch = cursor.next(end); batch !== undefined; batch = cursor.next(end)) {
    for (const { offset } of batch.records()) if (offset >= start && offset < end) count++;
  }
  return count;
}
