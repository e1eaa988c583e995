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
  /** The line of each of them. */
  #lines: number[] = [];
  #partitions: number | undefined;

  constructor(target: LineTarget) {
    this.#target = target;
  }

  /** Takes a record, and appends all that were gathered when they are enough. */
  async add(shaped: ShapedRecord, bytes: number, line: number): Promise<void> {
    this.#pending.push(shaped);
    this.#lines.push(line);
    this.#bytes += bytes;
    const isFull = this.#pending.length >= LINE_BATCH_RECORDS || this.#bytes >= LINE_BATCH_BYTES;
    if (isFull) await this.flush();
  }

  /**
   * Appends all that were gathered, one batch for each partition.
   *
   * @throws {SeglogError} the error of an append, with the line of the record that it is about, else
   * that at which the batch starts, and what was appended before; nothing stays gathered
   */
  async flush(): Promise<void> {
    const [pending, lines] = [this.#pending, this.#lines];
    this.#pending = [];
    this.#lines = [];
    this.#bytes = 0;
    if (pending.length === 0) return;
    const { progress } = this.#target;
    let records: readonly RecordInput[] = [];
    try {
      for (const [partition, group] of await this.#byPartition(pending)) {
        records = group;
        await this.#append(group, partition);
      }
    } catch (error) {
      const refused = refusedOf(error, records);
      const place = pending.findIndex(({ record }) => record === refused);
      const gone = lines.length - pending.length; // one that made the topic
      throw progress.explain(error, { line: lines[place < 0 ? 0 : place + gone]! });
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

/** The record that an error is about, where it names one of its batch. */
function refusedOf(error: unknown, records: readonly RecordInput[]): RecordInput | undefined {
  const index = error instanceof SeglogError ? error.details.index : undefined;
  return typeof index === "number" ? records[index] : undefined;
}
