/**
 * Tells a subscriber that it lags, and from where, and when it has caught up again. Nothing is
 * dropped for it meanwhile: what it has not read stays in the log, where retention is the only end.
 *
 * A subscriber lags when it is many records behind, or when it left what was sent to it unread for
 * long. Where only some records are wanted, those of one key, the distance says nothing, and only
 * the waiting counts.
 *
 * @module
 */
import type { Clock } from "../../core/base/clock.ts";
import { LAG_REPEAT_MS } from "../limits.ts";

/** How far behind the end a subscriber is. */
export interface LagNote {
  readonly event: "lag" | "caught-up";
  /** The offset that it gets next. */
  readonly from: number;
  /** The offset that the next record of the partition gets, or where the subscription ends. */
  readonly end: number;
  /** The distance between the two. */
  readonly behind: number;
}

/** What a meter works with. */
export interface LagMeterOptions {
  /** Where the subscription would end now, if it were there. */
  readonly end: () => Promise<number>;
  /** Whether all records are wanted, so that the distance counts. */
  readonly countsAll: boolean;
  /** Distance from which on a subscriber lags. */
  readonly lagRecords: number;
  /** Time to leave something unread, from which on it lags. */
  readonly lagMs: number;
  readonly clock: Clock;
}

/** How much of the distance at which it lagged may be left for it to count as caught up. */
const CAUGHT_UP_PART = 0.1;

/** Watches one subscriber. */
export class LagMeter {
  readonly #options: LagMeterOptions;
  #isLagging = false;
  #toldMs = 0;
  /** The distance from the end at which it has caught up. */
  #near = 0;

  constructor(options: LagMeterOptions) {
    this.#options = options;
  }

  /** Whether the subscriber was told that it lags, and not yet that it has caught up. */
  get isLagging(): boolean {
    return this.#isLagging;
  }

  /**
   * Looks at where the subscriber is.
   *
   * @param from the offset that it gets next
   * @param unreadMs how long it left unread what it was sent last
   * @returns what to tell it, if there is news; that it still lags, every few seconds
   */
  async look(from: number, unreadMs = 0): Promise<LagNote | undefined> {
    const { countsAll, lagRecords, lagMs, clock } = this.#options;
    const end = await this.#options.end();
    const behind = Math.max(0, end - from);
    const isFar = countsAll && behind >= lagRecords;
    const isSlow = unreadMs >= lagMs && behind > 0;
    const nowMs = clock.now();
    if (isFar || isSlow) {
      if (this.#isLagging && nowMs - this.#toldMs < LAG_REPEAT_MS) return undefined;
      this.#isLagging = true;
      this.#near = Math.min(lagRecords, behind) * CAUGHT_UP_PART;
      this.#toldMs = nowMs;
      return { event: "lag", from, end, behind };
    }
    if (!this.#isLagging || (countsAll && behind > this.#near)) return undefined;
    this.#isLagging = false;
    return { event: "caught-up", from, end, behind };
  }
}
