/**
 * Looks after what is kept from time to time.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import { MAINTENANCE_INTERVAL_MS } from "./limits.ts";

/** Calls `maintain` again and again, never two at a time, until it is stopped. */
export class Maintenance {
  readonly #clock: Clock;
  readonly #maintain: () => Promise<void>;
  #cancel: () => void = () => {};
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(clock: Clock, maintain: () => Promise<void>) {
    this.#clock = clock;
    this.#maintain = maintain;
    this.#schedule();
  }

  /** Resolves when nothing runs and nothing will. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#running;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#clock.after(MAINTENANCE_INTERVAL_MS, () => {
      this.#running = this.#maintain().catch(() => {}).then(() => this.#schedule());
    });
  }
}
