/**
 * Records as text, put together into pieces that are worth sending.
 *
 * @module
 */
import type { LogRecord } from "../core/format/record.ts";
import { CHUNK_CHARS } from "./limits.ts";
import type { Portion } from "./read_range.ts";

/** Which records are sent, and how each is written. */
export interface RecordText {
  readonly limit: number;
  readonly filter: ((record: LogRecord) => boolean) | undefined;
  readonly format: (record: LogRecord) => string;
  /** Is told how many records of a portion were taken. */
  readonly onSent: (records: number) => void;
}

/** Ends after `limit` records. What a portion has is sent when the portion ends, at the latest. */
export async function* recordChunks(
  portions: AsyncIterable<Pick<Portion, "records">>,
  { limit, filter, format, onSent }: RecordText,
): AsyncGenerator<string, void, undefined> {
  let count = 0;
  for await (const { records } of portions) {
    let chunk = "";
    let sent = 0;
    for (const record of records) {
      if (filter !== undefined && !filter(record)) continue;
      chunk += format(record);
      sent++;
      count++;
      if (count === limit) break;
      if (chunk.length >= CHUNK_CHARS) {
        yield chunk;
        chunk = "";
      }
    }
    onSent(sent);
    if (chunk !== "") yield chunk;
    if (count === limit) return;
  }
}
