/**
 * Checks a batch that somebody else encoded: whatever a reader will rely on later has to be true.
 *
 * @module
 */
import { ByteReader, isValidUtf8, unzigzag, utf8Length } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import {
  HEADER_NAME_BYTES_MAX,
  RECORD_BYTES_MAX,
  RECORD_HEADERS_MAX,
  TIMESTAMP_MS_MAX,
} from "../base/limits.ts";
import type { BatchView } from "./batch.ts";
import { checkedProducer } from "./batch_builder.ts";
import { seekField, TAG_PRODUCER, TAG_RECORD } from "./batch_fields.ts";
import type { BatchHeader } from "./batch_header.ts";
import { decodeRecord } from "./decode_record.ts";
import { type LogRecord, VALUE_TYPES, type ValueType } from "./record.ts";
import { TAG_KEY, TAG_OFFSET, TAG_TIMESTAMP, TAG_TYPE, TAG_VALUE } from "./record_fields.ts";

/** Batches that were looked at: whoever passes one on need not pay for it again. */
const checked = new WeakSet<BatchView>();

/** Notes that a batch is well made: the caller has just encoded it. */
export function trustBatch(batch: BatchView): void {
  checked.add(batch);
}

/**
 * Looks at the checksum, the offsets and every record of a batch that is to be appended, once.
 *
 * @throws {SeglogError} `invalid-record`, saying what is wrong; `invalid-argument` for its producer
 */
export function checkBatch(batch: BatchView): void {
  if (!batch.isDense) throw refusal("its offsets have gaps");
  checkStoredBatch(batch);
}

/** The same for a batch as another log has it: compaction may have made gaps. */
export function checkStoredBatch(batch: BatchView): void {
  if (checked.has(batch)) return;
  const { maxTimestampMs } = batch.header;
  let newestMs: number;
  try {
    newestMs = checkRecords(batch.payload(), batch.header);
    if (!batch.isDense) { for (const _ of batch.records()); // they look at their offsets
     }
    const producer = batch.producer();
    if (producer !== undefined) checkedProducer(producer);
  } catch (error) {
    if (error instanceof RangeError) throw refusal("its payload is malformed", error);
    const isCorrupt = error instanceof SeglogError && error.code === "corrupt";
    throw isCorrupt ? refusal(error.message, error) : error;
  }
  if (newestMs !== maxTimestampMs) {
    throw refusal("its newest timestamp is not what its header says");
  }
  checked.add(batch);
}

/**
 * Walks over all records without making any.
 *
 * @returns the largest timestamp
 * @throws {SeglogError} `invalid-record`
 * @throws {RangeError} when the payload is malformed
 */
function checkRecords(payload: Uint8Array, header: BatchHeader): number {
  const reader = new ByteReader(payload);
  const passed = header.hasProducer ? TAG_PRODUCER : undefined;
  let count = 0;
  let newestMs = 0;
  for (;;) {
    const length = seekField(reader, TAG_RECORD, passed);
    if (length === undefined) break;
    const timestampMs = checkRecord(reader, length, { header, index: count });
    if (!(timestampMs >= 0 && timestampMs <= TIMESTAMP_MS_MAX)) {
      throw refusal(`record ${count} has timestamp ${timestampMs}`);
    }
    newestMs = Math.max(newestMs, timestampMs);
    count++;
  }
  if (count === header.recordCount) return newestMs;
  throw refusal(`it holds ${count} of ${header.recordCount} records`);
}

/** Checks one record, moves past it, and returns its timestamp, whose bounds are not looked at. */
function checkRecord(
  reader: ByteReader,
  length: number,
  { header, index }: { readonly header: BatchHeader; readonly index: number },
): number {
  const start = reader.position;
  const outerEnd = reader.narrow(length);
  let keyLength = 0;
  let valueStart = -1;
  let valueEnd = -1;
  let timestampDelta = 0;
  let type = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === TAG_KEY) {
      keyLength = reader.varint();
      reader.skip(keyLength);
    } else if (tag === TAG_VALUE) {
      valueStart = reader.skip(reader.varint());
      valueEnd = reader.position;
    } else if (tag === TAG_TIMESTAMP) timestampDelta = unzigzag(reader.varint());
    else if (tag === TAG_TYPE) type = reader.varint() | 0;
    else if (tag === TAG_OFFSET) reader.varint();
    else { // headers, and what later versions add, which are few
      reader.position = start;
      reader.end = outerEnd;
      const { baseOffset, baseTimestampMs } = header;
      const context = { baseOffset, baseTimestampMs, index };
      return checkDecoded(decodeRecord(reader, length, context), index);
    }
  }
  reader.end = outerEnd;
  checkLength(keyLength + valueEnd - valueStart, index);
  const name = valueStart < 0 ? undefined : VALUE_TYPES[type];
  if (name !== undefined && name !== "bytes") {
    checkText(name, reader.bytes.subarray(valueStart, valueEnd), index);
  }
  return header.baseTimestampMs + timestampDelta;
}

/** The same for a record that was decoded. */
function checkDecoded({ key, value, headers, timestamp, type }: LogRecord, index: number): number {
  checkLength((key?.length ?? 0) + (value?.length ?? 0), index);
  if (type !== "bytes" && value !== null) checkText(type, value, index);
  const names = Object.keys(headers);
  if (names.length > RECORD_HEADERS_MAX) {
    throw refusal(`record ${index} has ${names.length} headers`);
  }
  for (const name of names) {
    const length = utf8Length(name);
    if (length >= 1 && length <= HEADER_NAME_BYTES_MAX) continue;
    throw refusal(`record ${index} has a header name of ${length} bytes`);
  }
  return timestamp;
}

function checkLength(bytes: number, index: number): void {
  if (bytes <= RECORD_BYTES_MAX) return;
  throw refusal(`record ${index} has ${bytes} bytes, ${RECORD_BYTES_MAX} at most`);
}

function checkText(type: ValueType, value: Uint8Array, index: number): void {
  if (isValidUtf8(value)) return;
  throw refusal(`record ${index} is ${type}, but its value is not UTF-8`);
}

function refusal(why: string, cause?: unknown): SeglogError {
  return new SeglogError("invalid-record", `Cannot append the batch: ${why}`, { cause });
}
