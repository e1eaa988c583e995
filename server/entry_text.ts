/**
 * Keys with their values as JSON: `{"key","revision","timestamp","type","value"}`, where type and
 * value are as in the shape of a record.
 *
 * @module
 */
import { ByteWriter, EMPTY_BYTES } from "../core/base/bytes.ts";
import { LogRecord } from "../core/format/record.ts";
import { ShapeWriter } from "../core/format/write_shape.ts";
import type { KvChange, KvEntry } from "../core/kv/kv_entry.ts";

/** What is kept for the next entry. */
const SCRATCH_BYTES = 64 * 1024;

/** Writes entries, one after another. */
export class EntryWriter {
  readonly #shapes = new ShapeWriter();
  readonly #shape = new ByteWriter();

  /** A key with its value, which has this revision. */
  entry(sink: ByteWriter, entry: KvEntry, revision: number = entry.revision): void {
    const { key, timestamp, type, value } = entry;
    this.#write(sink, key, recordOf({ revision, timestamp, type, value }));
  }

  /** A change: a deletion is an entry without a type, whose value is `null`. */
  change(sink: ByteWriter, change: KvChange): void {
    if (change.kind === "set") return this.entry(sink, change.entry);
    const { key, revision, timestamp } = change;
    this.#write(sink, key, recordOf({ revision, timestamp, type: "bytes", value: null }));
  }

  /** The shape of a record begins with its offset, where an entry has its key and revision. */
  #write(sink: ByteWriter, key: string, record: LogRecord): void {
    const shape = this.#shape;
    this.#shapes.write(shape, record);
    const opening = `{"offset":${record.offset}`;
    sink.text(`{"key":${JSON.stringify(key)},"revision":${record.offset}`);
    sink.bytes(shape.subarray(opening.length, shape.length));
    shape.truncate(0);
    shape.shrink(SCRATCH_BYTES);
  }
}

function recordOf(
  { revision, timestamp, type, value }: Pick<KvEntry, "revision" | "timestamp" | "type"> & {
    readonly value: Uint8Array | null;
  },
): LogRecord {
  const bytes = value ?? EMPTY_BYTES;
  return new LogRecord({
    offset: revision,
    timestamp,
    type,
    headers: {},
    bytes,
    keyStart: -1,
    keyEnd: -1,
    valueStart: value === null ? -1 : 0,
    valueEnd: value === null ? -1 : bytes.length,
  });
}
