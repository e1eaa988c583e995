/**
 * What a reader must get for what a caller gave.
 *
 * @module
 */
import { encodeUtf8 } from "../../core/base/bytes.ts";
import type { LogRecord, RecordInput } from "../../core/format/record.ts";

/** A record taken apart, so that it can be compared with another by `deepEqual`. */
export interface PlainRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly type: string;
  readonly key: number[] | null;
  readonly value: number[] | null;
  readonly headers: [string, string][];
}

export function expectedRecord(input: RecordInput, offset: number): PlainRecord {
  return {
    offset,
    timestamp: input.timestamp!,
    type: input.value === null
      ? "bytes"
      : input.type ?? (typeof input.value === "string" ? "text" : "bytes"),
    key: plainBytes(input.key ?? null),
    value: plainBytes(input.value),
    headers: sortedHeaders(input.headers ?? {}),
  };
}

export function plainRecord(record: LogRecord): PlainRecord {
  const { offset, timestamp, type } = record;
  return {
    offset,
    timestamp,
    type,
    key: plainBytes(record.key),
    value: plainBytes(record.value),
    headers: sortedHeaders(record.headers),
  };
}

function plainBytes(content: string | Uint8Array | null): number[] | null {
  if (content === null) return null;
  return [...(typeof content === "string" ? encodeUtf8(content) : content)];
}

function sortedHeaders(headers: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(headers).toSorted(([a], [b]) => a < b ? -1 : 1);
}
