/**
 * Reading, made of a backend's batches: records of one partition, or of a whole topic.
 *
 * @module
 */
import type { Backend, ReadOptions } from "./backend.ts";
import { absent, checkOffset } from "./base/offset_errors.ts";
import type { BatchView } from "./format/batch.ts";
import type { LogRecord } from "./format/record.ts";

/** A record, and the partition that it is from. */
export interface PartitionRecord {
  readonly partition: number;
  readonly record: LogRecord;
}

/** Offsets `[from, until)`, in either direction. */
export interface OffsetRange {
  readonly from: number;
  readonly until: number;
  readonly reverse?: boolean;
}

/** The records of a batch that are in the range, in the direction of the range. */
export function recordsOf(batch: BatchView, range: OffsetRange): Iterable<LogRecord> {
  const { from, until } = range;
  if (range.reverse) return recordsInRange(batch, from, until).toReversed();
  if (batch.baseOffset >= from && batch.nextOffset <= until) return batch.records();
  return recordsInRange(batch, from, until);
}

/**
 * Records of one partition, one by one.
 *
 * @example
 * ```ts
 * import { readRecords, Store } from "seglog";
 *
 * await using store = await Store.memory();
 * await store.append("orders", [{ value: "a" }, { value: "b" }]);
 * for await (const record of readRecords(store, "orders", { from: 1 })) {
 *   console.assert(record.text === "b");
 * }
 * ```
 */
export async function* readRecords(
  backend: Backend,
  topic: string,
  options: ReadOptions = {},
): AsyncGenerator<LogRecord, void, undefined> {
  const { from = 0, until = Infinity, reverse = false } = options;
  for await (const batch of backend.batches(topic, options)) {
    yield* recordsOf(batch, { from, until, reverse });
  }
}

/** One record. @throws {SeglogError} `offset-out-of-range`, or `not-found` where there is a gap */
export async function readRecord(
  backend: Backend,
  topic: string,
  offset: number,
  partition = 0,
): Promise<LogRecord> {
  const { logStartOffset, nextOffset } = await backend.bounds(topic, partition);
  checkOffset(`"${topic}"`, offset, { logStartOffset, nextOffset });
  const range = { from: offset, until: offset + 1, partition };
  for await (const record of readRecords(backend, topic, range)) return record;
  throw absent(`"${topic}"`, offset);
}

function recordsInRange(batch: BatchView, from: number, until: number): LogRecord[] {
  const records: LogRecord[] = [];
  for (const record of batch.records()) {
    if (record.offset >= until) break;
    if (record.offset >= from) records.push(record);
  }
  return records;
}
