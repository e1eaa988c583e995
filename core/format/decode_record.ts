/**
 * Decodes the protobuf message `Record` of `record.proto`. Unknown fields are passed over.
 *
 * @module
 */
import { ByteReader, decodeText, unzigzag } from "../base/bytes.ts";
import { TIMESTAMP_MS_MAX } from "../base/limits.ts";
import { LogRecord, VALUE_TYPES } from "./record.ts";
import {
  HEADER_FIELDS,
  RECORD_FIELDS,
  TAG_HEADER,
  TAG_KEY,
  TAG_OFFSET,
  TAG_TIMESTAMP,
  TAG_TYPE,
  TAG_VALUE,
} from "./record_fields.ts";
import { skipField } from "./wire_format.ts";

/** A record's place and time, relative to its batch. */
export interface RecordContext {
  readonly baseOffset: number;
  readonly baseTimestampMs: number;
  /** The record's place in the batch, or -1 where offsets are written out. */
  readonly index: number;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Decodes the message of `length` bytes that `reader` stands at, and moves past it.
 *
 * @returns the record; its key and its value are views of the reader's bytes
 * @throws {RangeError} when the message is malformed, or its time is out of range
 */
export function decodeRecord(
  reader: ByteReader,
  length: number,
  context: RecordContext,
): LogRecord {
  const outerEnd = reader.narrow(length);
  let keyStart = -1;
  let keyEnd = -1;
  let valueStart = -1;
  let valueEnd = -1;
  let headers: [string, string][] | undefined;
  let timestampDelta = 0;
  let offsetDelta = 0;
  let type = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === TAG_KEY) {
      keyStart = reader.skip(reader.varint());
      keyEnd = reader.position;
    } else if (tag === TAG_VALUE) {
      valueStart = reader.skip(reader.varint());
      valueEnd = reader.position;
    } else if (tag === TAG_HEADER) (headers ??= []).push(readHeader(reader));
    else if (tag === TAG_TIMESTAMP) timestampDelta = unzigzag(reader.varint());
    else if (tag === TAG_OFFSET) offsetDelta = reader.varint();
    else if (tag === TAG_TYPE) type = reader.varint() | 0; // an enum has 32 bits
    else skipField(reader, tag, RECORD_FIELDS);
  }
  reader.end = outerEnd;
  const timestamp = context.baseTimestampMs + timestampDelta;
  if (!(timestamp >= 0 && timestamp <= TIMESTAMP_MS_MAX)) {
    throw new RangeError(`timestamp ${timestamp} is out of range`);
  }
  return new LogRecord({
    offset: context.baseOffset + (context.index < 0 ? offsetDelta : context.index),
    timestamp,
    type: valueStart < 0 ? "bytes" : VALUE_TYPES[type] ?? "bytes",
    headers: headers === undefined ? NO_HEADERS : Object.fromEntries(headers),
    bytes: reader.bytes,
    keyStart,
    keyEnd,
    valueStart,
    valueEnd,
  });
}

function readHeader(reader: ByteReader): [name: string, text: string] {
  const outerEnd = reader.narrow(reader.varint());
  let name = "";
  let text = "";
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === TAG_KEY) name = readText(reader);
    else if (tag === TAG_VALUE) text = readText(reader);
    else skipField(reader, tag, HEADER_FIELDS);
  }
  reader.end = outerEnd;
  return [name, text];
}

function readText(reader: ByteReader): string {
  const start = reader.skip(reader.varint());
  return decodeText(reader.bytes.subarray(start, reader.position));
}
