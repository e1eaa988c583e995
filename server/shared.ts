/**
 * What several use at a time, and what ends when it has been given up and nobody uses it any more.
 *
 * @module
 */

/** Counts the users of one thing. */
export class Shared {
  readonly #end: () => void;
  #users = 0;
  #isRetired = false;

  /** @param end called once: when it is retired, and nobody uses it */
  constructor(end: () => void) {
    this.#end = end;
  }

  /** Whether nobody uses it. */
  get isIdle(): boolean {
    return this.#users === 0;
  }

  /** One user more, until the returned function is called, which may happen more than once. */
  use(): () => void {
    this.#users++;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.#users--;
      if (this.#isRetired && this.isIdle) this.#end();
    };
  }

  /** Gives it up: it ends at once, or with its last user. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    if (this.isIdle) this.#end();
  }
}
