/**
 * Records as text, put together into pieces that are worth sending.
 *
 * @module
 */
import { ByteWriter } from "../core/base/bytes.ts";
import type { LogRecord } from "../core/format/record.ts";
import { CHUNK_BYTES } from "./limits.ts";
import type { Portion } from "./read_range.ts";

/** Which records are sent, and how each is written. */
export interface RecordText {
  readonly limit: number;
  readonly write: (writer: ByteWriter, record: LogRecord) => void;
  /** Is told how many records of a portion were taken. */
  readonly onSent: (records: number) => void;
}

/** Ends after `limit` records. What a portion has is sent when the portion ends, at the latest. */
export async function* recordChunks(
  portions: AsyncIterable<Pick<Portion, "records">>,
  { limit, write, onSent }: RecordText,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = new ByteWriter(2 * CHUNK_BYTES);
  let count = 0;
  for await (const { records } of portions) {
    let sent = 0;
    for (const record of records) {
      write(chunk, record);
      sent++;
      count++;
      if (count === limit) break;
      if (chunk.length >= CHUNK_BYTES) yield chunk.take();
    }
    onSent(sent);
    if (chunk.length > 0) yield chunk.take();
    if (count === limit) return;
  }
}
