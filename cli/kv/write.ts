/**
 * `kv set` and `del`.
 *
 * @module
 */
import { isValidUtf8 } from "../../core/base/bytes.ts";
import type { Backend } from "../../core/backend.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import type { ValueType } from "../../core/format/record.ts";
import { hasBucket } from "../../core/kv/bucket_topic.ts";
import { commitDirectly, revisionOf } from "../../core/kv/direct_commit.ts";
import { deletionOf, type KvValue, type KvWrite, settingOf } from "../../core/kv/kv_write.ts";
import { openInput, wholeInput } from "../append/input.ts";
import { openToChange, openToWrite } from "../connect.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { KvDelOptions, KvSetOptions } from "../grammar/kv.ts";
import type { Context } from "../grammar/verb.ts";
import { noValue } from "./no_value.ts";

/** Others may set the key again and again meanwhile. */
const DELETE_TRIES = 100;

/** Sets a key, and prints its revision. */
export async function setKey(context: Context, options: KvSetOptions): Promise<number> {
  const { bucket, key } = options;
  const expected = expectedOf(options);
  const write = settingOf(key, await valueOf(context, options));
  const checks = expected === undefined ? [] : [{ key: write.key, expected }];
  await using backend = await openToWrite(context);
  const revision = await commitDirectly(backend, bucket, { checks, writes: [write] });
  await context.output.line(String(revision));
  return EXIT_OK;
}

/** Deletes keys, and prints the revision of each deletion. */
export async function deleteKeys(context: Context, options: KvDelOptions): Promise<number> {
  const { bucket, keys, ifRevision } = options;
  if (ifRevision !== undefined && keys.length > 1) {
    throw new UsageError("--if-revision goes with one KEY");
  }
  const writes = keys.map(deletionOf);
  await using backend = await openToChange(context);
  if (ifRevision !== undefined && !await hasBucket(backend, bucket)) {
    throw new SeglogError(
      "condition-failed",
      `Cannot delete ${JSON.stringify(keys[0])}: there is no bucket "${bucket}"`,
    );
  }
  let count = 0;
  for (const write of writes) {
    const revision = await deleteKey(backend, bucket, { write, ifRevision });
    if (revision === undefined) continue;
    count++;
    await context.output.line(String(revision));
  }
  if (count === 0) throw noValue(keys[0]!, bucket);
  return EXIT_OK;
}

/** @returns `undefined` when there is nothing to delete */
async function deleteKey(
  backend: Backend,
  bucket: string,
  { write, ifRevision }: { readonly write: KvWrite; readonly ifRevision: number | undefined },
): Promise<number | undefined> {
  const { key } = write;
  for (let tries = 1;; tries++) {
    const expected = ifRevision ?? await presentRevision(backend, bucket, key);
    if (expected < 0) return undefined;
    try {
      return await commitDirectly(backend, bucket, {
        checks: [{ key, expected }],
        writes: [write],
      });
    } catch (error) {
      const isChanged = error instanceof SeglogError && error.code === "condition-failed";
      if (!isChanged || ifRevision !== undefined || tries === DELETE_TRIES) throw error;
    }
  }
}

/** The revision of a key's value; -1 for none, also when there is no bucket. */
async function presentRevision(
  backend: Backend,
  bucket: string,
  key: Uint8Array,
): Promise<number> {
  if (!await hasBucket(backend, bucket)) return -1;
  const { nextOffset: until } = await backend.bounds(bucket);
  return await revisionOf(backend, bucket, { key, until });
}

/** The revision that the key shall have; -1 for none, `undefined` for whatever it has. */
function expectedOf({ ifRevision, ifAbsent }: KvSetOptions): number | undefined {
  if (ifAbsent && ifRevision !== undefined) {
    throw new UsageError("give --if-absent or --if-revision, not both");
  }
  return ifAbsent ? -1 : ifRevision;
}

async function valueOf(context: Context, options: KvSetOptions): Promise<KvValue> {
  const { value, input, type } = options;
  if (value !== undefined && value !== "-") {
    if (input !== undefined) throw new UsageError("give a VALUE or a file, not both");
    return checked({ value, type: type ?? "text" });
  }
  const bytes = await wholeInput(openInput(context, input).stream);
  return checked({ value: bytes, type: type ?? (isValidUtf8(bytes) ? "text" : "bytes") });
}

/** @throws {UsageError} when it is not what its type says */
function checked(
  given: { readonly value: string | Uint8Array; readonly type: ValueType },
): KvValue {
  const { value, type } = given;
  if (type === "bytes") return given;
  if (typeof value !== "string" && !isValidUtf8(value)) {
    throw new UsageError(`the value is no ${type}: it is not UTF-8; give --type bytes`);
  }
  if (type === "json") {
    try {
      JSON.parse(typeof value === "string" ? value : new TextDecoder().decode(value));
    } catch (error) {
      throw new UsageError(`the value is no JSON: ${messageOf(error)}`);
    }
  }
  return given;
}
