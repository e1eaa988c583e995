/**
 * Where to start reading in a segment. An index is a hint: where the file of one says that there is
 * a batch, a batch has to be, or the index is built again.
 *
 * @module
 */
import { BATCH_HEADER_BYTES, decodeBatchHeader } from "../format/batch_header.ts";
import type { ReadableSegment, ReadableSegmentFile } from "./segment_file.ts";
import type { IndexedBatch, SparseIndex } from "./sparse_index.ts";

/**
 * What `look` finds in the index of a segment, when it is true.
 *
 * @throws {SeglogError} `corrupt` when the segment cannot be opened
 */
export function startIn(
  segment: ReadableSegment,
  look: (index: SparseIndex) => IndexedBatch,
): IndexedBatch {
  const index = segment.index();
  const start = look(index);
  if (!index.isDoubtful(start)) return start;
  if (!isBatchAt(segment.source(), start)) return look(segment.rebuildIndex());
  index.confirm(start);
  return start;
}

function isBatchAt({ file, salt }: ReadableSegmentFile, start: IndexedBatch): boolean {
  const bytes = new Uint8Array(BATCH_HEADER_BYTES);
  const header = decodeBatchHeader(bytes.subarray(0, file.read(bytes, start.position)), 0, salt);
  return typeof header !== "string" && header.baseOffset === start.offset;
}
