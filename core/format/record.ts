/**
 * A record: what a caller gives, what a reader gets, and the protobuf message between them
 * (`record.proto`). The encoder writes exactly the bytes that generated protobuf code writes:
 * fields in number order, defaults left out.
 *
 * @module
 */
import {
  ByteReader,
  type ByteWriter,
  decodeText,
  decodeUtf8,
  EMPTY_BYTES,
  isValidUtf8,
  unzigzag,
  utf8Length,
  varintLength,
  zigzag,
} from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import {
  HEADER_NAME_BYTES_MAX,
  RECORD_BYTES_MAX,
  RECORD_HEADERS_MAX,
  TIMESTAMP_MS_MAX,
} from "../base/limits.ts";

/** What a value is: bytes, UTF-8 text, or the text of a JSON value. */
export type ValueType = "bytes" | "text" | "json";

/** The value types by their number on disk. */
export const VALUE_TYPES: readonly ValueType[] = ["bytes", "text", "json"];

/** What a caller appends. Byte arrays are copied before `append` returns its promise. */
export interface RecordInput {
  /** Chooses the partition, and names the thing that the record is about. */
  readonly key?: string | Uint8Array | null;
  /** `null` is a tombstone; empty is an empty value. */
  readonly value: string | Uint8Array | null;
  /** What `value` is: `text` for a string and `bytes` for an array unless given. */
  readonly type?: ValueType;
  /** At most 64 names with text values. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970; the time of the append unless given. */
  readonly timestamp?: number;
}

/**
 * A JSON value, ready to append.
 *
 * @param value anything that `JSON.stringify` takes
 * @throws {SeglogError} `invalid-record` when there is no JSON for it, as for `undefined`
 *
 * @example
 * ```ts
 * import { json, Log } from "seglog";
 *
 * const log = await Log.memory();
 * const offset = await log.append({ key: "u1", ...json({ qty: 2 }) });
 * console.assert((await log.read(offset)).text === '{"qty":2}');
 * await log.close();
 * ```
 */
export function json(value: unknown): { value: string; type: "json" } {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new SeglogError("invalid-record", `Cannot write ${typeof value} as JSON`);
  }
  return { value: text, type: "json" };
}

/**
 * A record as it was read. `key` and `value` are views of the block that was read: they stay
 * valid, and hold that block in memory for as long as they are held.
 */
export class LogRecord {
  /** The record's place in its partition. */
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** What the value is. */
  readonly type: ValueType;
  /** `null` when the record has no key. */
  readonly key: Uint8Array | null;
  /** `null` for a tombstone. */
  readonly value: Uint8Array | null;
  /** Text by name, in the order in which they were given. */
  readonly headers: Readonly<Record<string, string>>;

  /** A record of these fields; nothing is copied. */
  constructor(fields: {
    offset: number;
    timestamp: number;
    type: ValueType;
    key: Uint8Array | null;
    value: Uint8Array | null;
    headers: Readonly<Record<string, string>>;
  }) {
    this.offset = fields.offset;
    this.timestamp = fields.timestamp;
    this.type = fields.type;
    this.key = fields.key;
    this.value = fields.value;
    this.headers = fields.headers;
  }

  /** The key as text, `null` when there is none; what is not UTF-8 becomes U+FFFD. */
  get keyText(): string | null {
    return this.key === null ? null : decodeUtf8(this.key);
  }

  /** The value as text, empty for a tombstone; what is not UTF-8 becomes U+FFFD. */
  get text(): string {
    return this.value === null ? "" : decodeUtf8(this.value);
  }

  /** The value parsed as JSON, `null` for a tombstone. @throws {SyntaxError} when it is not JSON */
  json(): unknown {
    return this.value === null ? null : JSON.parse(this.text);
  }
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

const TAG_KEY = (1 << 3) | WIRE_BYTES;
const TAG_VALUE = (2 << 3) | WIRE_BYTES;
const TAG_HEADER = (3 << 3) | WIRE_BYTES;
const TAG_TIMESTAMP = (4 << 3) | WIRE_VARINT;
const TAG_OFFSET = (5 << 3) | WIRE_VARINT;
const TAG_TYPE = (6 << 3) | WIRE_VARINT;
const RECORD_FIELDS = 6;
const HEADER_FIELDS = 2;
/** Largest field number of protobuf. */
const FIELD_NUMBER_MAX = 2 ** 29 - 1;

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
  const keyLength = key === undefined || key === null ? -1 : lengthOf(key);
  const valueLength = value === null ? -1 : lengthOf(value);
  const stamp = zigzag(timestampDelta);
  let length = fieldLength(keyLength) + fieldLength(valueLength);
  const headers = record.headers === undefined ? [] : checkedHeaders(record.headers);
  for (const header of headers) length += fieldLength(header.length);
  if (stamp !== 0) length += 1 + varintLength(stamp);
  if (offsetDelta !== 0) length += 1 + varintLength(offsetDelta);
  if (type !== 0) length += 2;
  if (length > RECORD_BYTES_MAX) throw recordTooLarge(length);

  writer.byte(TAG_KEY); // element of RecordBatch.records: field 1, as Record.key
  writer.varint(length);
  if (keyLength >= 0) encodeField(writer, TAG_KEY, key!, keyLength);
  if (valueLength >= 0) encodeField(writer, TAG_VALUE, value!, valueLength);
  for (const header of headers) encodeHeader(writer, header);
  if (stamp !== 0) {
    writer.byte(TAG_TIMESTAMP);
    writer.varint(stamp);
  }
  if (offsetDelta !== 0) {
    writer.byte(TAG_OFFSET);
    writer.varint(offsetDelta);
  }
  if (type !== 0) {
    writer.byte(TAG_TYPE);
    writer.byte(type);
  }
}

/** A record's place and time, relative to its batch. */
export interface RecordContext {
  readonly baseOffset: number;
  readonly baseTimestampMs: number;
  /** The record's place in the batch, or -1 where offsets are written out. */
  readonly index: number;
}

/**
 * Decodes the `Record` message at `[start, end)` of `bytes`. Unknown fields are passed over.
 *
 * @throws {RangeError} when the message is malformed
 */
export function decodeRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: RecordContext,
): LogRecord {
  const reader = new ByteReader(bytes, start, end);
  let key: Uint8Array | null = null;
  let value: Uint8Array | null = null;
  let headers: [string, string][] | undefined;
  let timestampDelta = 0;
  let offsetDelta = 0;
  let type = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === TAG_KEY) key = readBytes(reader);
    else if (tag === TAG_VALUE) value = readBytes(reader);
    else if (tag === TAG_HEADER) (headers ??= []).push(readHeader(reader));
    else if (tag === TAG_TIMESTAMP) timestampDelta = unzigzag(reader.varint());
    else if (tag === TAG_OFFSET) offsetDelta = reader.varint();
    else if (tag === TAG_TYPE) type = reader.varint() | 0; // an enum has 32 bits
    else skipField(reader, tag, RECORD_FIELDS);
  }
  return new LogRecord({
    offset: context.baseOffset + (context.index < 0 ? offsetDelta : context.index),
    timestamp: context.baseTimestampMs + timestampDelta,
    type: value === null ? "bytes" : VALUE_TYPES[type] ?? "bytes",
    key,
    value,
    headers: headers === undefined ? NO_HEADERS : Object.fromEntries(headers),
  });
}

/**
 * Moves past a field that is not known, of any wire type. A known one comes here only with a wire
 * type that is not its own, which readers of protobuf take in different ways: it is no message.
 *
 * @param known the fields that the message has: numbers 1 to this
 * @throws {RangeError} for such a field, a number that no field can have, or another wire type
 */
export function skipField(reader: ByteReader, tag: number, known: number): void {
  const number = Math.floor(tag / 8);
  const wire = tag % 8;
  if (number <= known || number > FIELD_NUMBER_MAX) {
    throw new RangeError(`field ${number} of wire type ${wire} cannot be`);
  }
  if (wire === WIRE_VARINT) reader.skipVarint();
  else if (wire === WIRE_FIXED64) reader.skip(8);
  else if (wire === WIRE_BYTES) reader.skip(reader.varint());
  else if (wire === WIRE_FIXED32) reader.skip(4);
  else throw new RangeError(`wire type ${wire} is not known`);
}

function readBytes(reader: ByteReader): Uint8Array {
  const length = reader.varint();
  const start = reader.skip(length);
  return length === 0 ? EMPTY_BYTES : reader.bytes.subarray(start, start + length);
}

function readHeader(reader: ByteReader): [name: string, text: string] {
  const length = reader.varint();
  const start = reader.skip(length);
  const entry = new ByteReader(reader.bytes, start, start + length);
  let name = "";
  let text = "";
  while (!entry.done) {
    const tag = entry.tag();
    if (tag === TAG_KEY) name = decodeText(readBytes(entry));
    else if (tag === TAG_VALUE) text = decodeText(readBytes(entry));
    else skipField(entry, tag, HEADER_FIELDS);
  }
  return [name, text];
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
  writer.byte(TAG_HEADER);
  writer.varint(header.length);
  encodeField(writer, TAG_KEY, header.name, header.nameLength);
  encodeField(writer, TAG_VALUE, header.text, header.textLength);
}

function encodeField(
  writer: ByteWriter,
  tag: number,
  content: string | Uint8Array,
  length: number,
): void {
  writer.byte(tag);
  writer.varint(length);
  if (typeof content === "string") writer.utf8(content, length);
  else writer.bytes(content);
}

/** Bytes of a length-delimited field whose content has `length` bytes; none when it is absent. */
function fieldLength(length: number): number {
  return length < 0 ? 0 : 1 + varintLength(length) + length;
}

function lengthOf(content: string | Uint8Array): number {
  return typeof content === "string" ? utf8Length(content) : content.length;
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
  if (!isWellFormed(key) || !isWellFormed(value)) {
    throw new SeglogError(
      "invalid-record",
      "Cannot append a record whose text has half of a surrogate pair: it is not Unicode; append it as bytes",
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

function isWellFormed(content: string | Uint8Array | null | undefined): boolean {
  return typeof content !== "string" || content.isWellFormed();
}

function recordTooLarge(length: number): SeglogError {
  return new SeglogError(
    "too-large",
    `Cannot append a record of ${length} bytes: ${RECORD_BYTES_MAX} at most`,
    { details: { bytes: length, limit: RECORD_BYTES_MAX } },
  );
}
