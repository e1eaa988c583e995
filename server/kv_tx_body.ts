/**
 * A transaction as a body: what is checked, and what is done then.
 *
 * @module
 */
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { ValueType } from "../core/format/record.ts";
import { parseRecordShape } from "../core/format/record_shape.ts";
import { keyBytes } from "../core/kv/kv_key.ts";
import type { Isolation } from "../core/kv/kv_transaction.ts";
import { JsonMembers } from "./json_members.ts";
import { KV_VALUE_BYTES_MAX, TX_OPERATIONS_MAX } from "./limits.ts";

/** One transaction. */
export interface TxRequest {
  readonly isolation: Isolation;
  /** The id of a snapshot that it reads. */
  readonly snapshot: string | undefined;
  readonly checks: readonly TxCheck[];
  readonly operations: readonly TxOperation[];
}

/** A revision that a key must have; `null` is no value. */
export interface TxCheck {
  readonly key: string;
  readonly revision: number | null;
}

/** What is done, in this order. */
export type TxOperation =
  | { readonly op: "get"; readonly key: string }
  | { readonly op: "set"; readonly key: string; readonly value: TxValue }
  | { readonly op: "delete"; readonly key: string };

/** A value with what it is. */
export interface TxValue {
  readonly value: string | Uint8Array;
  readonly type?: ValueType;
}

const ISOLATIONS: readonly string[] = ["serializable", "snapshot"] satisfies Isolation[];

/**
 * Reads a body.
 *
 * @throws {SeglogError} `invalid-argument`, with the `member` that is wrong; `too-large`
 */
export function parseTx(text: string): TxRequest {
  const body = JsonMembers.parse(text).only("isolation", "snapshot", "checks", "operations");
  const isolation = body.maybeText("isolation") ?? "serializable";
  if (!ISOLATIONS.includes(isolation)) {
    throw body.wrong("isolation", `must be one of ${ISOLATIONS.join(", ")}`);
  }
  const checks = body.objects("checks", TX_OPERATIONS_MAX).map(checkOf);
  const operations = body.objects("operations", TX_OPERATIONS_MAX).map(operationOf);
  if (checks.length + operations.length === 0) {
    throw body.wrong("operations", "must have at least one operation, where there is no check");
  }
  refuseSecondWrites(operations);
  const snapshot = body.maybeText("snapshot");
  return { isolation: isolation as Isolation, snapshot, checks, operations };
}

function checkOf(check: JsonMembers): TxCheck {
  check.only("key", "revision");
  const key = keyOf(check);
  if (check.get("revision") === null) return { key, revision: null };
  const revision = check.maybeWhole("revision", 0, Number.MAX_SAFE_INTEGER);
  if (revision === undefined) {
    throw check.wrong("revision", "is missing: give a revision, or null for no value");
  }
  return { key, revision };
}

function operationOf(operation: JsonMembers): TxOperation {
  const op = operation.text("op");
  if (op === "get" || op === "delete") {
    operation.only("op", "key");
    return { op, key: keyOf(operation) };
  }
  if (op !== "set") throw operation.wrong("op", "must be get, set or delete");
  operation.only("op", "key", "value", "type");
  return { op, key: keyOf(operation), value: valueOf(operation) };
}

/** @throws {SeglogError} as `keyBytes`, with the member */
function keyOf(members: JsonMembers): string {
  const key = members.text("key");
  return within(members, "key", () => {
    keyBytes(key);
    return key;
  });
}

/** A value is what it is in a record; one that is JSON stays byte for byte as it came. */
function valueOf(operation: JsonMembers): TxValue {
  const value = operation.get("value");
  const type = operation.get("type");
  if (value === undefined) throw operation.wrong("value", "is missing");
  if (value === null && type !== "json") {
    throw operation.wrong(
      "value",
      'is null: delete the key, or give "type":"json" for null itself',
    );
  }
  const typed = type === undefined ? "" : `"type":${operation.slice("type")},`;
  return within(operation, "value", () => {
    const { record } = parseRecordShape(`{${typed}"value":${operation.slice("value")}}`);
    const { value, type } = record;
    if (value!.length > KV_VALUE_BYTES_MAX) {
      throw new SeglogError("too-large", `a value has ${KV_VALUE_BYTES_MAX} bytes at the most`);
    }
    return { value: value!, ...type === undefined ? {} : { type } };
  });
}

/**
 * The order of two writes to one key would be lost: only the last would be there.
 *
 * @throws {SeglogError} `invalid-argument`
 */
export function refuseSecondWrites(operations: readonly TxOperation[]): void {
  const written = new Set<string>();
  for (const [i, { op, key }] of operations.entries()) {
    if (op === "get") continue;
    if (!written.has(key)) {
      written.add(key);
      continue;
    }
    const member = `operations[${i}].key`;
    throw new SeglogError(
      "invalid-argument",
      `Cannot read the body: ${member} is written a second time: a transaction writes a key once`,
      { details: { member } },
    );
  }
}

/** Says where in the body something was wrong. */
function within<Result>(members: JsonMembers, name: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SeglogError)) throw error;
    const place = `${members.place}.${name}`;
    const code = error.code === "invalid-record" ? "invalid-argument" : error.code;
    throw new SeglogError(code, `Cannot read the body: ${place}: ${messageOf(error)}`, {
      cause: error,
      details: { ...error.details, member: place },
    });
  }
}
