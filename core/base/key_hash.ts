/**
 * Hashes of keys that nobody can choose to be the same: by tables of random numbers (Zobrist, 1970;
 * Pătraşcu and Thorup, "The Power of Simple Tabulation Hashing", 2012). A checksum will not do: which
 * keys have the same CRC-32 does not depend on where it starts.
 *
 * @module
 */
import { mix32 } from "./mix.ts";

/** Bytes of a key that have tables of their own; then the tables are used again. */
const POSITIONS = 16;

/** The hash of one table. */
export class KeyHash {
  readonly seed: number;
  readonly #numbers = new Uint32Array(POSITIONS * 256);

  /** @param seed 32 bits that nobody else knows; the same seed gives the same hashes */
  constructor(seed: number) {
    this.seed = seed;
    let state = seed >>> 0;
    for (let i = 0; i < this.#numbers.length; i++) {
      state = (state + 0x9e3779b9) >>> 0;
      this.#numbers[i] = mix32(state);
    }
  }

  /** 32 bits. */
  of(key: Uint8Array): number {
    const numbers = this.#numbers;
    let hash = key.length;
    for (let i = 0; i < key.length; i++) {
      if ((i & (POSITIONS - 1)) === 0 && i > 0) hash = mix32(hash);
      hash ^= numbers[((i & (POSITIONS - 1)) << 8) | key[i]!]!;
    }
    return hash >>> 0;
  }
}
