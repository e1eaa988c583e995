/**
 * Bounds what is kept only because it may be used again, such as open files and blocks of memory.
 *
 * Generalized CLOCK (Smith, "Sequentiality and Prefetching in Database Systems", 1978, after
 * Corbató's of 1968): a hand goes round, and what was used since it last came by gets another chance,
 * or several when it is costly to have again. A use costs one assignment, where the order of a
 * least-recently-used list would have to be changed.
 *
 * @module
 */

/** Something that a {@linkcode ClockCache} may give up. */
export abstract class CacheEntry {
  /** How much of the bound it takes; it does not change. */
  abstract readonly cost: number;
  /** Rounds for which it stays once it was used again: more when it is costly to have anew. */
  readonly worth: number = 1;
  /** Rounds for which it still stays. */
  chances = 0;
  /** Its place on the clock, or -1 when it is not there: the cache's own. */
  slot = -1;
  /** Gives up what it holds. It is not in the cache then, and may be added again. */
  abstract evict(): void;

  /** Notes a use after the first. */
  wasUsed(): void {
    this.chances = this.worth;
  }
}

/** Entries that cost at most `costMax` together. */
export class ClockCache {
  readonly #costMax: number;
  readonly #entries: CacheEntry[] = [];
  #hand = 0;
  #cost = 0;

  constructor(costMax: number) {
    this.#costMax = costMax;
  }

  /** What the entries cost now. */
  get cost(): number {
    return this.#cost;
  }

  /** Takes an entry in, and evicts others until there is room; alone, it may pass the bound. */
  add(entry: CacheEntry): void {
    while (this.#cost + entry.cost > this.#costMax && this.#entries.length > 0) this.#evictOne();
    entry.slot = this.#entries.length;
    this.#entries.push(entry);
    this.#cost += entry.cost;
  }

  /** Forgets an entry without evicting it; nothing happens when it is not there. */
  remove(entry: CacheEntry): void {
    if (entry.slot < 0) return;
    const last = this.#entries.pop()!;
    if (last !== entry) {
      this.#entries[entry.slot] = last;
      last.slot = entry.slot;
    }
    entry.slot = -1;
    this.#cost -= entry.cost;
  }

  /** Gives an entry up, whether it is there or not. */
  drop(entry: CacheEntry): void {
    this.remove(entry);
    entry.evict();
  }

  #evictOne(): void {
    for (;;) {
      if (this.#hand >= this.#entries.length) this.#hand = 0;
      const entry = this.#entries[this.#hand]!;
      this.#hand++;
      if (entry.chances === 0) {
        return this.drop(entry);
      }
      entry.chances--;
    }
  }
}
