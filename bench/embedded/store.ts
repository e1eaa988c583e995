/**
 * What is asked of every log that lives in the process. An adapter does each in the fastest way that
 * its system documents, inner loops included.
 *
 * @module
 */

/**
 * What holds when an append returns: `buffered`, that the operating system has the records;
 * `durable`, that they survive a loss of power.
 */
export type Promised = "buffered" | "durable";

/** A log that is open. `Input` is how its callers hold a batch of values. */
export interface EmbeddedStore<Input = unknown> {
  /** Records that are there. */
  readonly count: number;
  /** A batch as a caller would hold it anyway; not measured. */
  prepare(values: readonly Uint8Array[]): Input;
  /** Appends a batch, all of it or nothing. */
  append(batch: Input): Promise<unknown> | void;
  /** Reads all records in order, looks at each value, and returns how many they were. */
  scan(): Promise<number> | number;
  /** Reads the records at these places, counted from 0, each by itself, and looks at each. */
  readEach(places: Uint32Array): Promise<void> | void;
  /** Does now what the store would do later, such as compacting; nothing unless it has such work. */
  settle?(): Promise<void> | void;
  close(): Promise<void> | void;
}

/** A system that can be opened in a folder. */
export interface EmbeddedSystem {
  /** Opens the log in `folder`, or makes it there. */
  open(folder: string, options: OpenOptions): Promise<EmbeddedStore>;
}

/** How a log is opened. */
export interface OpenOptions {
  readonly promised: Promised;
  /** Batches go to so many topics in turn; to one log unless given. Only seglog heeds this. */
  readonly topics?: number;
  /** Bytes of a segment; the default unless given. Only seglog heeds this. */
  readonly segmentBytes?: number;
}

/** Keeps what was read from being optimised away, and finds a value that is none. */
export class Witness {
  #sum = 0;

  /** Looks at a value: at its ends and its length. */
  see(value: Uint8Array | undefined): void {
    if (value === undefined || value.length === 0) throw new Error("A record has no value");
    this.#sum = (this.#sum + value[0]! + value[value.length - 1]! + value.length) | 0;
  }
}
