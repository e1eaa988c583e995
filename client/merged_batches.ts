/**
 * Batches of several sources as they come: of each source one is read ahead.
 *
 * @module
 */
import type { BatchView } from "../core/format/batch.ts";

/** Something that brings batches, such as a partition that is read. */
export interface Source<Place> {
  /** What it is a source of. */
  readonly place: Place;
  readonly batches: AsyncIterator<BatchView>;
}

/** What came of a source: a batch, or an error. */
export interface Arrival<Place> {
  readonly source: Source<Place>;
  readonly batch?: BatchView;
  readonly error?: unknown;
}

/** Sources that come and go, and what they bring. */
export class MergedBatches<Place> {
  readonly #sources = new Set<Source<Place>>();
  /** At most one for each source. */
  readonly #arrivals: Arrival<Place>[] = [];
  /** Those who wait for something to come. */
  #waiting: (() => void)[] = [];

  /** Whether no source brings anything any more, and all was taken. */
  get isEmpty(): boolean {
    return this.#sources.size === 0 && this.#arrivals.length === 0;
  }

  /** One source more, which begins to read at once. */
  add(place: Place, batches: AsyncIterator<BatchView>): Source<Place> {
    const source = { place, batches };
    this.#sources.add(source);
    this.readOn(source);
    return source;
  }

  /** Ends a source, and forgets what it has brought. @returns when nothing of it is left */
  async drop(source: Source<Place>): Promise<void> {
    this.#sources.delete(source);
    const at = this.#arrivals.findIndex((arrival) => arrival.source === source);
    if (at >= 0) this.#arrivals.splice(at, 1);
    await source.batches.return?.();
  }

  /** Reads the next batch of a source whose last one was taken. */
  readOn(source: Source<Place>): void {
    source.batches.next().then(
      ({ done, value }) => {
        if (done) this.#sources.delete(source);
        else this.#arrive({ source, batch: value });
      },
      (error) => this.#arrive({ source, error }),
    ).then(() => this.wake());
  }

  /** What came first; `undefined` when nothing is there. */
  take(): Arrival<Place> | undefined {
    return this.#arrivals.shift();
  }

  /** Resolves when something may be there, or is to be looked at. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Wakes all who wait. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Forgets what was brought. */
  clear(): void {
    this.#arrivals.length = 0;
  }

  /** Ends all sources. @returns when nothing of them is left */
  async close(): Promise<void> {
    await Promise.all([...this.#sources].map(({ batches }) => batches.return?.()));
  }

  #arrive(arrival: Arrival<Place>): void {
    if (this.#sources.has(arrival.source)) this.#arrivals.push(arrival);
  }
}
