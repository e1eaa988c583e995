/**
 * Finds an offset by time.
 *
 * @module
 */
import type { SeglogError } from "../base/errors.ts";
import { BatchView } from "../format/batch.ts";
import { recordsOf } from "../format/records_of.ts";
import {
  damagedPayload,
  damagedSegment,
  damageError,
  isCorrupt,
  presentOffsets,
} from "./damage.ts";
import type { ReadableSegment } from "./segment_file.ts";
import { startIn } from "./segment_start.ts";
import { SegmentWalk } from "./segment_walk.ts";
import type { LogView } from "./view.ts";

/**
 * The first readable offset whose record is as young as `timestampMs`, or the next offset when none
 * is. Times need not rise with offsets: every record before the answer is older.
 *
 * @throws {SeglogError} `corrupt`, naming the offsets, when records on the way cannot be read: they
 * may be as young
 */
export function offsetAtTime(view: LogView, timestampMs: number): number {
  for (const segment of view.segments) {
    const { baseOffset, nextOffset, maxTimestampMs } = segment;
    const { start, end } = presentOffsets(view, { start: baseOffset, end: nextOffset });
    if (maxTimestampMs < timestampMs || start >= end) continue;
    const found = offsetInSegment(view, segment, timestampMs);
    if (found !== undefined) return found;
  }
  return view.nextOffset;
}

/**
 * The same for what has to be kept: records that cannot be read may be as young, and stay.
 *
 * @returns the offset, and the error that stands for such records
 */
export function keptFromTime(
  view: LogView,
  timestampMs: number,
): { offset: number; damage?: SeglogError } {
  try {
    return { offset: offsetAtTime(view, timestampMs) };
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return { offset: Number(error.details.start), damage: error };
  }
}

function offsetInSegment(
  view: LogView,
  segment: ReadableSegment,
  timestampMs: number,
): number | undefined {
  const walk = walkFromTime(view, segment, timestampMs);
  for (const found of walk) {
    const isBatch = found instanceof BatchView;
    if (isBatch && found.header.maxTimestampMs < timestampMs) continue;
    const damage = isBatch ? damagedPayload(found, walk.position - found.bytes.length) : found;
    const { start, end } = presentOffsets(view, damage);
    if (start >= end) continue; // its records were removed
    if (!isBatch || !found.isIntact()) throw damageError(view, segment.path, damage);
    for (const record of recordsOf(found, { from: start, until: end })) {
      if (record.timestamp >= timestampMs) return record.offset;
    }
  }
  return undefined;
}

function walkFromTime(view: LogView, segment: ReadableSegment, timestampMs: number): SegmentWalk {
  try {
    const start = startIn(segment, (index) => index.startOfTime(timestampMs));
    return new SegmentWalk(segment.source(), segment, start);
  } catch (error) {
    throw isCorrupt(error)
      ? damageError(view, segment.path, damagedSegment(segment, error))
      : error;
  }
}
