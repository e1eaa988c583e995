/**
 * The plainest reader of a whole segment in memory, for tests of the format itself.
 *
 * @module
 */
import { type BatchView, decodeBatch } from "../../core/format/batch.ts";
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../../core/format/segment_header.ts";

/** All batches of a segment. Throws at the first thing that is not right. */
export function batchesOf(segment: Uint8Array): BatchView[] {
  const header = decodeSegmentHeader(segment);
  if (typeof header === "string") throw new Error(header);
  const batches: BatchView[] = [];
  let position = SEGMENT_HEADER_BYTES;
  while (position < segment.length) {
    const batch = decodeBatch(segment, position, header.salt);
    if (typeof batch === "string") throw new Error(`at position ${position}: ${batch}`);
    batches.push(batch);
    position += batch.bytes.length;
  }
  return batches;
}
