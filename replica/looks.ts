/**
 * Looking again and again, at a bounded share of the time.
 *
 * @module
 */
import type { Clock } from "../core/base/clock.ts";
import { pause } from "../core/base/pause.ts";

/** How often is looked. */
export interface Pace {
  readonly clock: Clock;
  /** The pause after a look, at the least: where looks take long, it is longer. */
  readonly lookMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** A pause is so many times as long as the look before: thousands of partitions take a while. */
const PAUSES_FOR_A_LOOK = 10;
const PAUSE_MS_MAX = 10_000;

/** Looks until the signal is aborted. One that fails is made again soon; whoever looks tells why. */
export async function lookAgain(
  look: () => Promise<void>,
  { clock, lookMs, signal }: Pace,
): Promise<void> {
  while (!signal.aborted) {
    const startedMs = clock.now();
    const tookMs = await look().then(() => clock.now() - startedMs, () => 0);
    const longMs = Math.min(PAUSE_MS_MAX, PAUSES_FOR_A_LOOK * tookMs);
    await pause(clock, Math.max(lookMs, longMs), [signal]);
  }
}
