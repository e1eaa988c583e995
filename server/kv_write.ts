/**
 * Writing one key, under the conditions that a request has.
 *
 * @module
 */
import { encodeUtf8 } from "../core/base/bytes.ts";
import { isNotFound, SeglogError } from "../core/base/errors.ts";
import type { Kv } from "../core/kv/kv.ts";
import type { KvValue } from "../core/kv/kv_write.ts";
import type { WriteCondition } from "./entity_tags.ts";
import { KV_TRIES } from "./limits.ts";
import type { TenantServices } from "./tenant_services.ts";

/** A key of a bucket. */
export interface KeyPlace {
  readonly bucket: string;
  readonly key: string;
}

/** What a write came to. */
export interface Written {
  readonly revision: number;
  /** Whether the key had no value. */
  readonly isNew: boolean;
}

/**
 * Sets a key. A bucket is made by its first value; not for a condition that cannot hold there.
 *
 * @throws {SeglogError} `condition-failed`; as `Kv.set`
 */
export async function setKey(
  { buckets }: TenantServices,
  place: KeyPlace,
  { value, condition }: { readonly value: KvValue; readonly condition: WriteCondition },
): Promise<Written> {
  const { bucket, key } = place;
  const needsValue = condition.ifRevision !== undefined || condition.ifPresent === true;
  return await whenThere(
    place,
    condition,
    () =>
      buckets.use(bucket, { create: !needsValue }, async (kv) => {
        if (condition.ifAbsent) {
          return { revision: await kv.set(key, value, { ifAbsent: true }), isNew: true };
        }
        if (needsValue) {
          const revision = await atRevision(kv, place, condition, (ifRevision) =>
            kv.set(key, value, { ifRevision }));
          return { revision, isNew: false };
        }
        const isNew = !await kv.has(key);
        return { revision: await kv.set(key, value), isNew };
      }),
  );
}

/**
 * Deletes a key.
 *
 * @returns the revision; `undefined` when there was nothing, and no condition
 * @throws {SeglogError} `condition-failed`; `not-found` for the bucket; as `Kv.delete`
 */
export async function deleteKey(
  { buckets }: TenantServices,
  place: KeyPlace,
  condition: WriteCondition,
): Promise<number | undefined> {
  const { bucket, key } = place;
  const isPlain = condition.ifRevision === undefined && condition.ifPresent === undefined;
  return await whenThere(
    place,
    condition,
    () =>
      buckets.use(bucket, { create: false }, async (kv) => {
        if (isPlain) return await kv.delete(key);
        return await atRevision(
          kv,
          place,
          condition,
          (ifRevision) => kv.delete(key, { ifRevision }),
        );
      }),
  );
}

/** The error for a condition that does not hold; `null` stands for no value. */
export function conditionFailed(
  { bucket, key }: KeyPlace,
  expected: number | string | null,
  actual: number | string | null,
): SeglogError {
  const shown = JSON.stringify(key.slice(0, 200));
  const found = actual === null ? "it has no value" : `it is at ${actual}`;
  const wanted = expected === null || expected === "*" ? "" : `, not at ${expected}`;
  return new SeglogError(
    "condition-failed",
    `Cannot write ${shown} of "${bucket}": ${found}${wanted}; read it again`,
    { details: { key, expected, actual } },
  );
}

/** The revision of a key's value, from memory; -1 when it has none. */
export function revisionOf(kv: Kv, key: string): number {
  using snapshot = kv.snapshot();
  return snapshot.revisionOf(encodeUtf8(key));
}

/** Writes at the revision that is asked for, or at whatever one there is. */
async function atRevision<Result>(
  kv: Kv,
  place: KeyPlace,
  condition: WriteCondition,
  write: (ifRevision: number) => Promise<Result>,
): Promise<Result> {
  if (condition.ifRevision !== undefined) return await write(condition.ifRevision);
  await kv.catchUp();
  for (let left = KV_TRIES;; left--) {
    const revision = revisionOf(kv, place.key);
    if (revision < 0) throw conditionFailed(place, "*", null);
    try {
      return await write(revision);
    } catch (error) {
      if (left <= 0 || !isConditionFailed(error)) throw error;
    }
  }
}

/** Tells conditions in the words of HTTP, and those about a bucket that is not there, too. */
async function whenThere<Result>(
  place: KeyPlace,
  condition: WriteCondition,
  write: () => Promise<Result>,
): Promise<Result> {
  const { ifRevision, ifPresent } = condition;
  try {
    return await write();
  } catch (error) {
    if (isConditionFailed(error)) {
      const { expected, actual } = error.details;
      throw conditionFailed(place, told(expected), told(actual));
    }
    if (!isNotFound(error) || (ifRevision === undefined && ifPresent === undefined)) throw error;
    throw conditionFailed(place, ifRevision ?? "*", null);
  }
}

function isConditionFailed(error: unknown): error is SeglogError {
  return error instanceof SeglogError && error.code === "condition-failed";
}

function told(revision: unknown): number | string | null {
  return revision === -1 || (typeof revision !== "number" && typeof revision !== "string")
    ? null
    : revision;
}
