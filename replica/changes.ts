/**
 * Tells whoever waits that something has changed.
 *
 * @module
 */

/** Something that changes again and again. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** It has changed now. */
  tell(): void {
    for (const resolve of [...this.#waiting]) resolve();
  }

  /** Resolves when it changes next, or when the signal is aborted. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        this.#waiting.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal?.addEventListener("abort", done, { once: true });
    });
  }
}
