/**
 * Records as a reader gets them, made of plain fields.
 *
 * @module
 */
import { concatBytes, EMPTY_BYTES } from "../../core/base/bytes.ts";
import { LogRecord } from "../../core/format/record.ts";

/** A record with these fields. */
export function logRecord(
  fields: Pick<LogRecord, "offset" | "timestamp" | "type" | "key" | "value" | "headers">,
): LogRecord {
  const { offset, timestamp, type, key, value, headers } = fields;
  const bytes = concatBytes([key ?? EMPTY_BYTES, value ?? EMPTY_BYTES]);
  const keyLength = key?.length ?? 0;
  return new LogRecord({
    offset,
    timestamp,
    type,
    headers,
    bytes,
    keyStart: key === null ? -1 : 0,
    keyEnd: keyLength,
    valueStart: value === null ? -1 : keyLength,
    valueEnd: bytes.length,
  });
}
