/**
 * The keys that are set: text that looks random, so that neighbours in time are none in order, and
 * is the same in every run.
 *
 * @module
 */

/** Bytes of a key. */
export const KEY_BYTES = 20;

const PREFIX = "key-";
const OTHER_HALF = 0x5e61_0609;

/** The key of a number in `[0, 2^32)`: no two have the same. */
export function keyOf(number: number): string {
  return PREFIX + digitsOf(mixed(number)) + digitsOf(mixed(number ^ OTHER_HALF));
}

/** The keys of the numbers in `[0, count)`. */
export function makeKeys(count: number): string[] {
  return Array.from({ length: count }, (_, number) => keyOf(number));
}

function digitsOf(half: number): string {
  return half.toString(16).padStart(8, "0");
}

/** Another number for each: the finalizer of MurmurHash3 (Appleby, 2011), which can be undone. */
function mixed(number: number): number {
  let bits = number;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
