/**
 * Finds an offset by time.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import { BlockReader } from "./block_reader.ts";
import { skipGaps } from "./gaps.ts";
import type { ReadableSegment } from "./segment_file.ts";
import { startIn } from "./segment_start.ts";
import type { LogView } from "./view.ts";

/**
 * The first readable offset whose record is as young as `timestampMs`, or the next offset when none
 * is. Times need not rise with offsets: every record before the answer is older.
 *
 * @throws {SeglogError} `corrupt` when a batch on the way cannot be read
 */
export function offsetAtTime(view: LogView, timestampMs: number): number {
  for (const segment of view.segments) {
    if (segment.maxTimestampMs < timestampMs) continue;
    const found = offsetInSegment(view, segment, timestampMs);
    if (found !== undefined) return found;
  }
  return view.nextOffset;
}

function offsetInSegment(
  view: LogView,
  segment: ReadableSegment,
  timestampMs: number,
): number | undefined {
  const reader = new BlockReader(segment.source());
  let { position } = startIn(segment, (index) => index.startOfTime(timestampMs));
  while (position < segment.bytes) {
    const batch = reader.batchAt(position, segment.bytes);
    if (typeof batch === "string") {
      throw new SeglogError(
        "corrupt",
        `Cannot look for a time in ${view.name}: ${batch} at position ${position} of ${segment.path}`,
        { details: { path: segment.path, position } },
      );
    }
    position += batch.bytes.length;
    if (batch.header.maxTimestampMs < timestampMs) continue;
    for (const record of batch.records()) {
      if (record.offset >= view.nextOffset) return undefined;
      const isReadable = record.offset >= view.logStartOffset &&
        skipGaps(view.gaps, record.offset) === record.offset;
      if (isReadable && record.timestamp >= timestampMs) return record.offset;
    }
  }
  return undefined;
}
