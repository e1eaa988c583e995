/**
 * The one way into a bucket. Writes that wait together go in as one batch, which is there whole or
 * not at all. Those with conditions are checked against the index, and the batch is appended only
 * when nobody else appended since: what the log turns away is checked anew against what came, with
 * the end of the log reserved where that can be had, so that it is not overtaken for ever.
 *
 * @module
 */
import type { Backend, Reservation } from "../backend.ts";
import { ByteWriter } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import { BATCH_SHARED_BYTES, PENDING_BYTES_MAX } from "../base/limits.ts";
import { BatchBuilder } from "../format/batch_builder.ts";
import type { RecordInput } from "../format/record.ts";
import { sealBatch } from "../format/seal_batch.ts";
import type { SyncMode } from "../format/sync_mode.ts";
import { KeyIndex } from "./key_index.ts";
import type { KeyRange } from "./key_order.ts";
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
  readonly keys: Iterable<Uint8Array>;
  /** The ranges of keys that it looks at. */
  readonly ranges?: readonly KeyRange[];
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

type LogEnd = Pick<Reservation, "appendBatch">;

interface Waiting {
  readonly commit: Commit;
  /** Whether the index has all that was acknowledged to anybody before the commit was asked for. */
  isUpToDate: boolean;
  readonly resolve: (start: number) => void;
  readonly reject: (error: unknown) => void;
}

/** How long to wait for an append of others before looking again. */
const OTHERS_MS = 50;
/** Of a key that is written: whatever value it gets. */
const WRITTEN = { revision: 0, valueBytes: 0 };
/** So often others may be faster, where the end of the log cannot be reserved. */
const LOSSES_MAX = 100;
/** Memory of a write that waits, beside its key and value, about. */
const WRITE_BYTES = 256;
const WRITER_BYTES = 4096;
/** Memory that is kept between two batches. */
const WRITER_BYTES_KEPT = 2 * BATCH_SHARED_BYTES;

/** Commits to one bucket. */
export class CommitQueue {
  readonly #target: CommitTarget;
  readonly #writer = new ByteWriter(WRITER_BYTES);
  /** The end of the log, for everybody. */
  readonly #shared: LogEnd;
  #waiting: Waiting[] = [];
  /** Memory of the commits that are not done, about. */
  #waitingBytes = 0;
  /** How often in a row others were faster. */
  #losses = 0;
  /** Commits that go in one by one: one of them is refused, and not for the others' sake. */
  #apart = 0;
  #running: Promise<void> | undefined;

  constructor(target: CommitTarget) {
    this.#target = target;
    const { backend, topic } = target;
    this.#shared = {
      appendBatch: (batch, options) =>
        backend.appendBatch(topic, batch, { ...options, partition: BUCKET_PARTITION }),
    };
  }

  /**
   * Commits when what came before has been.
   *
   * @returns the offset of the first record, when all are acknowledged and in the index
   * @throws what its condition says, or the backend; `overloaded` when too much waits already
   */
  async commit(commit: Commit): Promise<number> {
    const bytes = commit.writes.reduce(
      (sum, { key, valueBytes = 0 }) => sum + key.length + valueBytes + WRITE_BYTES,
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
      if (this.#losses === 0) await this.#step(this.#shared);
      else await this.#alone();
    }
    this.#running = undefined;
  }

  /** With the end of the log reserved, once more is enough: what came before it is seen, and no more comes. */
  async #alone(): Promise<void> {
    const { backend, topic } = this.#target;
    // Why it cannot be had, an append will say.
    const reservation = await backend.reserve?.(topic, BUCKET_PARTITION).catch(() => undefined);
    try {
      do await this.#step(reservation ?? this.#shared); while (
        this.#losses > 0 && this.#waiting.length > 0
      );
    } finally {
      reservation?.release();
    }
  }

  async #step(end: LogEnd): Promise<void> {
    const builder = new BatchBuilder(this.#writer, 0);
    const group = this.#takeGroup(builder);
    if (group.length > 0) await this.#append(group, builder, end);
    else if (this.#waiting.length > 0) await this.#catchUp();
    this.#writer.truncate(0);
    this.#writer.shrink(WRITER_BYTES_KEPT);
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
      if (this.#apart > 0 && group.length > 0) break;
      // What can be overtaken does not keep the rest from going in.
      if (this.#losses > 0 && hasCondition(waiting) !== hasCondition(group[0] ?? waiting)) break;
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
    this.#apart = Math.max(0, this.#apart - done);
    return group;
  }

  async #append(group: readonly Waiting[], builder: BatchBuilder, end: LogEnd): Promise<void> {
    const { view, sync } = this.#target;
    const isConditional = group.some(hasCondition);
    let start: number;
    try {
      ({ start } = await end.appendBatch(sealBatch(builder, this.#writer), {
        ...isConditional ? { expectedOffset: view.position } : {},
        ...sync === undefined ? {} : { sync },
      }));
    } catch (error) {
      if (isConditional && isOvertaken(error) && ++this.#losses <= LOSSES_MAX) {
        this.#waiting.unshift(...group);
        if (!await this.#othersDone(error)) await this.#catchUp();
        return;
      }
      this.#losses = 0;
      if (group.length > 1 && isInvalid(error)) {
        this.#waiting.unshift(...group);
        this.#apart = group.length;
        return;
      }
      return rejectAll(group, isConditional && isOvertaken(error) ? this.#overtaken(error) : error);
    }
    this.#losses = 0;
    // It is in the log, and acknowledged: a view that fails now says so to whoever reads.
    await view.settle(start, group.flatMap(({ commit }) => commit.writes)).catch(() => {});
    let first = start;
    for (const { commit, resolve } of group) {
      resolve(first);
      first += commit.records.length;
    }
  }

  #overtaken(cause: SeglogError): SeglogError {
    return new SeglogError(
      "conflict",
      `Cannot commit to "${this.#target.topic}": others appended each of ${LOSSES_MAX} times in between; try again`,
      { cause },
    );
  }

  /** Waits for what others are appending just now. @returns whether it came: it may come to nothing */
  async #othersDone({ details: { actual } }: SeglogError): Promise<boolean> {
    const { view, clock } = this.#target;
    if (typeof actual !== "number") return false;
    const done = Promise.withResolvers<boolean>();
    const cancel = clock.after(OTHERS_MS, () => done.resolve(false));
    view.reached(actual).then(() => done.resolve(true), () => done.resolve(false));
    const hasCome = await done.promise;
    cancel();
    return hasCome;
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

/** The keys that a group writes, which is added to meanwhile: an index of its own. */
class WrittenKeys {
  readonly #group: readonly Waiting[];
  readonly #keys = new KeyIndex();
  /** Commits of the group whose keys are known. */
  #known = 0;

  constructor(group: readonly Waiting[]) {
    this.#group = group;
  }

  /** Whether a condition looks at one of them. */
  touch({ keys, ranges = [] }: Condition): boolean {
    for (; this.#known < this.#group.length; this.#known++) {
      const { writes } = this.#group[this.#known]!.commit;
      for (const { key } of writes) this.#keys.apply(key, WRITTEN);
    }
    if (this.#known === 0) return false;
    for (const key of keys) if (this.#keys.revisionOf(key) >= 0) return true;
    return ranges.some((range) => !this.#keys.list(range).next().done);
  }
}

function hasCondition({ commit }: Waiting): boolean {
  return commit.condition !== undefined;
}

function rejectAll(group: readonly Waiting[], error: unknown): void {
  for (const { reject } of group) reject(error);
}

/** Whether the backend takes no such record: a schema may refuse it. */
function isInvalid(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "invalid-record";
}

function isTooLarge(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "too-large";
}

/** Whether somebody else has appended in between. */
function isOvertaken(error: unknown): error is SeglogError {
  return error instanceof SeglogError && error.code === "condition-failed";
}
