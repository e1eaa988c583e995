/**
 * Ratios and the ranges that they were once found in.
 *
 * @module
 */
import { quantile } from "../stats.ts";

/** From the least that is usual to the most. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Ranges by runtime and workload. */
export type Ranges = Readonly<Record<string, Readonly<Record<string, Range>>>>;

/** Where a ratio lies. */
export type Verdict = "in range" | "below" | "above" | "no range recorded";

/** How far a range reaches beyond the middle half of what was measured. */
const ALLOWANCE = 1.3;

/** Compares a ratio with its range. */
export function judge(ratio: number, range: Range | undefined): Verdict {
  if (range === undefined) return "no range recorded";
  if (ratio < range.low) return "below";
  return ratio > range.high ? "above" : "in range";
}

/** The range that ratios give: the middle half of them, and an allowance on both sides. */
export function rangeOf(ratios: readonly number[]): Range {
  if (ratios.length === 0) throw new RangeError("There are no ratios");
  const sorted = ratios.toSorted((a, b) => a - b);
  return {
    low: rounded(quantile(sorted, 0.25) / ALLOWANCE),
    high: rounded(quantile(sorted, 0.75) * ALLOWANCE),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
