/**
 * Records from their JSON shape as bytes, where the bytes of key and value can be taken as they
 * are. That is what most lines are: no object is made of them, and nothing is decoded only to be
 * encoded again.
 *
 * What is not so plain, or not the shape of a record at all, is left to `parseRecordShape`, which
 * decides everything and has the words for it.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { JsonScanner } from "./json_scanner.ts";
import type { ValueType } from "./record.ts";
import {
  shapedHeaders,
  shapedPartition,
  type ShapedRecord,
  shapedTimestamp,
} from "./record_shape.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** What `null` begins with, and no other value. */
const NULL_START = 0x6e;

/** The members that are known here: a record with another one is not plain. */
const NAMES = ["value", "key", "type", "headers", "timestamp", "partition", "topic", "offset"];
const QUOTED_NAMES = NAMES.map((name) => encodeUtf8(JSON.stringify(name)));
const VALUE = 0;
const KEY = 1;
const TYPE = 2;
const HEADERS = 3;
const TIMESTAMP = 4;
const PARTITION = 5;
/** The types that a plain record may name. */
const TYPES = ["text", "json"] as const;
const QUOTED_TYPES = TYPES.map((type) => encodeUtf8(JSON.stringify(type)));

const scanner = new JsonScanner();
/** Where the members of the record at hand lie: `[start, end)`, the start being -1 for none. */
const starts = new Int32Array(NAMES.length);
const ends = new Int32Array(NAMES.length);

/**
 * The record of a line.
 *
 * @param line one JSON object
 * @returns the record, its key and its value being views of the line; `undefined` where it takes
 * `parseRecordShape` to tell
 * @throws {SeglogError} `invalid-record` as `parseRecordShape`
 */
export function parsePlainShape(line: Uint8Array): ShapedRecord | undefined {
  scanner.start(line);
  scanner.space();
  if (!findMembers()) return undefined;
  scanner.space();
  return scanner.isAtEnd() ? plainRecord() : undefined;
}

/**
 * The records of an array, as {@linkcode parsePlainShape}.
 *
 * @param text UTF-8
 * @param recordsMax most elements
 */
export function parsePlainShapes(text: Uint8Array, recordsMax: number): ShapedRecord[] | undefined {
  const shaped: ShapedRecord[] = [];
  scanner.start(text);
  scanner.space();
  if (!scanner.take(OPEN_BRACKET)) return undefined;
  do {
    scanner.space();
    const record = findMembers() ? plainRecord() : undefined;
    if (record === undefined || shaped.length === recordsMax) return undefined;
    shaped.push(record);
    scanner.space();
  } while (scanner.take(COMMA));
  if (!scanner.take(CLOSE_BRACKET)) return undefined;
  scanner.space();
  return scanner.isAtEnd() ? shaped : undefined;
}

/** Finds the values of the object that the scanner stands at, and moves past it. */
function findMembers(): boolean {
  starts.fill(-1);
  if (!scanner.take(OPEN_BRACE)) return false;
  do {
    scanner.space();
    const nameStart = scanner.at;
    if (!scanner.string()) return false;
    const name = placeOf(QUOTED_NAMES, nameStart, scanner.at);
    if (name < 0) return false;
    scanner.space();
    if (!scanner.take(COLON)) return false;
    scanner.space();
    const start = scanner.at;
    scanner.sawEscape = false;
    if (!scanner.value()) return false;
    if (scanner.sawEscape && scanner.bytes[start] === QUOTE) return false;
    starts[name] = start; // of two with one name the last one counts
    ends[name] = scanner.at;
    scanner.space();
  } while (scanner.take(COMMA));
  return scanner.take(CLOSE_BRACE);
}

/** The record whose members were found. */
function plainRecord(): ShapedRecord | undefined {
  const { bytes } = scanner;
  const key = plainKey();
  const kind = bytes[starts[VALUE]!];
  const named = starts[TYPE]! < 0 ? -1 : placeOf(QUOTED_TYPES, starts[TYPE]!, ends[TYPE]!);
  const isKnown = kind !== undefined && (named >= 0 || starts[TYPE]! < 0);
  if (key === undefined || !isKnown) return undefined;
  let type: ValueType | undefined = TYPES[named];
  let value: Uint8Array | null;
  if (type !== "json" && kind === NULL_START) {
    value = null;
    type = undefined;
  } else if (type !== "json" && kind === QUOTE) {
    value = insideOf(VALUE);
    type = "text";
  } else if (type !== "text") {
    value = bytes.subarray(starts[VALUE], ends[VALUE]);
    type = "json";
  } else return undefined;
  const partition = shapedPartition(parsed(PARTITION));
  const headers = shapedHeaders(parsed(HEADERS));
  const timestamp = shapedTimestamp(parsed(TIMESTAMP));
  return { record: { key, value, type, headers, timestamp }, partition };
}

function plainKey(): Uint8Array | null | undefined {
  const start = starts[KEY]!;
  if (start < 0 || scanner.bytes[start] === NULL_START) return null;
  return scanner.bytes[start] === QUOTE ? insideOf(KEY) : undefined;
}

/** The bytes between the quotes of a member that is a string. */
function insideOf(name: number): Uint8Array {
  return scanner.bytes.subarray(starts[name]! + 1, ends[name]! - 1);
}

/** A member that takes no bytes as they are. */
function parsed(name: number): unknown {
  const start = starts[name]!;
  if (start < 0) return undefined;
  return JSON.parse(decodeUtf8(scanner.bytes.subarray(start, ends[name])));
}

/** Which of `texts` is at `[start, end)`; -1 for none of them. */
function placeOf(texts: readonly Uint8Array[], start: number, end: number): number {
  return texts.findIndex((text) => {
    if (text.length !== end - start) return false;
    for (let i = 0; i < text.length; i++) {
      if (scanner.bytes[start + i] !== text[i]) return false;
    }
    return true;
  });
}
