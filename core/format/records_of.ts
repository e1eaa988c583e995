/**
 * The part of a batch that is wanted.
 *
 * @module
 */
import type { BatchView } from "./batch.ts";
import type { LogRecord } from "./record.ts";

/** Offsets `[from, until)`, in either direction. */
export interface OffsetRange {
  /** First offset. */
  readonly from: number;
  /** Offset after the last. */
  readonly until: number;
  /** Newest first. */
  readonly reverse?: boolean;
}

/** The records of a batch that are in the range, in the direction of the range. */
export function recordsOf(batch: BatchView, range: OffsetRange): Iterable<LogRecord> {
  const { from, until } = range;
  if (range.reverse) return recordsInRange(batch, from, until).toReversed();
  if (batch.baseOffset >= from && batch.nextOffset <= until) return batch.records();
  return recordsInRange(batch, from, until);
}

function recordsInRange(batch: BatchView, from: number, until: number): LogRecord[] {
  const records: LogRecord[] = [];
  for (const record of batch.records()) {
    if (record.offset >= until) break;
    if (record.offset >= from) records.push(record);
  }
  return records;
}
