/**
 * Spreads what is known of a number over all its bits.
 *
 * @module
 */

/** The finalizer of MurmurHash3 (Appleby): every bit of 32 reaches every bit of the result. */
export function mix32(number: number): number {
  let mixed = number ^ (number >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
