/**
 * Who is told what a store does: a server that counts it, for one. The engine knows nothing of how.
 *
 * @module
 */

/** What one write put into a segment. */
export interface WrittenBatches {
  /** Batches in it: one for each append, or for several that were written together. */
  readonly batches: number;
  /** Records in them. */
  readonly records: number;
  /** Bytes in the file, headers and padding included. */
  readonly bytes: number;
  /** The same if nothing were compressed. */
  readonly uncompressedBytes: number;
}

/** Is told of a store's work, while it is done: it must be quick, and must not throw. */
export interface Observer {
  /** Batches were written to a segment. They may not be durable yet. */
  written?(what: WrittenBatches): void;
  /** A sync of a segment ended after `ms`, well unless there is an `error`. */
  synced?(ms: number, error: unknown): void;
  /** Opening a log found `bytes` at its end that were no whole append, and put them aside. */
  tornTail?(bytes: number): void;
  /** A log could not be opened for writing: acknowledged data is damaged. */
  damaged?(): void;
}

/** All observers of one store; they may come and go. */
export class Observers {
  readonly #all = new Set<Observer>();

  /** Whether nobody would hear: then nothing has to be measured. */
  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** @returns ends it */
  add(observer: Observer): () => void {
    this.#all.add(observer);
    return () => void this.#all.delete(observer);
  }

  /** Tells each of them. */
  tell(what: (observer: Observer) => void): void {
    for (const observer of this.#all) what(observer);
  }
}
