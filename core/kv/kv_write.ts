/**
 * What is written of a key: a record, and the same as the index takes it in.
 *
 * @module
 */
import { utf8Length } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import type { RecordInput, ValueType } from "../format/record.ts";
import { keyBytes } from "./kv_key.ts";
import type { AppliedWrite } from "./kv_view.ts";

/** A value: bytes, text, or one that says what it is, as `json(…)` does. */
export type KvValue = string | Uint8Array | {
  readonly value: string | Uint8Array;
  readonly type?: ValueType;
};

/** One change of one key. */
export interface KvWrite extends AppliedWrite {
  readonly record: RecordInput;
}

/** A key gets a value. @throws {SeglogError} `invalid-argument` or `too-large` for the key */
export function settingOf(key: string, given: KvValue): KvWrite {
  const typed = typeof given === "string" || given instanceof Uint8Array
    ? { value: given }
    : { value: given?.value, type: given?.type };
  const { value } = typed;
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot set ${JSON.stringify(key)}: give text, bytes, or json(value)`,
    );
  }
  return {
    key: keyBytes(key),
    valueBytes: typeof value === "string" ? utf8Length(value) : value.length,
    record: { key, ...typed },
  };
}

/** A key loses its value. @throws {SeglogError} `invalid-argument` or `too-large` for the key */
export function deletionOf(key: string): KvWrite {
  return { key: keyBytes(key), valueBytes: undefined, record: { key, value: null } };
}
