/**
 * Time as a collaborator, so that a test can own it.
 *
 * @module
 */

/** What the log asks of time. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z. */
  now(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels. */
  after(delayMs: number, run: () => void): () => void;
}

/** The clock of the machine. What waits for it never keeps a process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    unref(timer);
    return () => clearTimeout(timer);
  },
};

/** The same clock for work that has to be done: a process that waits for it stays alive. */
export const wakefulClock: Clock = {
  now: systemClock.now,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A clock for durations only: its time counts from some moment, never jumps, and is no date. */
export const steadyClock: Clock = { now: () => performance.now(), after: systemClock.after };

/** Resolves after `delayMs`, or at once when `signal` is aborted. It never rejects. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal?.addEventListener("abort", done, { once: true });
  });
}

function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
