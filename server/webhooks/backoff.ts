/**
 * How long to wait before a delivery is tried again: twice as long after each failure, and not at the
 * same time for all, so that a receiver that comes back is not run over.
 *
 * @module
 */
import type { Clock } from "../../core/base/clock.ts";
import {
  WEBHOOK_DELAY_MS_MAX,
  WEBHOOK_DELAY_MS_MIN,
  WEBHOOK_RETRY_AFTER_MS_MAX,
} from "../limits.ts";

/**
 * The time to wait after a failure.
 *
 * @param failures how many there were in a row
 * @param random a number in [0, 1)
 */
export function delayAfter(failures: number, random: number): number {
  const full = Math.min(WEBHOOK_DELAY_MS_MAX, WEBHOOK_DELAY_MS_MIN * 2 ** (failures - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

/**
 * What a header `Retry-After` asks for, in seconds or as a date: at most a day. `undefined` where
 * it asks for nothing.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), WEBHOOK_RETRY_AFTER_MS_MAX);
}

/** Resolves after `ms`, or when `signal` is aborted. */
export function waited(ms: number, { clock, signal }: {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done, { once: true });
  });
}
