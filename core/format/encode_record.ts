/**
 * Encodes a record as the protobuf message of `record.proto`: exactly the bytes that generated
 * protobuf code writes, fields in number order, defaults left out.
 *
 * @module
 */
import { type ByteWriter, isValidUtf8, utf8Length, varintLength, zigzag } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import {
  HEADER_NAME_BYTES_MAX,
  RECORD_BYTES_MAX,
  RECORD_HEADERS_MAX,
  TIMESTAMP_MS_MAX,
} from "../base/limits.ts";
import { TAG_RECORD } from "./batch_fields.ts";
import { type RecordInput, VALUE_TYPES } from "./record.ts";
import {
  TAG_HEADER,
  TAG_KEY,
  TAG_OFFSET,
  TAG_TIMESTAMP,
  TAG_TYPE,
  TAG_VALUE,
} from "./record_fields.ts";

/** The timestamp that a record will have: its own, checked, or else `nowMs`. */
export function timestampOf(record: RecordInput, nowMs: number): number {
  const timestamp = record.timestamp;
  if (timestamp === undefined) return nowMs;
  if (Number.isSafeInteger(timestamp) && timestamp >= 0 && timestamp <= TIMESTAMP_MS_MAX) {
    return timestamp;
  }
  throw new SeglogError(
    "invalid-record",
    `Cannot append a record with timestamp ${timestamp}: it must be whole milliseconds from 0 to ${TIMESTAMP_MS_MAX}`,
  );
}

/**
 * Appends one record as element `records` of a `RecordBatch`: tag, length, message.
 *
 * @param timestampDelta milliseconds from the batch's base timestamp, of either sign
 * @param offsetDelta written only when it is not 0: batches of dense offsets leave it out
 * @throws {SeglogError} `invalid-record` or `too-large`, with nothing written
 */
export function encodeRecord(
  writer: ByteWriter,
  record: RecordInput,
  timestampDelta: number,
  offsetDelta = 0,
): void {
  const { key, value } = record;
  const type = typeNumberOf(record);
  const keyLength = lengthOf(key);
  const valueLength = lengthOf(value);
  const stamp = zigzag(timestampDelta);
  const headers = record.headers === undefined ? [] : checkedHeaders(record.headers);
  let length = fieldLength(keyLength) + fieldLength(valueLength);
  for (const header of headers) length += fieldLength(header.length);
  if (stamp !== 0) length += 1 + varintLength(stamp);
  if (offsetDelta !== 0) length += 1 + varintLength(offsetDelta);
  if (type !== 0) length += 2;
  if (length > RECORD_BYTES_MAX) throw recordTooLarge(length);

  writer.field(TAG_RECORD, length);
  if (keyLength >= 0) encodeField(writer, TAG_KEY, key!, keyLength);
  if (valueLength >= 0) encodeField(writer, TAG_VALUE, value!, valueLength);
  for (const header of headers) encodeHeader(writer, header);
  if (stamp !== 0) writer.field(TAG_TIMESTAMP, stamp);
  if (offsetDelta !== 0) writer.field(TAG_OFFSET, offsetDelta);
  if (type !== 0) writer.field(TAG_TYPE, type);
}

interface HeaderField {
  readonly name: string;
  readonly text: string;
  readonly nameLength: number;
  readonly textLength: number;
  /** Bytes of the map entry: generated code writes both fields, empty ones included. */
  readonly length: number;
}

function checkedHeaders(headers: Readonly<Record<string, string>>): HeaderField[] {
  const fields: HeaderField[] = [];
  for (const [name, text] of Object.entries(headers)) {
    const nameLength = utf8Length(name);
    const isText = typeof text === "string" && text.isWellFormed() && name.isWellFormed();
    if (nameLength === 0 || nameLength > HEADER_NAME_BYTES_MAX || !isText) {
      throw new SeglogError(
        "invalid-record",
        `Cannot append a record with header "${
          name.slice(0, 80)
        }": a name has 1 to ${HEADER_NAME_BYTES_MAX} bytes and its value is text, both valid Unicode`,
      );
    }
    const textLength = utf8Length(text);
    const length = fieldLength(nameLength) + fieldLength(textLength);
    fields.push({ name, text, nameLength, textLength, length });
  }
  if (fields.length > RECORD_HEADERS_MAX) {
    throw new SeglogError(
      "invalid-record",
      `Cannot append a record with ${fields.length} headers: ${RECORD_HEADERS_MAX} at most`,
    );
  }
  return fields;
}

function encodeHeader(writer: ByteWriter, header: HeaderField): void {
  writer.field(TAG_HEADER, header.length);
  encodeField(writer, TAG_KEY, header.name, header.nameLength);
  encodeField(writer, TAG_VALUE, header.text, header.textLength);
}

function encodeField(
  writer: ByteWriter,
  tag: number,
  content: string | Uint8Array,
  length: number,
): void {
  writer.field(tag, length);
  if (typeof content === "string") writer.utf8(content, length);
  else writer.bytes(content);
}

/** Bytes of a length-delimited field whose content has `length` bytes; none when it is absent. */
function fieldLength(length: number): number {
  return length < 0 ? 0 : 1 + varintLength(length) + length;
}

/** Bytes of a key or a value, -1 when it is absent. @throws {SeglogError} `invalid-record` */
function lengthOf(content: string | Uint8Array | null | undefined): number {
  if (content === null || content === undefined) return -1;
  if (typeof content !== "string") return content.length;
  const length = utf8Length(content);
  if (length === content.length || content.isWellFormed()) return length; // ASCII always is
  throw new SeglogError(
    "invalid-record",
    "Cannot append a record whose text has half of a surrogate pair: it is not Unicode; append it as bytes",
  );
}

function typeNumberOf(record: RecordInput): number {
  const { key, value, type } = record;
  if (value !== null && typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw new SeglogError(
      "invalid-record",
      `Cannot append a record whose value is ${typeof value}: give text, bytes or null, or json(value)`,
    );
  }
  if (
    key !== undefined && key !== null && typeof key !== "string" && !(key instanceof Uint8Array)
  ) {
    throw new SeglogError(
      "invalid-record",
      `Cannot append a record whose key is ${typeof key}: give text, bytes or null`,
    );
  }
  if (value === null) return 0;
  if (type === undefined) return typeof value === "string" ? 1 : 0;
  const number = VALUE_TYPES.indexOf(type);
  if (number < 0) {
    throw new SeglogError(
      "invalid-record",
      `Cannot append a record of type "${type}": the types are ${VALUE_TYPES.join(", ")}`,
    );
  }
  if (number > 0 && typeof value !== "string" && !isValidUtf8(value)) {
    throw new SeglogError(
      "invalid-record",
      `Cannot append a record of type "${type}" whose value is not UTF-8: append it as bytes`,
    );
  }
  return number;
}

function recordTooLarge(length: number): SeglogError {
  return new SeglogError(
    "too-large",
    `Cannot append a record of ${length} bytes: ${RECORD_BYTES_MAX} at most`,
    { details: { bytes: length, limit: RECORD_BYTES_MAX } },
  );
}
