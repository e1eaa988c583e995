/**
 * Records as rows of a view.
 *
 * @module
 */
import { crc32 } from "../base/crc32.ts";
import { decodeUtf8, isValidUtf8 } from "../base/bytes.ts";
import type { LogRecord } from "../format/record.ts";
import type { ViewRow } from "./view_file.ts";

/** The row of a record. What SQLite cannot hold as text exactly, it holds as a blob. */
export function rowOf(record: LogRecord): ViewRow {
  const { offset, timestamp, key, type, value, headers } = record;
  return {
    offset,
    timestamp,
    key: key === null ? null : textOrBlob(key),
    type,
    value: value === null || type === "bytes" ? copied(value) : textOrBlob(value),
    headers: Object.keys(headers).length === 0 ? null : JSON.stringify(headers),
  };
}

/** Bytes that a row takes, about. */
export function rowBytes({ key, value }: LogRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + 64;
}

/** Tells a record from another that came to stand at its offset after a loss of power. */
export function witnessOf({ key, value, timestamp }: LogRecord): number {
  let crc = crc32(value ?? NONE, timestamp % 2 ** 32);
  crc = crc32(key ?? NONE, crc);
  return crc;
}

const NONE = Uint8Array.of(0);

/** SQLite's text is UTF-8, and its functions end it at a NUL. */
function textOrBlob(bytes: Uint8Array): string | Uint8Array {
  return !bytes.includes(0) && isValidUtf8(bytes) ? decodeUtf8(bytes) : copied(bytes)!;
}

/** SQLite is handed no view of a buffer that others have, too. */
function copied(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : bytes.slice();
}
