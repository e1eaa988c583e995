/**
 * Waiting that can be ended.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/** Resolves after a time, or when one of the signals is aborted. */
export function pause(
  clock: Clock,
  ms: number,
  signals: readonly (AbortSignal | undefined)[] = [],
): Promise<void> {
  if (signals.some((signal) => signal?.aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      for (const signal of signals) signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(Math.max(0, ms), end);
    for (const signal of signals) signal?.addEventListener("abort", end, { once: true });
  });
}

/** What a promise resolves to; `undefined` when the signal comes first. */
export function unlessAborted<Type>(
  running: Promise<Type>,
  signal: AbortSignal,
): Promise<Type | undefined> {
  const ended = Promise.withResolvers<undefined>();
  const end = () => ended.resolve(undefined);
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  return Promise.race([running, ended.promise])
    .finally(() => signal.removeEventListener("abort", end));
}
