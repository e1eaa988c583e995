/**
 * The index of a bucket, kept up with its topic: what this process writes is in it as soon as it is
 * acknowledged, what others write as soon as it comes.
 *
 * @module
 */
import type { Backend, ReadOptions, TopicDetails } from "../backend.ts";
import { systemClock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import { KV_CHECKPOINT_BYTES, KV_CLOSE_CHECKPOINT_BYTES } from "../base/limits.ts";
import { overtakenTo } from "../base/offset_errors.ts";
import { pause } from "../base/pause.ts";
import type { BatchView } from "../format/batch.ts";
import { recordsOf } from "../format/records_of.ts";
import { readBatches } from "../reading.ts";
import { Checkpoints } from "./checkpoints.ts";
import { KeyIndex, type Version } from "./key_index.ts";
import { BUCKET_PARTITION, isKey } from "./kv_key.ts";

/** Others may write while a checkpoint looks at the last record. */
const KEEP_TRIES = 10;
/** Compaction may pass while the log is read for the first time. */
const OPEN_TRIES = 10;

/** How long to wait before a topic that could not be read is tried again. */
const AGAIN_MS = 250;

/** What one record said, that is in the log. */
export interface AppliedWrite {
  readonly key: Uint8Array;
  /** Bytes of the value; `undefined` when the key was deleted. */
  readonly valueBytes: number | undefined;
}

/** Folds the records of a topic into an index. */
export class KvView {
  readonly index: KeyIndex;
  readonly #backend: Backend;
  readonly #topic: string;
  readonly #ending = new AbortController();
  /** Below it everything is in the index. */
  #position: number;
  /** Who waits for a position, in no order. */
  #waiting: { readonly position: number; readonly settle: () => void }[] = [];
  /** Below it, records were truncated, and their keys forgotten. */
  #start = 0;
  /** How often the last records had been taken away when the log was read. */
  readonly #truncations: number;
  #failure: unknown;
  /** Why the topic cannot be read at the moment. */
  #outage: unknown;
  #following: Promise<void> | undefined;
  readonly #checkpoints: Checkpoints;
  /** Bytes of what was taken in since the last checkpoint. */
  #newBytes = 0;
  #keeping: Promise<void> | undefined;

  private constructor(
    backend: Backend,
    topic: string,
    start: { checkpoints: Checkpoints; index: KeyIndex; position: number; truncations: number },
  ) {
    this.#truncations = start.truncations;
    this.#backend = backend;
    this.#topic = topic;
    this.#checkpoints = start.checkpoints;
    this.index = start.index;
    this.#position = start.position;
  }

  /** Reads all that is there behind the last checkpoint, and follows from then on. */
  static async open(backend: Backend, topic: TopicDetails): Promise<KvView> {
    const { name } = topic;
    for (let details = topic, tries = 1;; tries++) {
      const before = details.partitions[BUCKET_PARTITION]!;
      const checkpoints = new Checkpoints(backend, details);
      const known = await checkpoints.load(before) ??
        { index: new KeyIndex(), position: before.logStartOffset };
      // What is read is not compacted meanwhile, where that can be asked for: a deletion that is not
      // read yet would go, and with it the value that was.
      const release = backend.hold?.(name, Math.max(0, known.position - 1), BUCKET_PARTITION);
      const { truncations } = before;
      const view = new KvView(backend, name, { checkpoints, truncations, ...known });
      try {
        await view.catchUp();
        details = await backend.describeTopic(name);
      } finally {
        release?.();
      }
      const after = details.partitions[BUCKET_PARTITION]!;
      const isCompacted = after.compactedTo !== before.compactedTo;
      if (!isCompacted && after.truncations === truncations) {
        view.#following = view.#follow();
        return view;
      }
      if (tries === OPEN_TRIES) {
        throw new SeglogError(
          "overloaded",
          `Cannot open the bucket "${name}": it was compacted or truncated each of ${tries} times while it was read; try again`,
        );
      }
    }
  }

  /** The offset of the next record that will be taken in. @throws as `check` */
  get position(): number {
    this.check();
    return this.#position;
  }

  /** @throws {SeglogError} why nothing is taken in any more, or at the moment */
  check(): void {
    const why = this.#failure ?? this.#outage;
    if (why !== undefined) throw why;
  }

  /** Takes in everything that is in the log at the time of the call. */
  async catchUp(): Promise<void> {
    const { partitions } = await this.#backend.describeTopic(this.#topic);
    const { logStartOffset, nextOffset, truncations } = partitions[BUCKET_PARTITION]!;
    this.#checkTruncations(truncations);
    this.forgetBelow(logStartOffset);
    await this.#read({ until: nextOffset });
    this.#moveTo(nextOffset); // what was at the end may have been cut off
  }

  /** Lets go of keys whose records were truncated, those below an offset, and goes on from there. */
  forgetBelow(logStartOffset: number): void {
    if (logStartOffset <= this.#start) return;
    this.#start = logStartOffset;
    this.index.forgetBelow(logStartOffset);
    this.#moveTo(logStartOffset);
  }

  /** Takes in what this process wrote to `[start, start + writes.length)`. */
  async settle(start: number, writes: readonly AppliedWrite[]): Promise<void> {
    const end = start + writes.length;
    if (start > this.#position) await this.reached(end); // others wrote in between
    for (let revision = this.#position; revision < end; revision++) {
      const { key, valueBytes } = writes[revision - start]!;
      this.#apply(key, { revision, valueBytes });
    }
    this.#moveTo(end);
  }

  /** Aborted when the bucket is closed. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Follows no more, and keeps what would take time to read again. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#following;
    await this.#keeping;
    if (this.#newBytes >= KV_CLOSE_CHECKPOINT_BYTES) await this.#keep();
    this.#fail(new SeglogError("closed", `Cannot use the bucket "${this.#topic}": it is closed`));
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    try {
      while (!signal.aborted) {
        await this.#read({ follow: true, signal }).catch((error) => this.#wait(error));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Resolves when everything is taken in again. @throws what does not pass by itself */
  async #wait(why: unknown): Promise<void> {
    const { signal } = this.#ending;
    this.#outage = why;
    while (this.#outage !== undefined && !signal.aborted) {
      if (!isPassing(this.#outage)) throw this.#outage;
      this.#wake();
      await pause(systemClock, AGAIN_MS, [signal]);
      this.#outage = await this.catchUp().catch((error) => error);
    }
  }

  /** Takes in what is there. Keys of records that a repair gave up are gone, like those truncated meanwhile. */
  async #read(how: Pick<ReadOptions, "until" | "follow" | "signal">): Promise<void> {
    const options = { ...how, partition: BUCKET_PARTITION, onLost: () => {} };
    while (this.#position < (how.until ?? Infinity)) {
      const range = { ...options, from: this.#position };
      try {
        for await (const batch of readBatches(this.#backend, this.#topic, range)) {
          this.#takeIn(batch);
        }
        return;
      } catch (error) {
        const start = overtakenTo(error);
        if (start === undefined) throw error;
        this.forgetBelow(start);
      }
    }
  }

  /** @throws {SeglogError} `closed` when records were taken away from the end: the index has them */
  #checkTruncations(truncations: number): void {
    if (truncations === this.#truncations) return;
    this.#fail(
      new SeglogError(
        "closed",
        `Cannot use the bucket "${this.#topic}" any more: its last records were truncated; open it again`,
      ),
    );
    this.check();
  }

  #takeIn(batch: BatchView): void {
    if (batch.nextOffset <= this.#position) return;
    const range = { from: this.#position, until: batch.nextOffset };
    for (const { offset, key, value } of recordsOf(batch, range)) {
      if (isKey(key)) this.#apply(key, { revision: offset, valueBytes: value?.length });
    }
    this.#moveTo(batch.nextOffset);
  }

  #apply(key: Uint8Array, version: Version): void {
    this.index.apply(key, version);
    this.#newBytes += key.length + (version.valueBytes ?? 0);
  }

  /** Makes a checkpoint, unless the index changes all the time: then a later one will do. */
  async #keep(): Promise<void> {
    for (let tries = 0; tries < KEEP_TRIES; tries++) {
      const { index } = this;
      const position = this.#position;
      const witness = await this.#checkpoints.witnessAt(position - 1);
      if (witness === undefined) return;
      if (position !== this.#position) continue;
      this.#newBytes = 0;
      const truncations = this.#truncations;
      return await this.#checkpoints.save({ index, position, witness, truncations });
    }
  }

  #moveTo(position: number): void {
    if (position <= this.#position) return;
    this.#position = position;
    if (this.#waiting.length > 0) this.#wake();
    if (this.#newBytes >= KV_CHECKPOINT_BYTES && this.#following !== undefined) {
      this.#keeping ??= this.#keep().finally(() => this.#keeping = undefined);
    }
  }

  /** Resolves when everything below `position` is taken in. @throws as `check` */
  async reached(position: number): Promise<void> {
    while (this.position < position) {
      await new Promise<void>((settle) => this.#waiting.push({ position, settle }));
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const isStuck = this.#failure !== undefined || this.#outage !== undefined;
    for (const waiter of waiting) {
      if (waiter.position <= this.#position || isStuck) waiter.settle();
      else this.#waiting.push(waiter);
    }
  }
}

/** Whether it may be otherwise in a moment; a backend that is closed stays so. */
function isPassing(error: unknown): boolean {
  return error instanceof SeglogError && error.retryable && error.code !== "closed";
}
