/**
 * A record as the independent reader prints it, so that both can be compared as text.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { LogRecord } from "../../core/format/record.ts";

/** A record with its bytes as base64. */
export interface FlatRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly type: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export function flatten(record: LogRecord): FlatRecord {
  const { offset, timestamp, type, key, value, headers } = record;
  return {
    offset,
    timestampMs: timestamp,
    type,
    key: base64(key),
    value: base64(value),
    headers: { ...headers },
  };
}

/** Lines of JSON, one a record. */
export function parseFlatRecords(lines: string): FlatRecord[] {
  return lines.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString("base64");
}
