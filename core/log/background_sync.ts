/**
 * Syncs that start by themselves within an interval, one after another.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";

/** The syncs of one log that nobody waits for. */
export class BackgroundSync {
  readonly #clock: Clock;
  readonly #sync: () => Promise<void>;
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;

  /** @param sync does not fail: what goes wrong is noted elsewhere */
  constructor(clock: Clock, sync: () => Promise<void>) {
    this.#clock = clock;
    this.#sync = sync;
  }

  /** Sees to it that a sync starts within the interval. */
  startWithin(intervalMs: number): void {
    const dueMs = this.#clock.now() + intervalMs;
    if (this.#timer !== undefined && this.#timer.dueMs <= dueMs) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(intervalMs, () => {
      this.#timer = undefined;
      this.#running = this.#running.then(this.#sync);
    });
    this.#timer = { dueMs, cancel };
  }

  /** Starts a sync at once, unless one that was started so is still under way. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#running.then(this.#sync).then(() => {
      this.#isRunning = false;
    });
  }

  /** Resolves when none is under way, and none will start. */
  async end(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#running;
  }
}
