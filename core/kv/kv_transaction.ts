/**
 * A transaction: reads one snapshot and its own writes, and commits all of them or none.
 *
 * First committer wins, as in Berenson et al., "A Critique of ANSI SQL Isolation Levels" (1995): a
 * key to write that somebody else changed since the snapshot is a conflict. In the serializable mode
 * what was read must be unchanged, too, keys and ranges: then a transaction saw all, and missed
 * all, that it would have seen and missed in the moment of its commit.
 *
 * @module
 */
import { compareBytes, decodeUtf8, encodeUtf8, equalBytes } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import type { Commit, Condition } from "./commit_queue.ts";
import type { KeyIndex, ListRange } from "./key_index.ts";
import type { KeyRange } from "./key_order.ts";
import { KvEntry } from "./kv_entry.ts";
import { keyBytes } from "./kv_key.ts";
import { keyBehind, type KvListOptions, type KvSnapshot, rangeOf } from "./kv_snapshot.ts";
import { deletionOf, type KvValue, type KvWrite, settingOf } from "./kv_write.ts";

/**
 * What a transaction is kept from.
 *
 * - `snapshot`: it reads one moment, and of two that write the same key one fails: no dirty or
 *   non-repeatable read, no phantom, no lost update. Write skew is possible: two may each read what
 *   the other writes.
 * - `serializable`: it is as if transactions ran one after another.
 */
export type Isolation = "snapshot" | "serializable";

/** How far a range was read. */
class ReadRange {
  readonly #range: ListRange;
  /** The last key that was seen. */
  last: Uint8Array | undefined;
  /** Whether nothing is behind that. */
  isWhole = false;

  constructor(range: ListRange) {
    this.#range = range;
  }

  /** The part that was read; `undefined` when that is nothing. */
  get covered(): KeyRange | undefined {
    const { start, end, reverse } = this.#range;
    if (this.isWhole) return { start, end };
    if (this.last === undefined) return undefined;
    return reverse ? { start: this.last, end } : { start, end: keyBehind(this.last) };
  }
}

/** Reads and writes that belong together. It is the callback's, and of no use behind it. */
export class KvTransaction {
  readonly #snapshot: KvSnapshot;
  readonly #index: KeyIndex;
  readonly #isolation: Isolation;
  readonly #nowMs: number;
  readonly #writes = new Map<string, KvWrite>();
  readonly #reads = new Map<string, Uint8Array>();
  readonly #ranges: ReadRange[] = [];
  #isOver = false;

  /** @internal @param nowMs the time of entries that are not committed yet */
  constructor(
    snapshot: KvSnapshot,
    { index, isolation, nowMs }: { index: KeyIndex; isolation: Isolation; nowMs: number },
  ) {
    this.#snapshot = snapshot;
    this.#index = index;
    this.#isolation = isolation;
    this.#nowMs = nowMs;
  }

  /** The last revision that is seen. */
  get revision(): number {
    return this.#snapshot.revision;
  }

  /** A key with its value. @throws {SeglogError} `invalid-argument` or `too-large` for the key */
  async get(key: string): Promise<KvEntry | undefined> {
    this.#checkOpen();
    const own = this.#writes.get(key);
    if (own !== undefined) return this.#entryOf(own);
    this.#reads.set(key, keyBytes(key));
    return await this.#snapshot.get(key);
  }

  /** Whether a key has a value. @throws {SeglogError} `invalid-argument` or `too-large` for the key */
  has(key: string): boolean {
    this.#checkOpen();
    const own = this.#writes.get(key);
    return own === undefined ? this.revisionOf(key) >= 0 : own.valueBytes !== undefined;
  }

  /** @internal The revision of a key's value in the snapshot, or -1. It counts as a read. */
  revisionOf(key: string): number {
    this.#checkOpen();
    const bytes = keyBytes(key);
    this.#reads.set(key, bytes);
    return this.#snapshot.revisionOf(bytes);
  }

  /** Keys with their values, in the order of the keys' bytes. @throws {SeglogError} `invalid-argument` */
  async *list(options: KvListOptions = {}): AsyncGenerator<KvEntry, void, undefined> {
    this.#checkOpen();
    const { limit = Infinity, reverse = false } = options;
    const range = rangeOf(options);
    const read = new ReadRange(range);
    this.#ranges.push(read);
    const own = this.#ownIn(range);
    const isOwn = new Set(this.#writes.keys()); // what is written while it is listed comes too late
    let left = limit;
    let unseen = limit + own.length; // each of its own may hide one that is stored
    for await (const entry of this.#snapshot.list({ ...options, limit: unseen })) {
      unseen--;
      read.last = encodeUtf8(entry.key);
      for (; own.length > 0 && isBefore(own[0]!.key, read.last, reverse); own.shift()) {
        const ours = this.#entryOf(own[0]!);
        if (ours === undefined) continue;
        if (left-- <= 0) return;
        yield ours;
      }
      if (isOwn.has(entry.key)) continue;
      if (left-- <= 0) return;
      yield entry;
    }
    read.isWhole = unseen > 0;
    for (const write of own) {
      const ours = this.#entryOf(write);
      if (ours === undefined) continue;
      if (left-- <= 0) return;
      yield ours;
    }
  }

  /** Sets a key when the transaction commits. @throws {SeglogError} `invalid-argument` or `too-large` for the key */
  set(key: string, value: KvValue): void {
    this.#checkOpen();
    this.#writes.set(key, settingOf(key, value));
  }

  /**
   * Deletes a key when the transaction commits. Where it has no value there is nothing to write then,
   * and it must have none still.
   *
   * @throws {SeglogError} as {@linkcode KvTransaction.set}
   */
  delete(key: string): void {
    this.#checkOpen();
    this.#writes.set(key, deletionOf(key));
  }

  /** @internal What is to be written, in this order: no deletion of what has no value. */
  get writes(): KvWrite[] {
    return [...this.#writes.values()].filter(({ key, valueBytes }) =>
      valueBytes !== undefined || this.#snapshot.revisionOf(key) >= 0
    );
  }

  /** @internal Ends it. @returns what is to be committed; `undefined` when nothing was written */
  finish(): Commit | undefined {
    this.#isOver = true;
    const { writes } = this;
    if (writes.length === 0) return undefined;
    const isWhole = this.#isolation === "serializable";
    const condition: Condition = {
      keys: [
        ...Array.from(this.#writes.values(), ({ key }) => key),
        ...isWhole ? this.#reads.values() : [],
      ],
      ranges: isWhole ? this.#ranges.flatMap(({ covered }) => covered ?? []) : [],
      check: () => this.#check(),
    };
    return { records: writes.map(({ record }) => record), writes, condition };
  }

  /** @throws {SeglogError} `conflict` */
  #check(): void {
    for (const { key } of this.#writes.values()) this.#checkKey(key);
    if (this.#isolation === "snapshot") return;
    for (const key of this.#reads.values()) this.#checkKey(key);
    for (const { covered } of this.#ranges) if (covered !== undefined) this.#checkRange(covered);
  }

  #checkKey(key: Uint8Array): void {
    if (this.#index.revisionOf(key) !== this.#snapshot.revisionOf(key)) throw this.#conflict(key);
  }

  #checkRange(range: KeyRange): void {
    const before = this.#snapshot.indexed(range)[Symbol.iterator]();
    for (const { key, revision } of this.#index.list(range)) {
      const was = before.next().value;
      if (was?.revision !== revision || !equalBytes(was.key, key)) throw this.#conflict(key);
    }
    const gone = before.next().value;
    if (gone !== undefined) throw this.#conflict(gone.key);
  }

  #conflict(key: Uint8Array): SeglogError {
    const text = decodeUtf8(key);
    return new SeglogError(
      "conflict",
      `Cannot commit: ${
        JSON.stringify(text)
      } was changed by somebody else since revision ${this.revision}; run the transaction again`,
      { details: { key: text, revision: this.revision } },
    );
  }

  #checkOpen(): void {
    if (!this.#isOver) return;
    throw new SeglogError("closed", "Cannot use a transaction behind its callback");
  }

  #entryOf({ record, valueBytes }: KvWrite): KvEntry | undefined {
    if (valueBytes === undefined) return undefined;
    const { key, value, type } = record;
    const bytes = typeof value === "string" ? encodeUtf8(value) : value!;
    return new KvEntry({
      key: key as string,
      revision: -1,
      timestamp: this.#nowMs,
      type: type ?? (typeof value === "string" ? "text" : "bytes"),
      value: bytes,
    });
  }

  /** Its own writes in a range, in the order of listing. */
  #ownIn(range: ListRange): KvWrite[] {
    const own = [...this.#writes.values()].filter(({ key }) => isIn(range, key));
    own.sort((a, b) => compareBytes(a.key, b.key));
    return range.reverse ? own.toReversed() : own;
  }
}

function isIn({ start, end }: KeyRange, key: Uint8Array): boolean {
  return (start === undefined || compareBytes(start, key) <= 0) &&
    (end === undefined || compareBytes(key, end) < 0);
}

function isBefore(a: Uint8Array, b: Uint8Array, reverse: boolean): boolean {
  return reverse ? compareBytes(a, b) > 0 : compareBytes(a, b) < 0;
}
