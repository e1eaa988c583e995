/**
 * Decides what a compaction rewrites: which segments are worth it, and which go together. What it
 * knows of them was found before; nothing is read or written here.
 *
 * @module
 */
import { BATCH_OFFSETS_MAX } from "../base/limits.ts";
import type { SealedEntry } from "./manifest.ts";

/** A sealed segment, with what is known of its garbage. */
export interface WeighedSegment<Segment> {
  /** Whatever stands for it. */
  readonly segment: Segment;
  readonly entry: SealedEntry;
  /** Records that nobody needs any more. */
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
export function planCompaction<Segment>(
  segments: readonly WeighedSegment<Segment>[],
  { garbageRatio, segmentBytes }: CompactionLimits,
): WeighedSegment<Segment>[][] {
  const garbage = sumOf(segments, ({ garbage }) => garbage);
  const records = sumOf(segments, ({ entry }) => entry.records);
  if (garbage === 0 || garbage < garbageRatio * records) return [];
  const runs: Run<Segment>[] = [];
  segments.forEach((segment, i) => {
    const isBeside = [segments[i - 1], segments[i + 1]].some((next) => (next?.garbage ?? 0) > 0);
    const isSmall = segment.entry.bytes < segmentBytes / 2;
    if (segment.garbage === 0 && !(isSmall && isBeside)) return;
    if (runs.at(-1)?.add(segment, segmentBytes)) return;
    runs.push(new Run(segment));
  });
  return runs.filter(({ garbage }) => garbage > 0).map(({ segments }) => segments);
}

/** Segments that are written anew together. */
class Run<Segment> {
  readonly segments: WeighedSegment<Segment>[];
  #keptBytes: number;

  constructor(first: WeighedSegment<Segment>) {
    this.segments = [first];
    this.#keptBytes = keptBytes(first);
  }

  get garbage(): number {
    return sumOf(this.segments, ({ garbage }) => garbage);
  }

  /** Takes a segment in, if it follows on the last one and there is room. */
  add(segment: WeighedSegment<Segment>, segmentBytes: number): boolean {
    const last = this.segments.at(-1)!;
    const isNext = !last.isCut && last.entry.nextOffset === segment.entry.baseOffset;
    const offsets = segment.entry.nextOffset - this.segments[0]!.entry.baseOffset;
    const bytes = this.#keptBytes + keptBytes(segment);
    if (!isNext || bytes > segmentBytes || offsets > BATCH_OFFSETS_MAX) return false;
    this.segments.push(segment);
    this.#keptBytes = bytes;
    return true;
  }
}

/** Bytes, about, that stay of a segment. */
function keptBytes({ entry, garbage }: WeighedSegment<unknown>): number {
  return entry.bytes * Math.max(0, 1 - garbage / entry.records);
}

function sumOf<Item>(items: readonly Item[], amount: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0);
}
