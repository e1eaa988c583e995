/**
 * From a line, or a VALUE, to a record.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { decodeUtf8, isValidUtf8 } from "../../core/base/bytes.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { isPlainJson } from "../../core/format/json_scanner.ts";
import { parsePlainShape } from "../../core/format/plain_shape.ts";
import type { RecordInput } from "../../core/format/record.ts";
import { parseRecordShape, type ShapedRecord } from "../../core/format/record_shape.ts";
import { unescape } from "../escapes.ts";
import { UsageError } from "../exit.ts";
import type { AppendVerbOptions } from "../grammar/append.ts";

/** Makes the record of one line. @throws {SeglogError} `invalid-record`, `invalid-argument` */
export type RecordSource = (line: Uint8Array) => ShapedRecord;

/** The source that the options ask for. @throws {UsageError} where they contradict each other */
export function recordSource(options: AppendVerbOptions): RecordSource {
  const { key, keySeparator, shaped, format } = options;
  if (shaped) {
    const other = shapedConflict(options);
    if (other !== undefined) {
      throw new UsageError(`give -J or ${other}, not both: a record as JSON brings its own`);
    }
    return (line) => parsePlainShape(line) ?? parseRecordShape(textOf(line));
  }
  if (key !== undefined && keySeparator !== undefined) {
    throw new UsageError("give one key for all with -k, or -K to find it in each line, not both");
  }
  if (keySeparator === "") throw new UsageError("the separator of -K must not be empty");
  const headers = options.headers.length > 0 ? Object.fromEntries(options.headers) : undefined;
  const toValue = VALUE_SOURCES[format ?? "text"];
  if (keySeparator === undefined) {
    return (line) => ({ partition: undefined, record: { key, headers, ...toValue(line) } });
  }
  const separator = Buffer.from(unescape(keySeparator));
  return (line) => {
    const [lineKey, rest] = splitKey(line, separator);
    return { partition: undefined, record: { key: lineKey, headers, ...toValue(rest) } };
  };
}

type Value = Pick<RecordInput, "value" | "type">;

const VALUE_SOURCES: Readonly<Record<"text" | "json" | "raw", (line: Uint8Array) => Value>> = {
  text: (line) => ({ value: line, type: isValidUtf8(line) ? "text" : "bytes" }),
  json(line) {
    checkJson(line);
    return { value: line, type: "json" };
  },
  raw: (line) => ({ value: line, type: "bytes" }),
};

function splitKey(line: Uint8Array, separator: Buffer): [key: Uint8Array | null, rest: Uint8Array] {
  const at = Buffer.from(line.buffer, line.byteOffset, line.byteLength).indexOf(separator);
  if (at < 0) return [null, line];
  return [line.subarray(0, at), line.subarray(at + separator.length)];
}

function checkJson(line: Uint8Array): void {
  if (isPlainJson(line)) return;
  try {
    JSON.parse(textOf(line));
  } catch (cause) {
    if (cause instanceof SeglogError) throw cause;
    throw new SeglogError("invalid-record", `it is not JSON (${messageOf(cause)})`, { cause });
  }
}

function textOf(line: Uint8Array): string {
  if (isValidUtf8(line)) return decodeUtf8(line);
  throw new SeglogError("invalid-record", "it is not UTF-8");
}

function shapedConflict(options: AppendVerbOptions): string | undefined {
  if (options.key !== undefined) return "-k";
  if (options.keySeparator !== undefined) return "-K";
  if (options.headers.length > 0) return "-H";
  return options.format === undefined ? undefined : "--format";
}
