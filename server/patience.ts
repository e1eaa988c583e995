/**
 * Waiting that ends by time, by the client going away, or by the server stopping.
 *
 * @module
 */
import { type Clock, wakefulClock } from "../core/base/clock.ts";

/** A signal that is aborted when any of its causes comes. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Lets go of the causes, of which some live as long as the server. */
  release(): void;
}

/**
 * @param causes each of them ends the waiting
 * @param ms ends it as well; not given is without limit
 */
export function patience(causes: readonly AbortSignal[], ms?: number): Patience {
  const controller = new AbortController();
  const end = () => controller.abort();
  const timer = ms === undefined ? undefined : setTimeout(end, ms);
  for (const cause of causes) {
    if (cause.aborted) end();
    else cause.addEventListener("abort", end, { once: true });
  }
  return {
    signal: controller.signal,
    release() {
      clearTimeout(timer);
      for (const cause of causes) cause.removeEventListener("abort", end);
    },
  };
}

/** Settles as `promise` does, or to `undefined` after `ms`. */
export function settledWithin<Result>(
  promise: Promise<Result>,
  ms: number,
  clock: Clock = wakefulClock,
): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(undefined));
    promise.then(resolve, reject).finally(cancel);
  });
}
