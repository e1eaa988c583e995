/**
 * Checks a batch that somebody else encoded: whatever a reader will rely on later has to be true.
 *
 * @module
 */
import { isValidUtf8, utf8Length } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import {
  HEADER_NAME_BYTES_MAX,
  RECORD_BYTES_MAX,
  RECORD_HEADERS_MAX,
  TIMESTAMP_MS_MAX,
} from "../base/limits.ts";
import type { BatchView } from "./batch.ts";
import { checkedProducer } from "./batch_builder.ts";
import type { LogRecord } from "./record.ts";

/** Batches that were looked at: whoever passes one on need not pay for it again. */
const checked = new WeakSet<BatchView>();

/** Notes that a batch is well made: the caller has just encoded it. */
export function trustBatch(batch: BatchView): void {
  checked.add(batch);
}

/**
 * Looks at the checksum, the offsets and every record of a batch, once.
 *
 * @throws {SeglogError} `invalid-record`, saying what is wrong; `invalid-argument` for its producer
 */
export function checkBatch(batch: BatchView): void {
  if (checked.has(batch)) return;
  const { recordCount, lastOffsetDelta, maxTimestampMs } = batch.header;
  if (lastOffsetDelta !== recordCount - 1) throw refusal("its offsets have gaps");
  let newestMs = 0;
  try {
    for (const record of batch.records()) {
      const complaint = complaintAbout(record);
      if (complaint !== undefined) {
        throw refusal(`record ${record.offset - batch.baseOffset} ${complaint}`);
      }
      newestMs = Math.max(newestMs, record.timestamp);
    }
    const producer = batch.producer();
    if (producer !== undefined) checkedProducer(producer);
  } catch (error) {
    const isCorrupt = error instanceof SeglogError && error.code === "corrupt";
    throw isCorrupt ? refusal(error.message, error) : error;
  }
  if (newestMs !== maxTimestampMs) {
    throw refusal("its newest timestamp is not what its header says");
  }
  checked.add(batch);
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

function refusal(why: string, cause?: unknown): SeglogError {
  return new SeglogError("invalid-record", `Cannot append the batch: ${why}`, { cause });
}
