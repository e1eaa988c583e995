/**
 * A bucket as it was at one revision, however it changes meanwhile.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import { compareBytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import type { LogRecord } from "../format/record.ts";
import type { IndexedKey, ListRange } from "./key_index.ts";
import { entryOf, type KvEntry } from "./kv_entry.ts";
import { behindPrefix, BUCKET_PARTITION, keyBytes } from "./kv_key.ts";
import type { KvView } from "./kv_view.ts";

/** Which keys, and how many. */
export interface KvListOptions {
  /** Only keys that begin with it. */
  readonly prefix?: string;
  /** The first key, whether it is there or not. */
  readonly start?: string;
  /** Behind the last key. */
  readonly end?: string;
  /** At most so many. */
  readonly limit?: number;
  /** From the last to the first. */
  readonly reverse?: boolean;
}

/** Where a bucket is read. */
export interface KvSource {
  readonly backend: Backend;
  readonly topic: string;
  readonly view: KvView;
}

/** Keys that are looked up, and values that are held, before the first is handed out. */
const PAGE_KEYS = 256;
const PAGE_BYTES = 1024 * 1024;

/**
 * Reads a bucket at one revision. Compaction keeps what it needs until it is closed.
 *
 * @example
 * ```ts
 * import { Kv, Store } from "seglog";
 *
 * await using store = await Store.memory();
 * await using kv = await Kv.open(store, "users");
 * await kv.set("u1", "Alice");
 * using before = kv.snapshot();
 * await kv.set("u1", "Bob");
 * console.assert((await before.get("u1"))?.text === "Alice");
 * ```
 */
export class KvSnapshot implements Disposable {
  /** The last revision that is seen; -1 of a bucket that nothing was written to. */
  readonly revision: number;
  readonly #source: KvSource;
  readonly #release: (() => void) | undefined;
  #isOpen = true;

  /** The present of a view. */
  constructor(source: KvSource) {
    this.#source = source;
    this.revision = source.view.position - 1;
    source.view.index.hold(this.revision);
    this.#release = source.backend.hold?.(source.topic, this.revision, BUCKET_PARTITION);
  }

  /** A key with its value. @throws {SeglogError} `invalid-argument` or `too-large` for the key */
  async get(key: string): Promise<KvEntry | undefined> {
    const revision = this.revisionOf(keyBytes(key));
    const record = revision < 0 ? undefined : await this.#read(revision);
    return record === undefined ? undefined : entryOf(record);
  }

  /** Whether a key has a value. @throws {SeglogError} `invalid-argument` or `too-large` for the key */
  has(key: string): boolean {
    return this.revisionOf(keyBytes(key)) >= 0;
  }

  /** Keys with their values, in the order of the keys' bytes. @throws {SeglogError} `invalid-argument` */
  async *list(options: KvListOptions = {}): AsyncGenerator<KvEntry, void, undefined> {
    for (const { revisions } of this.#pages(options, false)) {
      for (const record of await this.#readAll(revisions)) {
        if (record !== undefined) yield entryOf(record);
      }
    }
  }

  /** Keys alone, which are in memory, in the order of their bytes. @throws {SeglogError} `invalid-argument` */
  *keys(options: KvListOptions = {}): Generator<string, void, undefined> {
    for (const { keys } of this.#pages(options, true)) yield* keys;
  }

  /** @internal The revision of a key's value, or -1. */
  revisionOf(key: Uint8Array): number {
    return this.#view().index.revisionAt(key, this.revision);
  }

  /** @internal The keys of a range with their revisions. The view of a key is valid until the next change. */
  indexed(range: ListRange): Iterable<IndexedKey> {
    return this.#view().index.list({ ...range, revision: this.revision });
  }

  /** Sees nothing more. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#source.view.index.release(this.revision);
    this.#release?.();
  }

  /** Closes the snapshot at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Changes between two pages do not matter: each begins behind the last key of the one before. */
  *#pages(options: KvListOptions, hasKeys: boolean): Generator<ListPage, void, undefined> {
    let range = rangeOf(options);
    for (let left = options.limit ?? Infinity; left > 0;) {
      const page = pageOf(this.indexed(range), Math.min(left, PAGE_KEYS), hasKeys);
      if (page.last === undefined) return;
      yield page;
      left -= page.revisions.length;
      range = rangeBehind(range, page.last);
    }
  }

  async #readAll(revisions: readonly number[]): Promise<(LogRecord | undefined)[]> {
    const { backend, topic } = this.#source;
    try {
      return await backend.readAll(topic, revisions, BUCKET_PARTITION);
    } catch { // each by itself then, to pass over those that were truncated
      return await Promise.all(revisions.map((revision) => this.#read(revision)));
    }
  }

  /** @returns `undefined` when the record was truncated, and its key with it */
  async #read(revision: number): Promise<LogRecord | undefined> {
    const { backend, topic } = this.#source;
    try {
      return await backend.read(topic, revision, BUCKET_PARTITION);
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      if (error.code === "offset-out-of-range") return undefined;
      if (error.code !== "not-found") throw error;
      throw new SeglogError(
        "compacted",
        `Cannot read "${topic}" in a snapshot of revision ${this.revision}: a value that was ` +
          `replaced since is gone; take another snapshot, or hold one where the bucket is kept`,
        { cause: error, details: { revision: this.revision } },
      );
    }
  }

  #view(): KvView {
    if (this.#isOpen) return this.#source.view;
    throw new SeglogError(
      "closed",
      `Cannot read "${this.#source.topic}" at ${this.revision}: this snapshot is closed`,
    );
  }
}

/** @throws {SeglogError} `invalid-argument` */
export function rangeOf(options: KvListOptions): ListRange {
  const { prefix = "", start, end, limit = 0, reverse = false } = options;
  for (const [name, text] of Object.entries({ prefix, start, end })) {
    if (text === undefined || text.isWellFormed()) continue;
    throw new SeglogError("invalid-argument", `Cannot list: ${name} is not well-formed text`);
  }
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot list ${limit} keys: the limit is a whole number from 0`,
    );
  }
  const prefixed = prefix === "" ? undefined : encodeUtf8(prefix);
  return {
    start: laterOf(prefixed, start === undefined ? undefined : encodeUtf8(start)),
    end: earlierOf(behindPrefix(prefix), end === undefined ? undefined : encodeUtf8(end)),
    reverse,
  };
}

/** Some keys in order. */
interface ListPage {
  readonly revisions: readonly number[];
  /** The keys, where they are wanted: a listing of values reads them with the values. */
  readonly keys: readonly string[];
  /** The last key; `undefined` when there is none. */
  readonly last: Uint8Array | undefined;
}

function pageOf(indexed: Iterable<IndexedKey>, keysMax: number, hasKeys: boolean): ListPage {
  const revisions: number[] = [];
  const keys: string[] = [];
  let last: Uint8Array | undefined;
  let bytes = 0;
  for (const { key, revision, valueBytes } of indexed) {
    revisions.push(revision);
    if (hasKeys) keys.push(decodeUtf8(key));
    last = key;
    bytes += valueBytes;
    if (revisions.length === keysMax || bytes >= PAGE_BYTES) break;
  }
  return { revisions, keys, last: last?.slice() };
}

function rangeBehind(range: ListRange, key: Uint8Array): ListRange {
  return range.reverse ? { ...range, end: key } : { ...range, start: keyBehind(key) };
}

/** The first key behind another: that one and a zero. */
export function keyBehind(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function laterOf(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareBytes(a, b) < 0 ? b : a;
}

function earlierOf(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareBytes(a, b) < 0 ? a : b;
}
