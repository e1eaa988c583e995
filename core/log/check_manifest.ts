/**
 * Checks a manifest whose checksum is right: everything that the log relies on has to be true of it,
 * or it is not believed.
 *
 * @module
 */
import { list, members, orAbsent, orNull, type Shape, text, whole } from "../base/shape.ts";
import { GENERATION_MAX, SEGMENT_BYTES_MAX, TIMESTAMP_MS_MAX } from "../base/limits.ts";
import { EPOCH_MAX } from "../format/batch_header.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { Gap } from "./gaps.ts";
import type { Manifest, SealedEntry } from "./manifest.ts";
import type { ProducedRange } from "../format/producer_state.ts";

const POSITION = whole(SEGMENT_HEADER_BYTES, 2 * SEGMENT_BYTES_MAX);
const RANGE = { start: whole(0), end: whole(1) };

const MANIFEST: Shape = members({
  logId: text(/^[0-9a-f]{32}$/),
  epoch: whole(0, EPOCH_MAX),
  logStartOffset: whole(0),
  sealed: list(members({
    baseOffset: whole(0),
    generation: whole(0, GENERATION_MAX),
    nextOffset: whole(1),
    records: whole(1),
    bytes: POSITION,
    maxTimestampMs: whole(0, TIMESTAMP_MS_MAX),
  })),
  activeBaseOffset: whole(0),
  gaps: list(members(RANGE)),
  lost: list(members(RANGE)),
  compactedTo: whole(0),
  cleanTo: whole(0),
  truncations: whole(0),
  producers: list(members({
    id: text(/^[^]+$/),
    epoch: whole(0),
    recent: list(members({ sequence: whole(0), ...RANGE })),
  })),
  clean: orNull(members({
    nextOffset: whole(0),
    bytes: POSITION,
    records: orAbsent(whole(0)),
  })),
});

/** In words, the first thing that cannot be true of a manifest; `undefined` when all of it can. */
export function complaintAboutManifest(body: unknown): string | undefined {
  return MANIFEST(body, "its body") ?? contradiction(body as Manifest);
}

/** Members that do not fit together. Members that this version does not know are left alone. */
function contradiction(manifest: Manifest): string | undefined {
  const { sealed, activeBaseOffset, logStartOffset, gaps, lost, producers, clean } = manifest;
  const segments = sealed.map(({ baseOffset, nextOffset }) => ({
    start: baseOffset,
    end: nextOffset,
  }));
  if (manifest.cleanTo > activeBaseOffset) return "it was compacted past its end";
  if (!isRising(segments, activeBaseOffset)) return "its segments are not in rising order";
  if (!sealed.every(hasRoom)) return "a segment has more records than offsets";
  if (!isRising(gaps, activeBaseOffset)) return "its gaps are not in rising order";
  if (!isRising(lost, activeBaseOffset)) return "its lost offsets are not in rising order";
  if (!producers.every(({ recent }) => isHistory(recent))) return "a producer has no history";
  if (clean === null) return undefined;
  const isEmpty = clean.bytes === SEGMENT_HEADER_BYTES;
  const isEnd = isEmpty
    ? clean.nextOffset === activeBaseOffset
    : clean.nextOffset > activeBaseOffset;
  const isRoomy = (clean.records ?? 0) <= clean.nextOffset - activeBaseOffset;
  if (!isRoomy) return "its end has more records than offsets";
  return isEnd && logStartOffset <= clean.nextOffset ? undefined : "it ends where it cannot end";
}

function hasRoom({ baseOffset, nextOffset, records }: SealedEntry): boolean {
  return records <= nextOffset - baseOffset;
}

/** Whether ranges have offsets, follow one another, and end at or before `end`. */
function isRising(ranges: readonly Gap[], end: number): boolean {
  return ranges.every((range, i) =>
    range.start < range.end && range.end <= (ranges[i + 1]?.start ?? end)
  );
}

function isHistory(recent: readonly ProducedRange[]): boolean {
  return recent.length > 0 &&
    recent.every(({ sequence, start, end }, i) =>
      start < end && (i === 0 || sequence > recent[i - 1]!.sequence)
    );
}
