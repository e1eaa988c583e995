/**
 * Records from their JSON shape, which `write_shape.ts` describes, whatever spelling they come in.
 *
 * @module
 */
import { decodeBase64 } from "../base/base64.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import { arrayElements, sliceObject } from "./json_slices.ts";
import { type RecordInput, VALUE_TYPES, type ValueType } from "./record.ts";

/** A record from its shape, and the partition when the shape names one. */
export interface ShapedRecord {
  /** What can be appended. */
  readonly record: RecordInput;
  /** The partition that the shape names. */
  readonly partition: number | undefined;
}

const MEMBERS = new Set([
  "topic",
  "partition",
  "offset",
  "timestamp",
  "key",
  "keyBase64",
  "type",
  "value",
  "headers",
]);

/**
 * A record from its shape. Everything but `value` may be missing. Without `type` a JSON string is
 * text, `null` is a tombstone and anything else is JSON. `topic` and `offset` are not looked at.
 *
 * @param text one JSON object
 * @throws {SeglogError} `invalid-argument` when it is not JSON; `invalid-record` when it is not
 * the shape of a record
 */
export function parseRecordShape(text: string): ShapedRecord {
  const parsed = parseJson(text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw invalid('it must be an object such as {"key":"u1","value":{"qty":2}}');
  }
  return shapedRecord(parsed as Record<string, unknown>, sliceObject(text));
}

/**
 * One record, or an array of them, from their shapes, parsed one by one: a long text is never held
 * as objects.
 *
 * @param recordsMax most elements of an array
 * @throws {SeglogError} as {@linkcode parseRecordShape}; `too-large` for more elements
 */
export function parseRecordShapes(text: string, recordsMax: number): ShapedRecord[] {
  if (!text.trimStart().startsWith("[")) return [parseRecordShape(text)];
  const shaped: ShapedRecord[] = [];
  try {
    for (const element of arrayElements(text)) {
      if (shaped.length === recordsMax) throw tooMany(recordsMax);
      shaped.push(parseRecordShape(element));
    }
  } catch (error) {
    throw error instanceof SyntaxError ? notJson(error) : error;
  }
  return shaped;
}

function shapedRecord(
  members: Record<string, unknown>,
  slices: ReadonlyMap<string, string>,
): ShapedRecord {
  for (const name of Object.keys(members)) {
    if (!MEMBERS.has(name)) {
      throw invalid(`"${name.slice(0, 80)}" is not a member of a record; wrap it as {"value":…}`);
    }
  }
  const partition = shapedPartition(members.partition);
  const { value, type } = valueOf(members, slices);
  const record: RecordInput = {
    key: keyOf(members),
    value,
    type,
    headers: shapedHeaders(members.headers),
    timestamp: shapedTimestamp(members.timestamp),
  };
  return { record, partition };
}

function valueOf(
  members: Record<string, unknown>,
  slices: ReadonlyMap<string, string>,
): Pick<RecordInput, "value" | "type"> {
  const { value, type } = members;
  if (value === undefined) throw invalid('"value" is missing');
  if (type !== undefined && !VALUE_TYPES.includes(type as ValueType)) {
    throw invalid(`type must be one of ${VALUE_TYPES.join(", ")}`);
  }
  if (type === "json") return { value: slices.get("value")!, type };
  if (value === null) return { value };
  if (type === "bytes") return { value: bytesOf("value", value), type };
  if (typeof value === "string") return { value: wellFormed("value", value), type: "text" };
  if (type === "text") throw invalid("a value of type text must be a JSON string");
  return { value: slices.get("value")!, type: "json" };
}

function keyOf(members: Record<string, unknown>): string | Uint8Array | null {
  const { key = null, keyBase64 } = members;
  if (keyBase64 !== undefined) {
    if (key !== null) throw invalid("give key or keyBase64, not both");
    return bytesOf("keyBase64", keyBase64);
  }
  if (key !== null && typeof key !== "string") {
    throw invalid("key must be a string, or null; bytes go into keyBase64");
  }
  return key === null ? null : wellFormed("key", key);
}

/** The partition that a shape names. @throws {SeglogError} `invalid-record` */
export function shapedPartition(partition: unknown): number | undefined {
  if (partition === undefined) return undefined;
  if (Number.isSafeInteger(partition) && (partition as number) >= 0) return partition as number;
  throw invalid("partition must be a whole number from 0");
}

/** The headers that a shape brings. @throws {SeglogError} `invalid-record` */
export function shapedHeaders(headers: unknown): RecordInput["headers"] {
  if (headers === undefined || headers === null) return undefined;
  const isObject = typeof headers === "object" && !Array.isArray(headers);
  if (!isObject || Object.values(headers).some((text) => typeof text !== "string")) {
    throw invalid("headers must be an object of strings");
  }
  return headers as Record<string, string>;
}

/** The timestamp that a shape brings. @throws {SeglogError} `invalid-record` */
export function shapedTimestamp(timestamp: unknown): number | undefined {
  if (timestamp === undefined || timestamp === null) return undefined;
  const ms = typeof timestamp === "string" ? Date.parse(timestamp) : timestamp;
  if (Number.isSafeInteger(ms)) return ms as number;
  throw invalid("timestamp must be ISO 8601 text such as 2026-11-20T12:00:00Z, or milliseconds");
}

function bytesOf(member: string, text: unknown): Uint8Array {
  const bytes = typeof text === "string" ? decodeBase64(text) : undefined;
  if (bytes === undefined) throw invalid(`${member} must be base64 text`);
  return bytes;
}

function wellFormed(member: string, text: string): string {
  if (text.isWellFormed()) return text;
  throw invalid(`${member} has half of a surrogate pair, which is not Unicode text`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
}

function notJson(cause: unknown): SeglogError {
  return new SeglogError("invalid-argument", `Cannot read a record: ${messageOf(cause)}`, {
    cause,
  });
}

function tooMany(recordsMax: number): SeglogError {
  return new SeglogError(
    "too-large",
    `Cannot take an array of more than ${recordsMax} records: send fewer at a time, or a record a line`,
    { details: { limit: recordsMax } },
  );
}

function invalid(why: string): SeglogError {
  return new SeglogError("invalid-record", `Cannot read a record: ${why}`);
}
