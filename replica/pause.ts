/**
 * Waits by a clock that a test may own.
 *
 * @module
 */
import type { Clock } from "../core/base/clock.ts";

/** Resolves after `ms`, or when one of the signals is aborted. */
export function pause(clock: Clock, ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    if (signals.some((signal) => signal.aborted)) return resolve();
    const end = () => {
      cancel();
      for (const signal of signals) signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    for (const signal of signals) signal.addEventListener("abort", end, { once: true });
  });
}
