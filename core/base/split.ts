/**
 * Splits a list in two.
 *
 * @module
 */

/** The items for which `isFirst` holds, and the others, each in the order in which they were. */
export function split<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const first: T[] = [];
  const second: T[] = [];
  for (const item of items) (isFirst(item) ? first : second).push(item);
  return [first, second];
}
