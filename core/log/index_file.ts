/**
 * The index beside its segment. It is a hint: written without a sync, believed only when it is whole
 * and belongs to that very segment, and built again on any doubt.
 *
 * @module
 */
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import { readFile, writeHint } from "../disk/files.ts";
import { BatchView } from "../format/batch.ts";
import { indexFileName, type SegmentName } from "../format/file_names.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { LogPlace, ReadableSegment, ReadableSegmentFile } from "./segment_file.ts";
import { SegmentWalk } from "./segment_walk.ts";
import { indexBytesMax, SparseIndex } from "./sparse_index.ts";

/** Writes the index of a segment, its own unless given, if that is possible. */
export function saveIndex(place: LogPlace, segment: ReadableSegment, index?: SparseIndex): void {
  try {
    writeIndex(place, segment, index ?? segment.index());
  } catch (error) {
    if (!(error instanceof SeglogError)) throw error;
  }
}

/** The index of a segment as it was written, or `undefined` on any doubt. */
export function loadIndex(
  place: LogPlace,
  file: ReadableSegmentFile,
  segment: SegmentName & { readonly bytes: number },
): SparseIndex | undefined {
  const { baseOffset, bytes: segmentBytes } = segment;
  try {
    const path = indexPath(place, segment);
    const bytes = readFile(place.disk, path, indexBytesMax(segmentBytes));
    if (bytes === undefined) return undefined;
    return SparseIndex.decode(bytes, { salt: file.salt, baseOffset, segmentBytes });
  } catch (error) {
    if (error instanceof SeglogError) return undefined;
    throw error;
  }
}

/** Builds an index from the headers of the batches; damaged ones are passed over. */
export function buildIndex(
  file: ReadableSegmentFile,
  segment: { readonly baseOffset: number; readonly nextOffset: number; readonly bytes: number },
): SparseIndex {
  const { baseOffset } = segment;
  const index = new SparseIndex(baseOffset);
  const start = { position: SEGMENT_HEADER_BYTES, offset: baseOffset };
  const walk = new SegmentWalk(file, segment, start);
  for (const found of walk) {
    if (found instanceof BatchView) index.add(found.header, walk.position - found.bytes.length);
    else index.addUnknown();
  }
  return index;
}

/** The path of the index of a segment. */
export function indexPath(place: LogPlace, segment: SegmentName): string {
  return join(place.folder, indexFileName(segment));
}

function writeIndex(place: LogPlace, segment: ReadableSegment, index: SparseIndex): void {
  const { baseOffset, bytes: segmentBytes } = segment;
  const { salt } = segment.source();
  const bytes = index.encode({ salt, baseOffset, segmentBytes });
  writeHint(place.disk, indexPath(place, segment), bytes);
}
