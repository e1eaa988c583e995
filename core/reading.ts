/**
 * Reading, made of a backend's batches: records of one partition, or of a whole topic.
 *
 * @module
 */
import type { Backend, ReadOptions } from "./backend.ts";
import { SeglogError } from "./base/errors.ts";
import { absent, checkOffset } from "./base/offset_errors.ts";
import type { BatchView } from "./format/batch.ts";
import type { LogRecord } from "./format/record.ts";
import { recordsOf } from "./format/records_of.ts";

/** Offsets `[start, end)` whose records were damaged, and given up by a repair. */
export interface LostRange {
  /** First offset. */
  readonly start: number;
  /** Offset after the last. */
  readonly end: number;
}

/** What to read, and what to do where records were lost. */
export interface ReadPastOptions extends ReadOptions {
  /**
   * Is told of each range of offsets that a repair gave up, in the order of reading, which then goes
   * on behind it. Without it reading ends there, with the error `lost`.
   */
  readonly onLost?: (range: LostRange) => void;
}

/**
 * Records of one partition, one by one.
 *
 * @throws {SeglogError} as `Backend.batches`
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
  options: ReadPastOptions = {},
): AsyncGenerator<LogRecord, void, undefined> {
  const { from = 0, until = Infinity, reverse = false, key } = options;
  for await (const batch of readBatches(backend, topic, options)) {
    yield* recordsOf(batch, { from, until, reverse, key });
  }
}

/** The batches that overlap the range, as `Backend.batches`, but past what was lost. */
export async function* readBatches(
  backend: Backend,
  topic: string,
  { onLost, ...options }: ReadPastOptions = {},
): AsyncGenerator<BatchView, void, undefined> {
  let range: ReadOptions | undefined = options;
  while (range !== undefined) {
    try {
      return yield* backend.batches(topic, range);
    } catch (error) {
      const lost = lostIn(error);
      if (onLost === undefined || lost === undefined) throw error;
      onLost(lost);
      range = rangePast(range, lost);
    }
  }
}

/** What of a range is left behind offsets that were lost, in the direction of reading. */
function rangePast(range: ReadOptions, { start, end }: LostRange): ReadOptions | undefined {
  if (range.reverse) return start > (range.from ?? 0) ? { ...range, until: start } : undefined;
  return end < (range.until ?? Infinity) ? { ...range, from: end } : undefined;
}

/** The offsets that an error says were lost; `undefined` for any other error. */
export function lostIn(error: unknown): LostRange | undefined {
  if (!(error instanceof SeglogError) || error.code !== "lost") return undefined;
  const { start, end } = error.details;
  return typeof start === "number" && typeof end === "number" && start < end
    ? { start, end }
    : undefined;
}

/**
 * One record by way of its batch, where there is no shorter one: `Backend.read`.
 *
 * @throws {SeglogError} as `Backend.read`
 */
export async function readFromBatch(
  backend: Pick<Backend, "batches" | "bounds">,
  topic: string,
  { offset, partition }: { readonly offset: number; readonly partition: number },
): Promise<LogRecord> {
  const range = { from: offset, until: offset + 1 };
  const find = async () => {
    for await (const batch of backend.batches(topic, { ...range, partition })) {
      for (const record of recordsOf(batch, range)) return record;
    }
  };
  const found = await find();
  if (found !== undefined) return found;
  checkOffset(`"${topic}"`, offset, await backend.bounds(topic, partition));
  const appended = await find(); // it may have come after the first look
  if (appended !== undefined) return appended;
  throw absent(`"${topic}"`, offset);
}

/** Records that are asked for at the same time. */
const READS_AT_ONCE = 64;

/** The records at some offsets, each by a reading of its own, many at a time: `Backend.readAll`. */
export async function readEach(
  backend: Pick<Backend, "read">,
  topic: string,
  { offsets, partition }: { readonly offsets: readonly number[]; readonly partition: number },
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (let start = 0; start < offsets.length; start += READS_AT_ONCE) {
    const some = offsets.slice(start, start + READS_AT_ONCE);
    records.push(...await Promise.all(some.map((each) => backend.read(topic, each, partition))));
  }
  return records;
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
  const walk = { partition, from: start, until: end, onLost: ignored };
  for await (const batch of readBatches(backend, topic, walk)) {
    const isWhole = batch.baseOffset >= start && batch.nextOffset <= end;
    count += isWhole
      ? batch.header.recordCount
      : [...recordsOf(batch, { from: start, until: end })].length;
  }
  return count;
}

/** What was lost is no record: it does not count. */
function ignored(): void {}

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
  const walk = { partition, reverse: true, onLost: ignored };
  for await (const batch of readBatches(backend, topic, walk)) {
    const { recordCount } = batch.header;
    if (wanted <= recordCount) return [...batch.records()].at(-wanted)!.offset;
    wanted -= recordCount;
  }
  return logStartOffset;
}
