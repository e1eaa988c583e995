/**
 * The part of a batch that is wanted.
 *
 * @module
 */
import { equalBytes } from "../base/bytes.ts";
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
  /** Only records with this key. */
  readonly key?: Uint8Array | undefined;
}

/** The records of a batch that are in the range, in the direction of the range. */
export function recordsOf(batch: BatchView, range: OffsetRange): Iterable<LogRecord> {
  const { from, until, key } = range;
  if (range.reverse) return recordsInRange(batch, range).toReversed();
  const isAll = batch.baseOffset >= from && batch.nextOffset <= until && key === undefined;
  return isAll ? batch.records() : recordsInRange(batch, range);
}

/** Whether a batch holds a record with this key. @throws {SeglogError} `corrupt` */
export function holdsKey(batch: BatchView, key: Uint8Array): boolean {
  for (const record of batch.records()) if (hasKey(record, key)) return true;
  return false;
}

function recordsInRange(batch: BatchView, { from, until, key }: OffsetRange): LogRecord[] {
  const records: LogRecord[] = [];
  for (const record of batch.records()) {
    if (record.offset >= until) break;
    if (record.offset < from) continue;
    if (key === undefined || hasKey(record, key)) records.push(record);
  }
  return records;
}

function hasKey(record: LogRecord, key: Uint8Array): boolean {
  return record.key !== null && equalBytes(record.key, key);
}
