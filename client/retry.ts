/**
 * Trying again, with growing pauses, what may be tried again.
 *
 * @module
 */
import pRetry from "p-retry";
import { SeglogError } from "../core/base/errors.ts";
import { NoAnswer } from "./transport.ts";

/** How often and when to try again. */
export interface RetryPolicy {
  /** Tries after the first. */
  readonly retries: number;
  /** Pause before the second try; it doubles from there, with as much again by chance. */
  readonly pauseMs: number;
  /** Longest pause. */
  readonly pauseMsMax: number;
}

/** What is tried. */
export interface Trying {
  readonly policy: RetryPolicy;
  /** Whether it does no harm when it was done already. */
  readonly isRepeatable: boolean;
  /** Ends the trying at once. */
  readonly signals: readonly AbortSignal[];
  /** Whether it is too late for another try. */
  readonly isOver: () => boolean;
  /** Told of every failure. */
  readonly onFailure?: (error: Error) => void;
  /** Told of a failure after which it is tried again. */
  readonly onRetry: (error: Error) => void;
}

/**
 * Runs until it succeeds, fails for good, or was tried often enough. What the server turned away
 * for now, and what never reached it, is tried again in any case; a request whose answer was lost
 * only when it is repeatable.
 *
 * @throws the last error, or the reason of a signal that was aborted
 */
export async function withRetries<Result>(
  trying: Trying,
  run: () => Promise<Result>,
): Promise<Result> {
  const { policy, signals, onFailure, onRetry } = trying;
  const ending = new AbortController();
  const end = () => ending.abort(signals.find((signal) => signal.aborted)?.reason);
  for (const signal of signals) {
    if (signal.aborted) throw signal.reason;
    signal.addEventListener("abort", end, { once: true });
  }
  try {
    return await pRetry(run, {
      retries: policy.retries,
      minTimeout: policy.pauseMs,
      maxTimeout: policy.pauseMsMax,
      randomize: true,
      signal: ending.signal,
      shouldRetry: ({ error }) => mayTryAgain(error, trying),
      onFailedAttempt: ({ error, retriesLeft }) => {
        onFailure?.(error);
        if (retriesLeft > 0 && mayTryAgain(error, trying)) onRetry(error);
      },
    });
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", end);
  }
}

function mayTryAgain(error: Error, { isRepeatable, isOver }: Trying): boolean {
  if (isOver()) return false;
  if (error instanceof NoAnswer) return isRepeatable || !error.mayHaveArrived;
  // What was waited for in vain is told to whoever said how long to wait.
  return error instanceof SeglogError && error.retryable && error.details.minOffset === undefined;
}
