/**
 * Whether two records, or two batches, are the same in all that was given to them.
 *
 * @module
 */
import { equalBytes } from "../core/base/bytes.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { BatchHeader } from "../core/format/batch_header.ts";
import type { LogRecord } from "../core/format/record.ts";

/** What two headers have in common whose batches have the same records at the same offsets. */
const TELLING = [
  "payloadCrc",
  "payloadLength",
  "uncompressedLength",
  "codec",
  "baseOffset",
  "recordCount",
  "lastOffsetDelta",
  "baseTimestampMs",
] as const satisfies readonly (keyof BatchHeader)[];

/** Whether records are the same: offset, time, key, value and headers. */
export function isSameRecord(one: LogRecord, other: LogRecord): boolean {
  return one.offset === other.offset && one.timestamp === other.timestamp &&
    one.type === other.type && isSameBytes(one.key, other.key) &&
    isSameBytes(one.value, other.value) &&
    JSON.stringify(one.headers) === JSON.stringify(other.headers);
}

/** Whether batches are surely the same, byte for byte; both were checked. */
export function isSameBatch({ header: one }: BatchView, { header: other }: BatchView): boolean {
  return TELLING.every((name) => one[name] === other[name]);
}

/** The batch itself. @throws {SeglogError} `corrupt` when its bytes are not those that were stored */
export function intact(batch: BatchView): BatchView {
  if (!batch.isIntact()) batch.payload();
  return batch;
}

function isSameBytes(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : equalBytes(one, other);
}
