/**
 * Reading, made of a backend's batches: records of one partition, or of a whole topic.
 *
 * @module
 */
import type { Backend, ReadOptions } from "./backend.ts";
import { absent, checkOffset } from "./base/offset_errors.ts";
import type { LogRecord } from "./format/record.ts";
import { recordsOf } from "./format/records_of.ts";

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

/** How many records are at the offsets `[start, end)` of a partition, however offsets have gaps. */
export async function countRecords(
  backend: Backend,
  topic: string,
  range: { readonly start: number; readonly end: number; readonly partition: number },
): Promise<number> {
  const { start, end, partition } = range;
  const info = (await backend.describeTopic(topic)).partitions[partition]!;
  if (info.records === info.nextOffset - info.logStartOffset) return end - start;
  let count = 0;
  for await (const batch of backend.batches(topic, { partition, from: start, until: end })) {
    const isWhole = batch.baseOffset >= start && batch.nextOffset <= end;
    count += isWhole
      ? batch.header.recordCount
      : [...recordsOf(batch, { from: start, until: end })].length;
  }
  return count;
}

/** The offset of the first of the last `count` records of a partition, however offsets have gaps. */
export async function startOfLast(
  backend: Backend,
  topic: string,
  last: { readonly count: number; readonly partition: number },
): Promise<number> {
  const { count, partition } = last;
  const { logStartOffset, nextOffset, records } = (await backend.describeTopic(topic))
    .partitions[partition]!;
  if (count >= records) return logStartOffset;
  if (count === 0) return nextOffset;
  if (records === nextOffset - logStartOffset) return nextOffset - count;
  let wanted = count;
  for await (const batch of backend.batches(topic, { partition, reverse: true })) {
    const { recordCount } = batch.header;
    if (wanted <= recordCount) return [...batch.records()].at(-wanted)!.offset;
    wanted -= recordCount;
  }
  return logStartOffset;
}
