/**
 * Decides what a compaction rewrites: which segments are worth it, and which go together. What it
 * knows of them was found before; nothing is read or written here.
 *
 * @module
 */
import { BATCH_OFFSETS_MAX } from "../base/limits.ts";
import type { SealedEntry } from "./manifest.ts";

/** A sealed segment, with what is known of its garbage. */
export interface WeighedSegment {
  readonly entry: SealedEntry;
  /** Records, about, that nobody needs any more. */
  readonly garbage: number;
  /** Whether a truncation took its end: no batch may reach over what is gone. */
  readonly isCut: boolean;
}

/** How much garbage makes a compaction worth it, and how large its segments get. */
export interface CompactionLimits {
  /** Share of all records, 0 to 1, from which on anything is done. */
  readonly garbageRatio: number;
  readonly segmentBytes: number;
}

/**
 * Runs of segments, each to be written as one or more new ones, in rising order.
 *
 * A segment without garbage is rewritten only when it is small and next to one that is rewritten, so
 * that small ones do not add up. A run holds about as much as fills a segment: what a run needs on disk
 * beside the log is bounded by that.
 */
export function planCompaction(
  segments: readonly WeighedSegment[],
  { garbageRatio, segmentBytes }: CompactionLimits,
): WeighedSegment[][] {
  const garbage = sumOf(segments, ({ garbage }) => garbage);
  const records = sumOf(segments, ({ entry }) => entry.records);
  if (garbage === 0 || garbage < garbageRatio * records) return [];
  const isSmall = ({ entry }: WeighedSegment) => entry.bytes < segmentBytes / 2;
  const isChosen = segments.map((segment, i) =>
    segment.garbage > 0 ||
    (isSmall(segment) &&
      [segments[i - 1], segments[i + 1]].some((next) => (next?.garbage ?? 0) > 0))
  );
  const runs: WeighedSegment[][] = [];
  let bytes = Infinity;
  segments.forEach((segment, i) => {
    if (!isChosen[i]) return;
    const last = runs.at(-1)?.at(-1);
    const isNext = last !== undefined && !last.isCut &&
      last.entry.nextOffset === segment.entry.baseOffset;
    const kept = keptBytes(segment);
    const offsets = segment.entry.nextOffset - (runs.at(-1)?.[0]?.entry.baseOffset ?? 0);
    const hasRoom = bytes + kept <= segmentBytes && offsets <= BATCH_OFFSETS_MAX;
    if (isNext && hasRoom) runs.at(-1)!.push(segment);
    else {
      runs.push([segment]);
      bytes = 0;
    }
    bytes += kept;
  });
  return runs.filter((run) => sumOf(run, ({ garbage }) => garbage) > 0);
}

/** Bytes, about, that stay of a segment. */
function keptBytes({ entry, garbage }: WeighedSegment): number {
  return entry.bytes * Math.max(0, 1 - garbage / entry.records);
}

function sumOf<Item>(items: readonly Item[], amount: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0);
}
