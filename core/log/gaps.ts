/**
 * Ranges of offsets that hold no records, kept in the manifest: those that were taken away, and
 * those that were lost.
 *
 * @module
 */

import type { GapReason } from "../format/gap_reason.ts";

/** Offsets `[start, end)` that hold no records any more, or cannot be read any more. */
export interface Gap {
  readonly start: number;
  readonly end: number;
}

/** Offsets that a log passes over since the one that it follows has no records there. */
export interface Skip extends Gap {
  readonly reason: GapReason;
}

/** Offsets from `start` on; `end` is `undefined` where nothing tells it. */
export interface OpenGap {
  readonly start: number;
  readonly end: number | undefined;
}

/** The first offset at or after `offset` that is in no gap. Gaps are in rising order. */
export function skipGaps(gaps: readonly Gap[], offset: number): number {
  let next = offset;
  for (const gap of gaps) {
    if (next >= gap.start && next < gap.end) next = gap.end;
  }
  return next;
}

/** The end of the range that starts at `offset`, which is in no gap, and holds none of a gap. */
export function untilGap(gaps: readonly Gap[], offset: number): number {
  for (const gap of gaps) if (gap.start > offset) return gap.start;
  return Infinity;
}

/** The start of the range without gaps that holds `offset`. */
export function sinceGap(gaps: readonly Gap[], offset: number): number {
  return gaps.findLast((gap) => gap.end <= offset)?.end ?? 0;
}

/** The gaps with one more, in rising order, none touching another. */
export function addGap(gaps: readonly Gap[], added: Gap): Gap[] {
  const merged: Gap[] = [];
  for (const gap of [...gaps, added].toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && gap.start <= last.end) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, gap.end) };
    } else merged.push(gap);
  }
  return merged;
}

/** All of both, in rising order. */
export function joinGaps(gaps: readonly Gap[], others: readonly Gap[]): readonly Gap[] {
  return others.reduce<readonly Gap[]>(addGap, gaps);
}

/** The parts of `range` that are in none of the gaps, in rising order. */
export function outsideGaps(range: Gap, gaps: readonly Gap[]): Gap[] {
  const outside: Gap[] = [];
  let { start } = range;
  for (const gap of [...gaps, { start: range.end, end: range.end }]) {
    const end = Math.min(gap.start, range.end);
    if (end > start) outside.push({ start, end });
    start = Math.max(start, gap.end);
  }
  return outside;
}

/** The parts of some ranges whose records were neither removed nor given up, in rising order. */
export function missedOffsets(
  ranges: readonly OpenGap[],
  log: {
    readonly logStartOffset: number;
    readonly gaps: readonly Gap[];
    readonly lost: readonly Gap[];
  },
): OpenGap[] {
  const known = joinGaps(log.gaps, log.lost);
  let missed: Gap[] = [];
  const open: OpenGap[] = [];
  for (const range of ranges) {
    const { end } = range;
    const start = Math.max(range.start, log.logStartOffset);
    if (end === undefined) open.push({ start, end });
    else if (end > start) missed = outsideGaps({ start, end }, known).reduce(addGap, missed);
  }
  return [...missed, ...open];
}

/** The gap that holds `offset`. */
export function gapAt(gaps: readonly Gap[], offset: number): Gap | undefined {
  return gaps.find((gap) => offset >= gap.start && offset < gap.end);
}

/** The gaps that still matter when `logStartOffset` is the first readable offset. */
export function gapsFrom(gaps: readonly Gap[], logStartOffset: number): Gap[] {
  return gaps.filter((gap) => gap.end > logStartOffset);
}

/** The offset of the first of the last `count` records before `end`; 0 when there are fewer. */
export function lastRecordsStart(gaps: readonly Gap[], end: number, count: number): number {
  let upper = end;
  let wanted = count;
  for (const gap of gaps.toReversed()) {
    if (wanted <= upper - gap.end) break;
    wanted -= upper - gap.end;
    upper = gap.start;
  }
  return Math.max(0, upper - wanted);
}
