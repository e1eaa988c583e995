/**
 * How long each of many calls took.
 *
 * @module
 */
import { quantile } from "./stats.ts";

/** Gathers times, and tells how long most calls took and how long the slow ones did. */
export class Latencies {
  readonly #timesMs: number[] = [];

  add(timeMs: number): void {
    this.#timesMs.push(timeMs);
  }

  get count(): number {
    return this.#timesMs.length;
  }

  /** The median, and the time that one call of a hundred takes longer than. */
  figures(): { p50Ms: number; p99Ms: number } {
    const sorted = Float64Array.from(this.#timesMs).sort();
    return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
  }
}
