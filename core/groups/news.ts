/**
 * Waiting for something to change, for a time.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";

/** How long to wait. */
export interface NewsWait {
  readonly clock: Clock;
  readonly waitMs: number;
  /** Each of them ends it. */
  readonly signals: readonly AbortSignal[];
}

/** Tells all who wait that something has changed. */
export class News {
  readonly #waiting = new Set<() => void>();
  #issue = 0;

  /** Rises with every change. */
  get issue(): number {
    return this.#issue;
  }

  /** Something has changed. */
  tell(): void {
    this.#issue++;
    for (const end of this.#waiting) end();
  }

  /** Waits for a change after the one that was seen, until the time is over or a signal comes. */
  wait(seen: number, { clock, waitMs, signals }: NewsWait): Promise<void> {
    if (this.#issue > seen || signals.some(({ aborted }) => aborted)) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#waiting.delete(end);
        for (const signal of signals) signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = clock.after(waitMs, end);
      this.#waiting.add(end);
      for (const signal of signals) signal.addEventListener("abort", end, { once: true });
    });
  }
}
