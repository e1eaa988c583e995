/**
 * The values that are written: printable text that looks random and is the same in every run, so
 * that no two are alike and nothing compresses them away.
 *
 * @module
 */

/** Bytes of a value, unless a workload says otherwise. */
export const VALUE_BYTES = 128;
/** Values that are made; a longer run uses them in turn. They are more than a processor caches. */
export const DISTINCT_VALUES = 100_000;
/** Records of a batch in a log that is filled to be read. */
export const FILLED_BATCH = 1000;

const SEED = 0x5e61_0609;

/** Whole numbers in `[0, 2^32)` by xorshift32 (Marsaglia, 2003). */
export function randomNumbers(seed: number = SEED): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** `count` values of {@linkcode VALUE_BYTES}, views of one buffer. */
export function makeValues(count: number = DISTINCT_VALUES): Uint8Array[] {
  const next = randomNumbers();
  const bytes = new Uint8Array(count * VALUE_BYTES);
  const words = new Uint32Array(bytes.buffer);
  // Each byte becomes one of 64 printable characters, from "0" on.
  for (let i = 0; i < words.length; i++) words[i] = (next() & 0x3f3f3f3f) + 0x30303030;
  return Array.from(
    { length: count },
    (_, i) => bytes.subarray(i * VALUE_BYTES, (i + 1) * VALUE_BYTES),
  );
}

/** Cuts values into batches of `size`; what does not fill one is left out. */
export function batchesOf(values: readonly Uint8Array[], size: number): Uint8Array[][] {
  const count = Math.floor(values.length / size);
  return Array.from({ length: count }, (_, i) => values.slice(i * size, (i + 1) * size));
}

/** Draws `count` places in `[0, bound)` each time, none more likely than another, into one array. */
export function randomPlaces(count: number, bound: number): () => Uint32Array {
  const next = randomNumbers();
  const places = new Uint32Array(count);
  return () => {
    for (let i = 0; i < count; i++) places[i] = next() % bound;
    return places;
  };
}
