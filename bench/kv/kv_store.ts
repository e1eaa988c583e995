/**
 * What is asked of every key-value store that lives in the process. An adapter does each in the
 * fastest way that its system documents, inner loops included. Callers hold keys as text, and list
 * them in the order of their bytes.
 *
 * What is written is `buffered` on all sides: when a write returns, the operating system has it, and
 * nobody waits for a sync. So it survives a kill of the process, and not a loss of power.
 *
 * @module
 */

/** A key that is set to a value, or one that is looked up. */
export interface Operation {
  readonly key: string;
  /** What the key is set to; `undefined` to get it. */
  readonly value: Uint8Array | undefined;
}

/** A key with its value. */
export interface Entry extends Operation {
  readonly value: Uint8Array;
}

/** A key-value store that is open. */
export interface KvStore {
  /** Sets or gets one key after another, each by itself, and looks at each value that it gets. */
  runEach(operations: readonly Operation[]): Promise<void> | void;
  /** Sets keys in one transaction: all of them or none. */
  setAll(entries: readonly Entry[]): Promise<unknown> | void;
  /** Reads keys in order from `start` on with their values, looks at each, and returns their number. */
  list(start: string, limit: number): Promise<number> | number;
  /** Does now what the store would do later, such as compacting; nothing unless it has such work. */
  settle?(): Promise<void> | void;
  /** Gives back the space of values that were replaced; not there where there is no such thing. */
  compact?(): Promise<unknown> | void;
  close(): Promise<void> | void;
}

/** A system that can be opened in a folder. */
export interface KvSystem {
  /** Opens the store in `folder`, or makes it there. */
  open(folder: string): Promise<KvStore>;
}
