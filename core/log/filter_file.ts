/**
 * The filter beside a sealed segment. As the index it is a hint: written without a sync, believed only
 * when it belongs to that very segment, and where there is none the segment is read.
 *
 * @module
 */
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import { endOfTurn } from "../base/turn.ts";
import { writeHint } from "../disk/files.ts";
import { BatchView } from "../format/batch.ts";
import { filterFileName, type SegmentName } from "../format/file_names.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { KeyFilter, KeyFilterBuilder } from "./key_filter.ts";
import type { LogPlace, ReadableSegment } from "./segment_file.ts";
import { SegmentWalk } from "./segment_walk.ts";

const BYTES_PER_TURN = 1024 * 1024;

/** Asks the filter of a sealed segment; `undefined` when there is none to be believed. */
export function withFilter<Answer>(
  place: LogPlace,
  segment: ReadableSegment,
  ask: (filter: KeyFilter) => Answer,
): Answer | undefined {
  const path = filterPath(place, segment);
  try {
    if (place.disk.sizeOf(path) === undefined) return undefined;
    const file = place.disk.open(path, "read");
    try {
      const filter = KeyFilter.open(file, bindingOf(segment));
      return filter === undefined ? undefined : ask(filter);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof SeglogError) return undefined; // whoever reads the segment hears of it
    throw error;
  }
}

/** Whether a sealed segment has a filter, be it right or not. */
export function hasFilter(place: LogPlace, segment: SegmentName): boolean {
  return place.disk.sizeOf(filterPath(place, segment)) !== undefined;
}

/**
 * Reads a sealed segment and writes its filter, if that is possible: one that is damaged gets none.
 *
 * @param isWanted asked between turns: whether to go on
 */
export async function buildFilter(
  place: LogPlace,
  segment: ReadableSegment,
  isWanted: () => boolean,
): Promise<void> {
  try {
    const builder = new KeyFilterBuilder();
    const start = { position: SEGMENT_HEADER_BYTES, offset: segment.baseOffset };
    const walk = new SegmentWalk(segment.source(), segment, start);
    let bytes = 0;
    for (const found of walk) {
      if (!(found instanceof BatchView) || !found.isIntact()) return;
      for (const { key } of found.records()) if (key !== null) builder.add(key);
      bytes += found.bytes.length;
      if (bytes < BYTES_PER_TURN) continue;
      bytes = 0;
      await endOfTurn();
      if (!isWanted()) return;
    }
    await endOfTurn();
    if (isWanted()) saveFilter(place, segment, builder);
  } catch (error) {
    if (!(error instanceof SeglogError)) throw error;
  }
}

/** Writes the filter of a segment whose keys a builder has, if that is possible. */
export function saveFilter(
  place: LogPlace,
  segment: ReadableSegment,
  builder: KeyFilterBuilder,
): void {
  try {
    writeHint(place.disk, filterPath(place, segment), builder.encode(bindingOf(segment)));
  } catch (error) {
    if (!(error instanceof SeglogError)) throw error;
  }
}

function bindingOf(segment: ReadableSegment) {
  const { baseOffset, bytes: segmentBytes } = segment;
  return { salt: segment.source().salt, baseOffset, segmentBytes };
}

function filterPath(place: LogPlace, segment: SegmentName): string {
  return join(place.folder, filterFileName(segment));
}
