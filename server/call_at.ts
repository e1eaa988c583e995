/**
 * Timers for a time that may be further away than a timer can be set to.
 *
 * @module
 */
import type { Clock } from "../core/base/clock.ts";
import { TIMER_MS_MAX } from "./limits.ts";

/** Calls `run` once when it is `atMs`, at once where that is over; the returned function cancels. */
export function callAt(clock: Clock, atMs: number, run: () => void): () => void {
  let cancel = () => {};
  const wait = () => {
    const restMs = atMs - clock.now();
    if (restMs <= 0) return run();
    cancel = clock.after(Math.min(restMs, TIMER_MS_MAX), wait);
  };
  wait();
  return () => cancel();
}
