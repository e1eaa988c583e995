/**
 * Binary search.
 *
 * @module
 */

/** The last of `count` ordered entries for which `holds`; -1 when it holds for none. */
export function lastIndexWhere(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
