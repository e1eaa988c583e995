/**
 * How entries and changes of a bucket are written: as lines for people, or as the shape of their
 * records.
 *
 * @module
 */
import { concatBytes, EMPTY_BYTES, encodeUtf8 } from "../../core/base/bytes.ts";
import { LogRecord } from "../../core/format/record.ts";
import type { KvChange, KvEntry } from "../../core/kv/kv_entry.ts";
import { BUCKET_PARTITION } from "../../core/kv/kv_key.ts";
import { ShapeWriter } from "../../core/format/write_shape.ts";
import type { ChunkWriter } from "../chunk_writer.ts";

const NEWLINE = 10;
const DELETED = "(deleted)";

/** A key on a line: one that would break the line, or do something to the terminal, is in quotes. */
export function lineOf(key: string): string {
  return /\p{Cc}/u.test(key) ? JSON.stringify(key) : key;
}

/** The value, and a line break. */
export function printEntryValue(entry: KvEntry, writer: ChunkWriter): void {
  writer.bytes(entry.value);
  writer.byte(NEWLINE);
}

/** The key, as it is shown, a tab, the value. */
export function printEntry(entry: KvEntry, key: string, writer: ChunkWriter): void {
  writer.text(`${key}\t`);
  printEntryValue(entry, writer);
}

/** The revision, and what it says; with the key or the time in between. */
export function printChange(change: KvChange, between: string, writer: ChunkWriter): void {
  writer.text(`${change.revision}\t${between}\t`);
  if (change.kind === "set") return printEntryValue(change.entry, writer);
  writer.text(`${DELETED}\n`);
}

/** Writes shapes of records, one a line. */
export class ShapePrinter {
  readonly #place: { readonly topic: string; readonly partition: number };
  readonly #shapes = new ShapeWriter();

  constructor(bucket: string) {
    this.#place = { topic: bucket, partition: BUCKET_PARTITION };
  }

  change(change: KvChange, writer: ChunkWriter): void {
    if (change.kind === "set") return this.entry(change.entry, writer);
    this.#print(recordOf({ ...change, type: "bytes", value: null }), writer);
  }

  entry(entry: KvEntry, writer: ChunkWriter): void {
    this.#print(recordOf(entry), writer);
  }

  #print(record: LogRecord, writer: ChunkWriter): void {
    this.#shapes.write(writer, record, this.#place);
    writer.byte(NEWLINE);
  }
}

type Recorded = Pick<KvEntry, "key" | "revision" | "timestamp" | "type"> & {
  readonly value: Uint8Array | null;
};

function recordOf({ key, revision, timestamp, type, value }: Recorded): LogRecord {
  const keyBytes = encodeUtf8(key);
  const bytes = concatBytes([keyBytes, value ?? EMPTY_BYTES]);
  const valueStart = value === null ? -1 : keyBytes.length;
  return new LogRecord({
    ...{ offset: revision, timestamp, type, headers: {}, bytes },
    ...{ keyStart: 0, keyEnd: keyBytes.length, valueStart, valueEnd: bytes.length },
  });
}
