/**
 * A record: what a caller gives, and what a reader gets. `record.proto` describes the message
 * between them.
 *
 * @module
 */
import { decodeUtf8, EMPTY_BYTES } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";

/** What a value is: bytes, UTF-8 text, or the text of a JSON value. */
export type ValueType = "bytes" | "text" | "json";

/** The value types by their number on disk. */
export const VALUE_TYPES: readonly ValueType[] = ["bytes", "text", "json"];

/** What a caller appends. Byte arrays are copied before `append` returns its promise. */
export interface RecordInput {
  /** Chooses the partition, and names the thing that the record is about. */
  readonly key?: string | Uint8Array | null;
  /** `null` is a tombstone; empty is an empty value. */
  readonly value: string | Uint8Array | null;
  /** What `value` is: `text` for a string and `bytes` for an array unless given. */
  readonly type?: ValueType;
  /** At most 64 names with text values. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970; the time of the append unless given. */
  readonly timestamp?: number;
}

/**
 * A JSON value, ready to append.
 *
 * @param value anything that `JSON.stringify` takes
 * @throws {SeglogError} `invalid-record` when there is no JSON for it, as for `undefined`
 *
 * @example
 * ```ts
 * import { json, Log } from "seglog";
 *
 * const log = await Log.memory();
 * const offset = await log.append({ key: "u1", ...json({ qty: 2 }) });
 * console.assert((await log.read(offset)).text === '{"qty":2}');
 * await log.close();
 * ```
 */
export function json(value: unknown): { value: string; type: "json" } {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new SeglogError("invalid-record", `Cannot write ${typeof value} as JSON`);
  }
  return { value: text, type: "json" };
}

/** What a {@linkcode LogRecord} is made of. */
export interface RecordFields extends Pick<LogRecord, "offset" | "timestamp" | "type" | "headers"> {
  /** What key and value lie in. */
  readonly bytes: Uint8Array;
  /** The key is `[keyStart, keyEnd)` of the bytes; there is none when `keyStart` is negative. */
  readonly keyStart: number;
  /** Where the key ends. */
  readonly keyEnd: number;
  /** The value, likewise. */
  readonly valueStart: number;
  /** Where the value ends. */
  readonly valueEnd: number;
}

/**
 * A record as it was read. `key` and `value` are views of the block that was read: they stay
 * valid, and hold that block in memory for as long as they, or the record, are held. They are made
 * when they are asked for: a spread or `JSON.stringify` of a record has neither, a
 * {@linkcode formatRecordShape} has both.
 */
export class LogRecord {
  /** The record's place in its partition. */
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** What the value is. */
  readonly type: ValueType;
  /** Text by name, in the order in which they were given. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #bytes: Uint8Array;
  readonly #keyStart: number;
  readonly #keyEnd: number;
  readonly #valueStart: number;
  readonly #valueEnd: number;
  /** Views are made when they are asked for, and once: most readers want only one of the two. */
  #key: Uint8Array | null | undefined;
  #value: Uint8Array | null | undefined;

  /** A record of these fields; nothing is copied. */
  constructor(fields: RecordFields) {
    this.offset = fields.offset;
    this.timestamp = fields.timestamp;
    this.type = fields.type;
    this.headers = fields.headers;
    this.#bytes = fields.bytes;
    this.#keyStart = fields.keyStart;
    this.#keyEnd = fields.keyEnd;
    this.#valueStart = fields.valueStart;
    this.#valueEnd = fields.valueEnd;
  }

  /** `null` when the record has no key. */
  get key(): Uint8Array | null {
    if (this.#key === undefined) this.#key = view(this.#bytes, this.#keyStart, this.#keyEnd);
    return this.#key;
  }

  /** `null` for a tombstone. */
  get value(): Uint8Array | null {
    if (this.#value === undefined) {
      this.#value = view(this.#bytes, this.#valueStart, this.#valueEnd);
    }
    return this.#value;
  }

  /** The key as text, `null` when there is none; what is not UTF-8 becomes U+FFFD. */
  get keyText(): string | null {
    return this.key === null ? null : decodeUtf8(this.key);
  }

  /** The value as text, empty for a tombstone; what is not UTF-8 becomes U+FFFD. */
  get text(): string {
    return this.value === null ? "" : decodeUtf8(this.value);
  }

  /** The value parsed as JSON, `null` for a tombstone. @throws {SyntaxError} when it is not JSON */
  json(): unknown {
    return this.value === null ? null : JSON.parse(this.text);
  }

  /** What a console shows: the key and the value as text where they are. */
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    const { offset, timestamp, type, headers, keyText, value } = this;
    const shown = type === "bytes" || value === null ? value : this.text;
    return { offset, timestamp, key: keyText, type, value: shown, headers };
  }
}

function view(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  if (start < 0) return null;
  return start === end ? EMPTY_BYTES : bytes.subarray(start, end);
}
