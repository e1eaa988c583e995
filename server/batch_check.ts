/**
 * Checks batches that come from outside before they reach a log: whatever a reader will rely on
 * later has to be true.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import {
  HEADER_NAME_BYTES_MAX,
  RECORD_BYTES_MAX,
  RECORD_HEADERS_MAX,
  TIMESTAMP_MS_MAX,
} from "../core/base/limits.ts";
import { isValidUtf8, utf8Length } from "../core/base/bytes.ts";
import { checkedProducer } from "../core/format/batch_builder.ts";
import { WIRE_SALT } from "../core/format/batch_header.ts";
import { type BatchView, decodeBatch } from "../core/format/batch.ts";
import type { LogRecord } from "../core/format/record.ts";

/**
 * The batches of a body, each with its checksums and its records looked at.
 *
 * @throws {SeglogError} `invalid-record`, naming the batch
 */
export function checkedBatches(body: Uint8Array): BatchView[] {
  const batches: BatchView[] = [];
  for (let at = 0; at < body.length || batches.length === 0;) {
    const batch = decodeBatch(body, at, WIRE_SALT);
    const refuse = (why: string, cause?: unknown) =>
      new SeglogError(
        "invalid-record",
        `Cannot append batch ${batches.length} at byte ${at} of the body: ${why}`,
        { cause, details: { batch: batches.length } },
      );
    if (typeof batch === "string") throw refuse(batch);
    checkRecords(batch, refuse);
    batches.push(batch);
    at += batch.bytes.length;
  }
  return batches;
}

type Refuse = (why: string, cause?: unknown) => SeglogError;

function checkRecords(batch: BatchView, refuse: Refuse): void {
  const { recordCount, lastOffsetDelta, maxTimestampMs } = batch.header;
  if (lastOffsetDelta !== recordCount - 1) throw refuse("its offsets have gaps");
  let newest = 0;
  try {
    for (const record of batch.records()) {
      const complaint = complaintAbout(record);
      if (complaint !== undefined) {
        throw refuse(`record ${record.offset - batch.baseOffset} ${complaint}`);
      }
      newest = Math.max(newest, record.timestamp);
    }
    const producer = batch.producer();
    if (producer !== undefined) checkedProducer(producer);
  } catch (error) {
    if (error instanceof SeglogError && error.code === "corrupt") {
      throw refuse(error.message, error);
    }
    throw error;
  }
  if (newest !== maxTimestampMs) throw refuse("its newest timestamp is not what its header says");
}

function complaintAbout(record: LogRecord): string | undefined {
  const { key, value, headers, timestamp, type } = record;
  const bytes = (key?.length ?? 0) + (value?.length ?? 0);
  if (bytes > RECORD_BYTES_MAX) return `has ${bytes} bytes, ${RECORD_BYTES_MAX} at most`;
  if (!(timestamp >= 0 && timestamp <= TIMESTAMP_MS_MAX)) return `has timestamp ${timestamp}`;
  if (type !== "bytes" && value !== null && !isValidUtf8(value)) {
    return `is ${type}, but its value is not UTF-8`;
  }
  const names = Object.keys(headers);
  if (names.length > RECORD_HEADERS_MAX) return `has ${names.length} headers`;
  for (const name of names) {
    const length = utf8Length(name);
    if (length < 1 || length > HEADER_NAME_BYTES_MAX) return `has a header name of ${length} bytes`;
  }
  return undefined;
}
