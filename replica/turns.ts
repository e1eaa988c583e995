/**
 * A bounded number of workers: the others wait, first come first served.
 *
 * @module
 */

/** Lets so many work at the same time. */
export class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Resolves when it is the caller's turn.
   *
   * @returns ends the turn; a second call does nothing. `undefined` when the signal came first
   */
  async begin(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    if (this.#free > 0) this.#free--;
    else if (!await this.#wait(signal)) return undefined;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const [next] = this.#waiting;
      if (next === undefined) this.#free++;
      else next();
    };
  }

  /** @returns whether it is somebody's turn now, and not the end of his waiting */
  #wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isTurn: boolean) => {
        this.#waiting.delete(begin);
        signal.removeEventListener("abort", giveUp);
        resolve(isTurn);
      };
      const begin = () => settle(true);
      const giveUp = () => settle(false);
      this.#waiting.add(begin);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }
}
