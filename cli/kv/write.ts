/**
 * `kv set` and `del`.
 *
 * @module
 */
import { isValidUtf8 } from "../../core/base/bytes.ts";
import { messageOf } from "../../core/base/errors.ts";
import type { ValueType } from "../../core/format/record.ts";
import type { SetOptions } from "../../core/kv/kv.ts";
import type { KvValue } from "../../core/kv/kv_write.ts";
import { openInput, wholeInput } from "../append/input.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { KvDelOptions, KvSetOptions } from "../grammar/kv.ts";
import type { Context } from "../grammar/verb.ts";
import { noValue } from "./no_value.ts";
import { writingBucket } from "./open_bucket.ts";

/** Sets a key, and prints its revision. */
export async function setKey(context: Context, options: KvSetOptions): Promise<number> {
  const { bucket, key } = options;
  const condition = conditionOf(options);
  const value = await valueOf(context, options);
  const revision = await writingBucket(context, bucket, (kv) => kv.set(key, value, condition));
  await context.output.line(String(revision));
  return EXIT_OK;
}

/** Deletes keys, and prints the revision of each deletion. */
export async function deleteKeys(context: Context, options: KvDelOptions): Promise<number> {
  const { bucket, keys, ifRevision } = options;
  if (ifRevision !== undefined && keys.length > 1) {
    throw new UsageError("--if-revision goes with one KEY");
  }
  const condition = ifRevision === undefined ? {} : { ifRevision };
  const revisions = await writingBucket(
    context,
    bucket,
    (kv) => Promise.all(keys.map((key) => kv.delete(key, condition))),
  );
  const deleted = revisions.filter((revision) => revision !== undefined);
  for (const revision of deleted) await context.output.line(String(revision));
  if (deleted.length === 0) throw noValue(keys[0]!, bucket);
  return EXIT_OK;
}

function conditionOf({ ifRevision, ifAbsent }: KvSetOptions): SetOptions {
  if (ifAbsent && ifRevision !== undefined) {
    throw new UsageError("give --if-absent or --if-revision, not both");
  }
  if (ifAbsent) return { ifAbsent };
  return ifRevision === undefined ? {} : { ifRevision };
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
