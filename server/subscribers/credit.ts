/**
 * How many records a client said that it takes: for those whose library reads ahead of them without
 * bound, as that of a browser does.
 *
 * @module
 */

/** The credit of one subscriber. */
export class Credit {
  #left: number;
  #grant: (() => void) | undefined;

  /** @param left what it has at first */
  constructor(left: number) {
    this.#left = left;
  }

  /** Whether nothing is left. */
  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** Takes one. */
  spend(): void {
    this.#left--;
  }

  /** Adds to it, up to what a number can say exactly. */
  add(records: number): void {
    this.#left = Math.min(this.#left + records, Number.MAX_SAFE_INTEGER);
    this.#grant?.();
  }

  /** Resolves when there is some, or when `signal` is aborted. */
  granted(signal: AbortSignal): Promise<void> {
    if (!this.isSpent || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#grant = undefined;
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#grant = done;
      signal.addEventListener("abort", done, { once: true });
    });
  }
}
