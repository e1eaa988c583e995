/**
 * Appends records that each have an outcome of their own: what is wrong with one is no reason to
 * refuse the others.
 *
 * Records of a partition go in as batches, in their order. A batch that is refused for what is in it
 * is halved until the record is found; so a batch of good records costs one append.
 *
 * @module
 */
import type { AppendOptions, Backend } from "../../core/backend.ts";
import { isNotFound, SeglogError } from "../../core/base/errors.ts";
import type { RecordInput } from "../../core/format/record.ts";
import { partitionOf } from "../../core/partitioner.ts";
import { LINE_BATCH_BYTES, LINE_BATCH_RECORDS } from "../limits.ts";

/** Where one record is. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
  readonly durable: boolean;
}

/** What became of one record: where it is, or why it is not there. */
export type Outcome = Place | { readonly error: unknown };

/** Where records go. */
export interface EachTarget {
  readonly backend: Backend;
  readonly topic: string;
  readonly options: Pick<AppendOptions, "partition" | "sync">;
}

/** Codes that say that a record cannot be appended, whatever is done with the others. */
const CONTENT_FAULTS: readonly string[] = [
  "invalid-record",
  "invalid-argument",
  "too-large",
  "incompatible",
];

/** Whether an error is about what is in a record, and not about the state of the log. */
export function isContentFault(error: unknown): boolean {
  return error instanceof SeglogError && CONTENT_FAULTS.includes(error.code);
}

/** The outcome of each record, in their order. @throws {SeglogError} what describing the topic does */
export async function appendEach(
  target: EachTarget,
  records: readonly RecordInput[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = new Array(records.length);
  const waiting = records.map((record, index) => ({ index, record }));
  const partitions = await learnPartitions(target, waiting, outcomes);
  const groups = [...byPartition(target, waiting, partitions)];
  await Promise.all(groups.map(async ([partition, group]) => {
    for (const batch of batchesOf(group)) await appendBatch(target, batch, { partition, outcomes });
  }));
  return outcomes;
}

/** A record and its place among the others. */
interface Numbered {
  readonly index: number;
  readonly record: RecordInput;
}

/**
 * How many partitions the topic has. Where it is not there, one record is appended by itself: that
 * makes the topic, or fails as any append to it does.
 */
async function learnPartitions(
  target: EachTarget,
  waiting: Numbered[],
  outcomes: Outcome[],
): Promise<number> {
  const { backend, topic, options } = target;
  if (options.partition !== undefined) return 1;
  for (;;) {
    try {
      return (await backend.describeTopic(topic)).config.partitions;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const first = waiting.shift();
    if (first === undefined) return 1;
    await appendBatch(target, [first], { partition: undefined, outcomes });
  }
}

/** Records without a key go where the backend says, all of one batch together. */
function byPartition(
  { options: { partition } }: EachTarget,
  waiting: readonly Numbered[],
  partitions: number,
): Map<number | undefined, Numbered[]> {
  const groups = new Map<number | undefined, Numbered[]>();
  for (const one of waiting) {
    const { key } = one.record;
    const keyed = key === undefined || key === null ? undefined : partitionOf(key, partitions);
    const place = partition ?? (partitions === 1 ? 0 : keyed);
    const group = groups.get(place);
    if (group === undefined) groups.set(place, [one]);
    else group.push(one);
  }
  return groups;
}

function* batchesOf(group: readonly Numbered[]): Generator<Numbered[], void, undefined> {
  let batch: Numbered[] = [];
  let bytes = 0;
  for (const one of group) {
    const { key, value } = one.record;
    batch.push(one);
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    if (batch.length < LINE_BATCH_RECORDS && bytes < LINE_BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Appends some records, by halves where one of them is refused. */
async function appendBatch(
  target: EachTarget,
  batch: readonly Numbered[],
  place: { readonly partition: number | undefined; readonly outcomes: Outcome[] },
): Promise<void> {
  const { backend, topic, options } = target;
  const { partition, outcomes } = place;
  try {
    const chosen = partition === undefined ? options : { ...options, partition };
    const result = await backend.append(topic, batch.map(({ record }) => record), chosen);
    const { durable } = result;
    batch.forEach(({ index }, i) => {
      outcomes[index] = { partition: result.partition, offset: result.start + i, durable };
    });
  } catch (error) {
    if (batch.length === 1 || !isContentFault(error)) {
      for (const { index } of batch) outcomes[index] = { error };
      return;
    }
    const half = batch.length >> 1;
    await appendBatch(target, batch.slice(0, half), place);
    await appendBatch(target, batch.slice(half), place);
  }
}
