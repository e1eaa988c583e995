/**
 * Numbers that look random and are the same again for the same seed: mulberry32, by Tommy Ettinger,
 * which is enough to choose test cases by.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number in `[0, bound)`. */
  below(bound: number): number {
    return Math.floor(this.#next() * bound);
  }

  /** Whether a case of this probability comes about. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  /** One of the items, of which there is one at least. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** `length` bytes. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** The seed of a sequence of its own. */
  fork(): number {
    return this.below(2 ** 32);
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
