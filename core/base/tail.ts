/**
 * Wakes those who wait for the end of a log to move. Nobody polls.
 *
 * @module
 */

/** The waiting room at the end of a log. */
export class Tail {
  readonly #waiting = new Set<() => void>();
  #failure: Error | undefined;

  /**
   * Resolves at the next {@linkcode wake}, or when `signal` is aborted.
   *
   * @throws what the log ended with, at once when it has ended already
   */
  async wait(signal?: AbortSignal): Promise<void> {
    if (this.#failure === undefined && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiting.delete(done);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        this.#waiting.add(done);
        signal?.addEventListener("abort", done, { once: true });
      });
    }
    if (this.#failure !== undefined && !signal?.aborted) throw this.#failure;
  }

  /** Lets everyone who waits look again. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Ends the waiting for good: everyone who waits, and who will, gets `failure`. */
  end(failure: Error): void {
    this.#failure ??= failure;
    this.wake();
  }
}
