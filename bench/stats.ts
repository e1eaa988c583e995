/**
 * What a few samples say.
 *
 * @module
 */

/** The middle of some samples and how far they spread. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Sums up samples, of which there is one at least. */
export function summarise(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError("There are no samples");
  const sorted = samples.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: sorted[0]!, max: sorted[sorted.length - 1]! };
}

/** The value below which a share of the sorted samples lies, between two of them where need be. */
export function quantile(sorted: readonly number[] | Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * How many times `ours` is `theirs`, round by round, since two that ran side by side had the same
 * share of the machine. Rounds that one of them has not are left out.
 */
export function pairedRatios(
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
): number[] {
  return ours.flatMap((value, round) => {
    const other = theirs[round];
    return value === undefined || other === undefined || other === 0 ? [] : [value / other];
  });
}
