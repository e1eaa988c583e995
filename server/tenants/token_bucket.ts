/**
 * How much of something may be had a second: a token bucket, which holds what one second brings.
 *
 * Whatever is taken is had at once, however much it is; what it took too much has to come back
 * before there is any more. So one thing that is larger than the bucket is not refused for ever.
 *
 * @module
 */
import type { Clock } from "../../core/base/clock.ts";

const SECOND_MS = 1000;

/** Counts down what there is. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #ratePerSecond: () => number | undefined;
  #level = Infinity;
  #filledAtMs: number;

  /** @param ratePerSecond looked at each time: it may be set anew; `undefined` is without limit */
  constructor(clock: Clock, ratePerSecond: () => number | undefined) {
    this.#clock = clock;
    this.#ratePerSecond = ratePerSecond;
    this.#filledAtMs = clock.now();
  }

  /** Milliseconds until there is any; 0 when there is. */
  waitMs(): number {
    const rate = this.#ratePerSecond();
    if (rate === undefined) return 0;
    const now = this.#clock.now();
    // A clock that was set back brings nothing, and takes nothing away.
    const passedMs = Math.max(0, now - this.#filledAtMs);
    this.#filledAtMs = now;
    this.#level = Math.min(rate, this.#level + rate * passedMs / SECOND_MS);
    if (this.#level > 0) return 0;
    return Math.max(1, Math.ceil((1 - this.#level) / rate * SECOND_MS));
  }

  /** Takes some, whether there is any or not. */
  take(amount: number): void {
    if (this.#ratePerSecond() === undefined) return;
    this.waitMs();
    this.#level -= amount;
  }

  /** Gives some back that was not used. */
  give(amount: number): void {
    this.#level += amount;
  }
}
