/**
 * Records of several partitions in the order of their timestamps.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import type { LogRecord } from "../../core/format/record.ts";
import { recordsOf } from "../../core/format/records_of.ts";
import { type LostRange, readBatches, readRecords } from "../../core/reading.ts";

/** A record, and the partition that it is from. */
export interface PartitionRecord {
  readonly partition: number;
  readonly record: LogRecord;
}

/** Offsets `[from, until)` of one partition. */
export interface ClosedRange {
  readonly partition: number;
  readonly from: number;
  readonly until: number;
}

/** Makes the callback that is told what was lost in a partition. */
export type OnLost = (place: { readonly partition: number }) => (lost: LostRange) => void;

/** What was lost is no record: it does not count. */
const ignored: OnLost = () => () => {};

/**
 * The records of all ranges, oldest first, or newest first. Within one partition they stay in the
 * order of their offsets, so only the next record of each partition is held.
 */
export async function* mergedByTime(
  backend: Backend,
  topic: string,
  options: {
    readonly ranges: readonly ClosedRange[];
    readonly reverse?: boolean;
    readonly onLost: OnLost;
  },
): AsyncGenerator<PartitionRecord, void, undefined> {
  const { ranges, reverse = false, onLost } = options;
  const sources: Source[] = [];
  try {
    for (const range of ranges) {
      if (range.from >= range.until) continue;
      const records = readRecords(backend, topic, { ...range, reverse, onLost: onLost(range) });
      await advance(sources, { partition: range.partition, records });
    }
    while (sources.length > 0) {
      const source = sources.reduce((a, b) => isBefore(b.head!, a.head!, reverse) ? b : a);
      yield source.head!;
      sources.splice(sources.indexOf(source), 1);
      await advance(sources, source);
    }
  } finally {
    await Promise.all(sources.map((source) => source.records.return()));
  }
}

/** Where the newest `count` records of all ranges start, partition by partition. */
export async function newestRanges(
  backend: Backend,
  topic: string,
  options: { readonly ranges: readonly ClosedRange[]; readonly count: number },
): Promise<ClosedRange[]> {
  const { ranges, count } = options;
  if (ranges.length === 1) return [await newestRange(backend, topic, { range: ranges[0]!, count })];
  const starts = new Map<number, number>();
  let left = count;
  if (left > 0) {
    const search = { ranges, reverse: true, onLost: ignored };
    for await (const newest of mergedByTime(backend, topic, search)) {
      starts.set(newest.partition, newest.record.offset);
      if (--left === 0) break;
    }
  }
  return ranges.map((range) => ({ ...range, from: starts.get(range.partition) ?? range.until }));
}

/** Counts records and not offsets, for there may be gaps; whole batches without decoding them. */
async function newestRange(
  backend: Backend,
  topic: string,
  { range, count }: { readonly range: ClosedRange; readonly count: number },
): Promise<ClosedRange> {
  let left = count;
  let from = range.until;
  if (left === 0 || range.from >= range.until) return { ...range, from };
  const search = { ...range, reverse: true, onLost: ignored(range) };
  for await (const batch of readBatches(backend, topic, search)) {
    const { recordCount } = batch.header;
    if (recordCount < left && batch.baseOffset >= range.from && batch.nextOffset <= range.until) {
      left -= recordCount;
      from = batch.baseOffset;
      continue;
    }
    for (const record of recordsOf(batch, { ...range, reverse: true })) {
      from = record.offset;
      if (--left === 0) return { ...range, from };
    }
  }
  return { ...range, from };
}

interface Source {
  readonly partition: number;
  readonly records: AsyncGenerator<LogRecord, void, undefined>;
  readonly head?: PartitionRecord;
}

/** Puts a source back with its next record, unless it has none. */
async function advance(sources: Source[], { partition, records }: Source): Promise<void> {
  const next = await records.next();
  if (next.done) return;
  sources.push({ partition, records, head: { partition, record: next.value } });
}

function isBefore(a: PartitionRecord, b: PartitionRecord, reverse: boolean): boolean {
  const order = a.record.timestamp - b.record.timestamp || a.partition - b.partition;
  return reverse ? order > 0 : order < 0;
}
