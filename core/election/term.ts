/**
 * The time for which somebody holds a duty, by his own clock.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";

/** Ends by itself unless it is renewed. */
export class Term {
  readonly #clock: Clock;
  readonly #ending = new AbortController();
  #until: number;
  #cancel: () => void = () => {};

  constructor(clock: Clock, until: number) {
    this.#clock = clock;
    this.#until = until;
    this.renew(until);
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Whether it is over. A process that stood still may learn of it here first. */
  get isOver(): boolean {
    if (this.#clock.now() >= this.#until) this.end();
    return this.signal.aborted;
  }

  /** It lasts longer; one that is over stays so. */
  renew(until: number): void {
    if (this.signal.aborted) return;
    this.#until = until;
    this.#cancel();
    this.#cancel = this.#clock.after(until - this.#clock.now(), () => this.end());
  }

  /** Ends it now. */
  end(): void {
    this.#cancel();
    this.#ending.abort();
  }
}
