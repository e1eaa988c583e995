/**
 * Records of a stream on their way into the log: gathered, sorted by partition, appended.
 *
 * @module
 */
import type { AppendOptions, Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { RecordInput } from "../core/format/record.ts";
import type { ShapedRecord } from "../core/format/record_shape.ts";
import { partitionOf } from "../core/partitioner.ts";
import type { AppendProgress } from "./append_progress.ts";
import { LINE_BATCH_BYTES, LINE_BATCH_RECORDS } from "./limits.ts";

/** Where the records of a stream go. */
export interface LineTarget {
  readonly backend: Backend;
  readonly topic: string;
  readonly options: AppendOptions;
  readonly progress: AppendProgress;
}

/** Gathers records until they are enough for a batch. */
export class LineBatch {
  readonly #target: LineTarget;
  #pending: ShapedRecord[] = [];
  #bytes = 0;
  #firstLine = 0;
  #partitions: number | undefined;

  constructor(target: LineTarget) {
    this.#target = target;
  }

  /** Takes a record, and appends all that were gathered when they are enough. */
  async add(shaped: ShapedRecord, bytes: number, line: number): Promise<void> {
    if (this.#pending.length === 0) this.#firstLine = line;
    this.#pending.push(shaped);
    this.#bytes += bytes;
    const isFull = this.#pending.length >= LINE_BATCH_RECORDS || this.#bytes >= LINE_BATCH_BYTES;
    if (isFull) await this.flush();
  }

  /**
   * Appends all that were gathered, one batch for each partition.
   *
   * @throws {SeglogError} the error of an append, with the line at which the batch starts and what
   * was appended before; nothing stays gathered
   */
  async flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    this.#bytes = 0;
    if (pending.length === 0) return;
    const { progress } = this.#target;
    try {
      for (const [partition, records] of await this.#byPartition(pending)) {
        await this.#append(records, partition);
      }
    } catch (error) {
      throw progress.explain(error, { line: this.#firstLine });
    }
  }

  async #byPartition(pending: ShapedRecord[]): Promise<Map<number | undefined, RecordInput[]>> {
    const groups = new Map<number | undefined, RecordInput[]>();
    const fixed = this.#target.options.partition;
    if (fixed === undefined) this.#partitions ??= await this.#learnPartitions(pending);
    for (const { record, partition } of pending) {
      const place = fixed ?? partition ?? this.#placeOf(record);
      const group = groups.get(place);
      if (group === undefined) groups.set(place, [record]);
      else group.push(record);
    }
    return groups;
  }

  /** Records without a key go where the backend says, all of one batch together. */
  #placeOf({ key }: RecordInput): number | undefined {
    if (this.#partitions === 1) return 0;
    return key === undefined || key === null ? undefined : partitionOf(key, this.#partitions!);
  }

  /**
   * How many partitions the topic has. Where it is not there, the first record is appended by
   * itself: that makes the topic, or fails as any append to it does.
   */
  async #learnPartitions(pending: ShapedRecord[]): Promise<number> {
    const { backend, topic } = this.#target;
    try {
      return (await backend.describeTopic(topic)).config.partitions;
    } catch (error) {
      if (!(error instanceof SeglogError) || error.code !== "not-found") throw error;
    }
    const first = pending.shift()!;
    await this.#append([first.record], first.partition);
    return (await backend.describeTopic(topic)).config.partitions;
  }

  async #append(records: RecordInput[], partition: number | undefined): Promise<void> {
    const { backend, topic, options, progress } = this.#target;
    progress.add(await backend.append(topic, records, { ...options, partition }));
  }
}
