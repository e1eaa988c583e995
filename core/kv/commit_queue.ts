/**
 * The one way into a bucket. Writes that wait together go in as one batch, which is there whole or
 * not at all. Those with conditions are checked against the index, and the batch is appended only
 * when nobody else appended since: what the log turns away is checked anew against what came.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import { ByteWriter, decodeUtf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import { BATCH_SHARED_BYTES, PENDING_BYTES_MAX } from "../base/limits.ts";
import { BatchBuilder } from "../format/batch_builder.ts";
import type { RecordInput } from "../format/record.ts";
import { sealBatch } from "../format/seal_batch.ts";
import type { SyncMode } from "../format/sync_mode.ts";
import { BUCKET_PARTITION } from "./kv_key.ts";
import type { AppliedWrite, KvView } from "./kv_view.ts";

/** Records that go in together. */
export interface Commit {
  /** At least one. */
  readonly records: readonly RecordInput[];
  /** The same, as the index takes them in. */
  readonly writes: readonly AppliedWrite[];
  /** What has to hold; nothing unless given. */
  readonly condition?: Condition;
}

/** What has to hold at the place in the log where a commit goes. */
export interface Condition {
  /** The keys that it looks at. */
  readonly keys: Iterable<string>;
  /** Whether it looks at a key with others, as one of a range; not there when it looks at none. */
  readonly covers?: ((key: Uint8Array) => boolean) | undefined;
  /** @throws {SeglogError} why it does not hold */
  check(): void;
}

/** Where commits go. */
export interface CommitTarget {
  readonly backend: Backend;
  readonly topic: string;
  readonly view: KvView;
  readonly clock: Clock;
  /** The topic's own unless given. */
  readonly sync?: SyncMode;
}

interface Waiting {
  readonly commit: Commit;
  /** Whether the index has all that was acknowledged to anybody before the commit was asked for. */
  isUpToDate: boolean;
  readonly resolve: (start: number) => void;
  readonly reject: (error: unknown) => void;
}

/** How long to wait for an append of others before looking again. */
const OTHERS_MS = 50;
const WRITER_BYTES = 4096;
/** Memory that is kept between two batches. */
const WRITER_BYTES_KEPT = 2 * BATCH_SHARED_BYTES;

/** Commits to one bucket. */
export class CommitQueue {
  readonly #target: CommitTarget;
  readonly #writer = new ByteWriter(WRITER_BYTES);
  #waiting: Waiting[] = [];
  /** Of keys and values of the commits that are not done. */
  #waitingBytes = 0;
  #running: Promise<void> | undefined;

  constructor(target: CommitTarget) {
    this.#target = target;
  }

  /**
   * Commits when what came before has been.
   *
   * @returns the offset of the first record, when all are acknowledged and in the index
   * @throws what its condition says, or the backend; `overloaded` when too much waits already
   */
  async commit(commit: Commit): Promise<number> {
    const bytes = commit.writes.reduce(
      (sum, { key, valueBytes = 0 }) => sum + key.length + valueBytes,
      0,
    );
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > PENDING_BYTES_MAX) {
      throw new SeglogError(
        "overloaded",
        `Cannot write to "${this.#target.topic}": ${this.#waitingBytes} bytes wait to be written; try again`,
      );
    }
    this.#waitingBytes += bytes;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.push({ commit, isUpToDate: false, resolve, reject });
        this.#running ??= this.#run();
      });
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await undefined; // what is written in the same turn goes in together
    while (this.#waiting.length > 0) {
      const builder = new BatchBuilder(this.#writer, 0);
      const group = this.#takeGroup(builder);
      if (group.length > 0) await this.#append(group, builder);
      else if (this.#waiting.length > 0) await this.#catchUp();
      this.#writer.truncate(0);
      this.#writer.shrink(WRITER_BYTES_KEPT);
    }
    this.#running = undefined;
  }

  /**
   * Takes from the front what fits into one batch, and rejects what cannot be committed. A condition
   * that does not hold may do so with what others wrote before: it waits until that is in the index.
   */
  #takeGroup(builder: BatchBuilder): Waiting[] {
    const group: Waiting[] = [];
    const written = new WrittenKeys(group);
    const nowMs = this.#target.clock.now();
    let done = 0;
    for (const waiting of this.#waiting) {
      const { records, condition } = waiting.commit;
      if (builder.payloadBytes >= BATCH_SHARED_BYTES) break;
      if (condition !== undefined && written.touch(condition)) break;
      try {
        condition?.check();
      } catch (error) {
        if (!waiting.isUpToDate) break;
        waiting.reject(error);
        done++;
        continue;
      }
      try {
        builder.add(records, nowMs);
        group.push(waiting);
      } catch (error) {
        if (isTooLarge(error) && group.length > 0) break; // it may fit into a batch of its own
        waiting.reject(error);
      }
      done++;
    }
    this.#waiting.splice(0, done);
    return group;
  }

  async #append(group: readonly Waiting[], builder: BatchBuilder): Promise<void> {
    const { backend, topic, view, sync } = this.#target;
    const isConditional = group.some(({ commit }) => commit.condition !== undefined);
    try {
      const { start } = await backend.appendBatch(topic, sealBatch(builder, this.#writer), {
        partition: BUCKET_PARTITION,
        ...isConditional ? { expectedOffset: view.position } : {},
        ...sync === undefined ? {} : { sync },
      });
      await view.settle(start, group.flatMap(({ commit }) => commit.writes));
      let first = start;
      for (const { commit, resolve } of group) {
        resolve(first);
        first += commit.records.length;
      }
    } catch (error) {
      if (!isConditional || !isOvertaken(error)) return rejectAll(group, error);
      this.#waiting.unshift(...group);
      await this.#othersDone(error);
      await this.#catchUp();
    }
  }

  /** Waits for what others are appending just now, which may come to nothing. */
  async #othersDone({ details }: SeglogError): Promise<void> {
    const { view, clock } = this.#target;
    const { actual } = details;
    const done = Promise.withResolvers<void>();
    const cancel = clock.after(OTHERS_MS, done.resolve);
    if (typeof actual === "number") view.reached(actual).then(done.resolve, done.resolve);
    await done.promise;
    cancel();
  }

  async #catchUp(): Promise<void> {
    const waiting = [...this.#waiting];
    try {
      await this.#target.view.catchUp();
      for (const one of waiting) one.isUpToDate = true;
    } catch (error) {
      this.#waiting.splice(0, waiting.length);
      rejectAll(waiting, error);
    }
  }
}

/** The keys that a group writes, which is added to meanwhile. */
class WrittenKeys {
  readonly #group: readonly Waiting[];
  readonly #keys = new Set<string>();
  /** Commits of the group whose keys are known. */
  #known = 0;

  constructor(group: readonly Waiting[]) {
    this.#group = group;
  }

  /** Whether a condition looks at one of them. */
  touch({ keys, covers }: Condition): boolean {
    for (; this.#known < this.#group.length; this.#known++) {
      const { writes } = this.#group[this.#known]!.commit;
      for (const { key } of writes) this.#keys.add(decodeUtf8(key));
    }
    for (const key of keys) if (this.#keys.has(key)) return true;
    if (covers === undefined) return false;
    return this.#group.some(({ commit }) => commit.writes.some(({ key }) => covers(key)));
  }
}

function rejectAll(group: readonly Waiting[], error: unknown): void {
  for (const { reject } of group) reject(error);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "too-large";
}

/** Whether somebody else has appended in between. */
function isOvertaken(error: unknown): error is SeglogError {
  return error instanceof SeglogError && error.code === "condition-failed";
}
