/**
 * One at a time, first come first served.
 *
 * @module
 */

/** Runs asynchronous sections one after another, in the order in which they asked. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `section` when all earlier ones have ended, well or badly. */
  run<T>(section: () => Promise<T> | T): Promise<T> {
    const mine = this.#last.then(section, section);
    this.#last = mine.catch(() => {});
    return mine;
  }
}
