/**
 * A key-value store that is a view of one topic, whatever keeps the topic: a record for each change,
 * whose offset is the revision. Keys are in memory, values stay in the log.
 *
 * @module
 */
import type { Backend, CompactResult } from "../backend.ts";
import { type Clock, wakefulClock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import type { SyncMode } from "../format/sync_mode.ts";
import { waitForOffset } from "../wait_for_offset.ts";
import { openBucketTopic } from "./bucket_topic.ts";
import { CommitQueue, type Condition } from "./commit_queue.ts";
import { keyHistory, type KvHistoryOptions, type KvWatchOptions, watchKeys } from "./kv_changes.ts";
import { entryOf, type KvChange, type KvEntry } from "./kv_entry.ts";
import { BUCKET_PARTITION, keyBytes } from "./kv_key.ts";
import { lookUp } from "./look_up.ts";
import { type KvListOptions, KvSnapshot } from "./kv_snapshot.ts";
import { type Isolation, KvTransaction } from "./kv_transaction.ts";
import { KvView } from "./kv_view.ts";
import { deletionOf, type KvValue, type KvWrite, settingOf } from "./kv_write.ts";
import { Absent, PresenceCondition, RevisionCondition } from "./key_conditions.ts";

/** How a bucket is opened. */
export interface KvOptions {
  /** Make the topic when there is none; true unless given. */
  readonly create?: boolean;
  /** When a write is acknowledged; as the topic says unless given. */
  readonly sync?: SyncMode;
  /** Tells the time of writes. */
  readonly clock?: Clock;
}

/** When to write. */
export type SetOptions =
  | {
    /** Only when this is the revision of the key's value. */
    readonly ifRevision?: number;
    readonly ifAbsent?: undefined;
  }
  | {
    /** Only when the key has no value. */
    readonly ifAbsent: true;
    readonly ifRevision?: undefined;
  };

/** As of when to read. */
export interface GetOptions {
  /** A revision of the bucket, not of the key: what a snapshot taken then would see. */
  readonly revision?: number;
}

/** What has to be seen. */
export interface CatchUpOptions {
  /** A revision that a write told, whichever backend it went through. */
  readonly minRevision?: number;
  /** How long to wait for it at the most; 5000 unless given. */
  readonly minRevisionWaitMs?: number;
  /** Ends the waiting, as the end of the time does. */
  readonly signal?: AbortSignal;
}

/** When to delete. */
export interface DeleteOptions {
  /** Only when this is the revision of the key's value. */
  readonly ifRevision?: number;
}

/** How a transaction runs. */
export interface TransactionOptions {
  /** `serializable` unless given. */
  readonly isolation?: Isolation;
  /** Runs that may follow the first when others were faster; none unless given. */
  readonly retries?: number;
}

/** A bucket, measured. */
export interface KvStats {
  /** Keys that have a value. */
  readonly keys: number;
  /** Bytes of their values. */
  readonly valueBytes: number;
  /** The last revision; -1 when nothing was written. */
  readonly revision: number;
  /** Bytes of memory for keys and where their values are. */
  readonly indexBytes: number;
  /** Records in the log, those that were replaced included. */
  readonly records: number;
  /** Bytes of the log. */
  readonly logBytes: number;
  /** Segments of the log. */
  readonly segments: number;
  /** Values as of revisions below this one's predecessor may be gone. */
  readonly compactedTo: number;
}

/**
 * A bucket of keys and values. Opening it reads the topic once, and then follows it: what others
 * write to the topic is seen as it comes, what this object wrote when its promise resolves.
 *
 * Keys are text of 1 byte to 1 KiB, in the order of their UTF-8. Values are bytes, text or JSON, as
 * of records. Records of the topic without such a key are passed over.
 *
 * @example
 * ```ts
 * import { json, Kv, Store } from "seglog";
 *
 * await using store = await Store.memory(); // or Store.open("./data"), or connect(url)
 * await using kv = await Kv.open(store, "users");
 * const revision = await kv.set("u1", json({ name: "Alice" }));
 * await kv.set("u1", json({ name: "Bob" }), { ifRevision: revision });
 * const entry = await kv.get("u1");
 * console.assert(entry?.text === '{"name":"Bob"}');
 * await kv.transaction(async (tx) => {
 *   const count = await tx.get("count");
 *   tx.set("count", String(Number(count?.text ?? 0) + 1));
 * });
 * ```
 */
export class Kv implements AsyncDisposable {
  /** The topic that holds it. */
  readonly bucket: string;
  readonly #backend: Backend;
  readonly #view: KvView;
  readonly #commits: CommitQueue;
  readonly #clock: Clock;
  #closing: Promise<void> | undefined;

  private constructor(backend: Backend, bucket: string, view: KvView, options: KvOptions) {
    const { clock = wakefulClock, sync } = options;
    this.bucket = bucket;
    this.#backend = backend;
    this.#view = view;
    this.#clock = clock;
    this.#commits = new CommitQueue({ backend, topic: bucket, view, clock, sync });
  }

  /**
   * Opens a bucket, making its topic, with one partition, when there is none.
   *
   * @throws {SeglogError} `not-found` when there is none and it may not be made;
   * `invalid-argument` for a topic with several partitions; what reading the topic throws
   */
  static async open(backend: Backend, bucket: string, options: KvOptions = {}): Promise<Kv> {
    const topic = await openBucketTopic(backend, bucket, options.create ?? true);
    return new Kv(backend, bucket, await KvView.open(backend, topic), options);
  }

  /** The last revision that is seen; -1 of a bucket that nothing was written to. */
  get revision(): number {
    return this.#view.position - 1;
  }

  /**
   * A key with its value, the latest or as of a revision.
   *
   * @throws {SeglogError} `invalid-argument` or `too-large` for the key; `offset-out-of-range` for a
   * revision that is not there yet; `compacted` for one whose values may be gone; `closed`
   */
  async get(key: string, options: GetOptions = {}): Promise<KvEntry | undefined> {
    const bytes = keyBytes(key);
    if (options.revision !== undefined) return await this.#getAt(key, options.revision);
    for (;;) {
      const revision = this.#present(bytes);
      if (revision < 0) return undefined;
      try {
        return entryOf(await this.#backend.read(this.bucket, revision, BUCKET_PARTITION));
      } catch (error) { // it may have been replaced and removed, or truncated
        if (this.#present(bytes) !== revision) continue;
        await this.#view.catchUp();
        if (this.#present(bytes) === revision) throw error;
      }
    }
  }

  /** Whether a key has a value. @throws {SeglogError} as {@linkcode Kv.get} */
  // deno-lint-ignore require-await -- asynchronous for its callers, as all that reads
  async has(key: string): Promise<boolean> {
    return this.#present(keyBytes(key)) >= 0;
  }

  /**
   * Sets a key.
   *
   * @returns its revision, when the write is acknowledged as the sync mode says
   * @throws {SeglogError} nothing is written: `invalid-argument`, `invalid-record`, `too-large`;
   * `condition-failed`, with the revision that the key has as `actual` in the details, -1 when it has
   * no value; what `Backend.append` throws
   */
  async set(key: string, value: KvValue, options: SetOptions = {}): Promise<number> {
    const { ifRevision, ifAbsent } = options;
    const write = settingOf(key, value);
    return await this.#write(write, ifAbsent ? -1 : ifRevision);
  }

  /**
   * Deletes a key.
   *
   * @returns the revision of the deletion; `undefined` when there was nothing to delete
   * @throws {SeglogError} as {@linkcode Kv.set}
   */
  async delete(key: string, { ifRevision }: DeleteOptions = {}): Promise<number | undefined> {
    const write = deletionOf(key);
    if (ifRevision !== undefined) return await this.#write(write, ifRevision);
    try {
      return await this.#commit(write, new PresenceCondition(write.key, this.#view.index));
    } catch (error) {
      if (error instanceof Absent) return undefined;
      throw error;
    }
  }

  /** Keys with their values, as of one revision, in the order of the keys' bytes. @throws {SeglogError} `invalid-argument` */
  async *list(options: KvListOptions = {}): AsyncGenerator<KvEntry, void, undefined> {
    using snapshot = this.snapshot();
    yield* snapshot.list(options);
  }

  /** Keys alone: as {@linkcode Kv.list}, from memory. */
  async *keys(options: KvListOptions = {}): AsyncGenerator<string, void, undefined> {
    using snapshot = this.snapshot();
    yield* snapshot.keys(options);
  }

  /** What the log says of one key, the oldest first. @throws {SeglogError} as {@linkcode Kv.get} */
  history(key: string, options: KvHistoryOptions = {}): AsyncGenerator<KvChange, void, undefined> {
    return keyHistory(this.#changes(), key, options);
  }

  /**
   * Changes as they come, of one key or of those with a prefix.
   *
   * @param keys a key, or what the keys begin with: `{ prefix: "" }` for all
   */
  watch(
    keys: string | { readonly prefix: string },
    options: KvWatchOptions = {},
  ): AsyncGenerator<KvChange, void, undefined> {
    const { ending } = this.#view;
    const signal = options.signal === undefined
      ? ending
      : AbortSignal.any([options.signal, ending]);
    return watchKeys(this.#changes(), keys, { ...options, signal });
  }

  /** The bucket as it is now, to be read while others write. Close it: it holds memory. */
  snapshot(): KvSnapshot {
    return new KvSnapshot(this.#source());
  }

  /**
   * Runs reads and writes that belong together, and commits all writes or none.
   *
   * @param run what it does; when it throws, nothing is written; with `retries` it may run again
   * @returns what `run` returned, and the commit's revision: that of its last write, or of what it
   * saw when it wrote nothing
   * @throws {SeglogError} `conflict` when others were faster more often than `retries`; as
   * {@linkcode Kv.set}
   */
  async transaction<Result>(
    run: (transaction: KvTransaction) => Promise<Result> | Result,
    { isolation = "serializable", retries = 0 }: TransactionOptions = {},
  ): Promise<{ readonly result: Result; readonly revision: number }> {
    for (let left = retries;; left--) {
      using snapshot = this.snapshot();
      const { index } = this.#view;
      const transaction = new KvTransaction(snapshot, {
        index,
        isolation,
        nowMs: this.#clock.now(),
      });
      try {
        const result = await run(transaction);
        const commit = transaction.finish();
        if (commit === undefined) return { result, revision: snapshot.revision };
        const start = await this.#commits.commit(commit);
        return { result, revision: start + commit.records.length - 1 };
      } catch (error) {
        transaction.finish();
        if (left <= 0 || !isConflict(error)) throw error;
      }
    }
  }

  /**
   * Resolves when everything is seen that was acknowledged to anybody before the call, as far as the
   * backend has it; and `minRevision` too, where that is given.
   *
   * @throws {SeglogError} `unavailable` when `minRevision` does not come in time
   */
  async catchUp({ minRevision, minRevisionWaitMs, signal }: CatchUpOptions = {}): Promise<void> {
    if (minRevision !== undefined) {
      await waitForOffset(this.#backend, this.bucket, {
        partition: BUCKET_PARTITION,
        minOffset: minRevision + 1,
        ...minRevisionWaitMs === undefined ? {} : { minOffsetWaitMs: minRevisionWaitMs },
        ...signal === undefined ? {} : { signal },
      });
    }
    await this.#view.catchUp();
  }

  /**
   * Removes values that were replaced and deletions that are old, but for what open snapshots see. It
   * goes on by itself where the topic's `compaction` is `keys`, as that of a new bucket is.
   *
   * @throws {SeglogError} as `Backend.compact`
   */
  async compact(): Promise<CompactResult> {
    this.#view.check();
    return await this.#backend.compact(this.bucket, { partition: BUCKET_PARTITION });
  }

  /** What it holds, and what that takes. */
  async stats(): Promise<KvStats> {
    const { partitions } = await this.#backend.describeTopic(this.bucket);
    const { records, bytes, segments, compactedTo, logStartOffset } = partitions[BUCKET_PARTITION]!;
    this.#view.forgetBelow(logStartOffset);
    const { index, position } = this.#view;
    const { keys, valueBytes, bytes: indexBytes } = index;
    return {
      keys,
      valueBytes,
      revision: position - 1,
      indexBytes,
      records,
      logBytes: bytes,
      segments,
      compactedTo,
    };
  }

  /** Finishes the writes under way. The backend stays open. */
  close(): Promise<void> {
    this.#closing ??= this.#commits.settled().then(() => this.#view.close());
    return this.#closing;
  }

  /** Closes the bucket at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #getAt(key: string, revision: number): Promise<KvEntry | undefined> {
    this.#view.check();
    return await lookUp(this.#backend, this.bucket, { key, revision });
  }

  #changes() {
    return { backend: this.#backend, topic: this.bucket, end: this.#view.position };
  }

  #source() {
    return { backend: this.#backend, topic: this.bucket, view: this.#view };
  }

  /** @throws {SeglogError} why nothing is seen any more */
  #present(key: Uint8Array): number {
    this.#view.check();
    return this.#view.index.revisionOf(key);
  }

  /** @param expected the revision that the key must have, if any */
  async #write(write: KvWrite, expected: number | undefined): Promise<number> {
    if (expected === undefined) return await this.#commit(write);
    const place = { index: this.#view.index, bucket: this.bucket };
    return await this.#commit(write, new RevisionCondition(write.key, expected, place));
  }

  async #commit(write: KvWrite, condition?: Condition): Promise<number> {
    this.#view.check();
    const commit = { records: [write.record], writes: [write] };
    return await this.#commits.commit(condition === undefined ? commit : { ...commit, condition });
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "conflict";
}
