/**
 * How many deliveries are under way at once: those that come later wait for their turn, so that a few
 * slow receivers take neither all memory nor all connections.
 *
 * @module
 */

/** A number of places, given out in the order in which they are asked for. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs something in a place. */
  async run<Result>(use: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await use();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
