/**
 * The time that something has: it ends when that is over, or when nobody waits for it any more.
 *
 * @module
 */
import type { Clock } from "../../core/base/clock.ts";

/** A limit of time over other reasons to end. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #clock: Clock;
  readonly #leave = () => this.#controller.abort(this.#outer.reason);
  #cancel = () => {};
  #isOver = false;

  /** @param outer ends it as well */
  constructor(outer: AbortSignal, clock: Clock) {
    this.#outer = outer;
    this.#clock = clock;
    if (outer.aborted) this.#leave();
    else outer.addEventListener("abort", this.#leave, { once: true });
  }

  /** Aborted when the time is over, or the outer reason comes. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time is over. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Gives it so much time from now on. */
  set(ms: number): void {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, () => {
      this.#isOver = true;
      this.#controller.abort(new Error("the time is over"));
    });
  }

  /** Gives it all the time there is, until it is set again. */
  unset(): void {
    this.#cancel();
  }

  /** Settles as `promise` does, or rejects when it ends. What was begun goes on. */
  within<Result>(promise: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const end = () => reject(this.signal.reason);
      if (this.signal.aborted) end();
      else this.signal.addEventListener("abort", end, { once: true });
      promise.then(resolve, reject)
        .finally(() => this.signal.removeEventListener("abort", end));
    });
  }

  /** Lets go of the clock and of the outer signal. */
  release(): void {
    this.#cancel();
    this.#outer.removeEventListener("abort", this.#leave);
  }
}
