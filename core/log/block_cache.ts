/**
 * What was read for single records, kept for the next time.
 *
 * @module
 */
import { type CacheEntry, ClockCache } from "../base/clock_cache.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import { PAGE_BYTES, PAGE_RECORDS_MAX } from "../base/limits.ts";

/** Bytes of the memory of a page: the page, and where each of its records starts. */
export const PAGE_MEMORY_BYTES: number = PAGE_BYTES + 2 * PAGE_RECORDS_MAX;

const PAGES_PER_SLAB = 2;

/** Bounds the memory of what is kept. */
export class BlockCache {
  readonly #clock: ClockCache;
  #slab = EMPTY_BYTES;
  #slabUsed = 0;

  constructor(bytesMax: number) {
    this.#clock = new ClockCache(bytesMax);
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#clock.cost;
  }

  /** Keeps an entry, and evicts others until there is room. */
  add(entry: CacheEntry): void {
    this.#clock.add(entry);
  }

  /** Gives an entry up, if it is kept. */
  drop(entry: CacheEntry): void {
    this.#clock.remove(entry);
    entry.evict();
  }

  /** Memory for a page, cut from memory for several: taking it for each by itself costs more. */
  newPage(): Uint8Array {
    if (this.#slabUsed === this.#slab.length) {
      this.#slab = new Uint8Array(PAGES_PER_SLAB * PAGE_MEMORY_BYTES);
      this.#slabUsed = 0;
    }
    const start = this.#slabUsed;
    this.#slabUsed += PAGE_MEMORY_BYTES;
    return this.#slab.subarray(start, this.#slabUsed);
  }
}
