/**
 * What a bucket says of a key.
 *
 * @module
 */
import { encodeBase64 } from "../base/base64.ts";
import { decodeUtf8 } from "../base/bytes.ts";
import type { LogRecord, ValueType } from "../format/record.ts";

/** A key with its value. The key is made when it is asked for: a spread of an entry has none. */
export class KvEntry {
  /** Rises with each change of the bucket: the offset of the record. -1 before it is committed. */
  readonly revision: number;
  /** When it was set: milliseconds since 1970. */
  readonly timestamp: number;
  /** What the value is. */
  readonly type: ValueType;
  /** The bytes of the value: a view, as of `LogRecord.value`. */
  readonly value: Uint8Array;
  /** Text is made of it when somebody asks. */
  #key: string | Uint8Array;

  /** An entry of these fields; nothing is copied. The key is text, or its UTF-8. */
  constructor(
    fields: Pick<KvEntry, "revision" | "timestamp" | "type" | "value"> & {
      readonly key: string | Uint8Array;
    },
  ) {
    this.#key = fields.key;
    this.revision = fields.revision;
    this.timestamp = fields.timestamp;
    this.type = fields.type;
    this.value = fields.value;
  }

  /** The key. */
  get key(): string {
    if (typeof this.#key !== "string") this.#key = decodeUtf8(this.#key);
    return this.#key;
  }

  /** The value as text; what is not UTF-8 becomes U+FFFD. */
  get text(): string {
    return decodeUtf8(this.value);
  }

  /** The value parsed as JSON. @throws {SyntaxError} when it is not JSON */
  json(): unknown {
    return JSON.parse(this.text);
  }

  /**
   * What `JSON.stringify` writes: the time in ISO 8601, a value that is JSON as what it is, one that is
   * bytes in base64. Numbers of more than 53 bits are rounded, as by all of `JSON`.
   */
  toJSON(): unknown {
    const { key, revision, type } = this;
    const value = type === "json"
      ? this.json()
      : type === "text"
      ? this.text
      : encodeBase64(this.value);
    return { key, revision, timestamp: new Date(this.timestamp).toISOString(), type, value };
  }

  /** What a console shows: the value as text where it is. */
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    const { key, revision, timestamp, type, value } = this;
    return { key, revision, timestamp, type, value: type === "bytes" ? value : this.text };
  }
}

/** What a record that has a value says. */
export function entryOf(record: LogRecord): KvEntry {
  const { offset, timestamp, type } = record;
  const [key, value] = [record.key!, record.value!];
  return new KvEntry({ key, revision: offset, timestamp, type, value });
}

/** One change of a key: to a value, or to none. */
export type KvChange = KvSet | KvDeletion;

/** A key got a value. */
export interface KvSet {
  /** Which change it is. */
  readonly kind: "set";
  /** The key. */
  readonly key: string;
  /** Rises with each change of the bucket. */
  readonly revision: number;
  /** The key with its value. */
  readonly entry: KvEntry;
}

/** A key lost its value. */
export interface KvDeletion {
  /** Which change it is. */
  readonly kind: "delete";
  /** The key. */
  readonly key: string;
  /** Rises with each change of the bucket. */
  readonly revision: number;
  /** When: milliseconds since 1970. */
  readonly timestamp: number;
}

/** What a record with the key of a bucket says. */
export function changeOf(record: LogRecord): KvChange {
  if (record.value !== null) {
    const entry = entryOf(record);
    return { kind: "set", key: entry.key, revision: entry.revision, entry };
  }
  return {
    kind: "delete",
    key: decodeUtf8(record.key!),
    revision: record.offset,
    timestamp: record.timestamp,
  };
}
