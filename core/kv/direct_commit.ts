/**
 * Writes to a bucket by way of its log alone, without an index of all keys, as a program does that
 * makes one change and ends. What has to hold is looked up in the log, and the records are appended
 * only when nobody appended since.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { openBucketTopic } from "./bucket_topic.ts";
import { checkRevision } from "./key_conditions.ts";
import { BUCKET_PARTITION } from "./kv_key.ts";
import type { KvWrite } from "./kv_write.ts";
import { lastRecord } from "./look_up.ts";

/** Others may append meanwhile: then it is looked up again what they did. */
const TRIES = 100;

/** What has to hold of a key. */
export interface KeyCheck {
  readonly key: Uint8Array;
  /** The revision of its value; -1 for none. */
  readonly expected: number;
}

/**
 * Commits writes when all checks hold, all of them or none, making the bucket when there is none.
 *
 * @param writes at least one
 * @returns the revision of the first write, when they are acknowledged
 * @throws {SeglogError} `condition-failed`, of a check, with `expected` and `actual` in its details;
 * `conflict` when others append all the time; what `Backend.append` throws
 */
export async function commitDirectly(
  backend: Backend,
  bucket: string,
  { checks, writes }: { readonly checks: readonly KeyCheck[]; readonly writes: readonly KvWrite[] },
): Promise<number> {
  const records = writes.map(({ record }) => record);
  const place = { partition: BUCKET_PARTITION };
  if (checks.length === 0 || !await hasBucket(backend, bucket)) {
    for (const { key, expected } of checks) checkRevision(bucket, { key, expected, actual: -1 });
    await openBucketTopic(backend, bucket, true); // only now that it will be written to
    if (checks.length === 0) return (await backend.append(bucket, records, place)).start;
  }
  for (let tries = 0; tries < TRIES; tries++) {
    const { nextOffset } = await backend.bounds(bucket, BUCKET_PARTITION);
    for (const { key, expected } of checks) {
      const actual = await revisionOf(backend, bucket, { key, until: nextOffset });
      checkRevision(bucket, { key, expected, actual });
    }
    try {
      return (await backend.append(bucket, records, { ...place, expectedOffset: nextOffset }))
        .start;
    } catch (error) {
      const isOvertaken = error instanceof SeglogError && error.code === "condition-failed";
      if (!isOvertaken) throw error;
    }
  }
  throw new SeglogError(
    "conflict",
    `Cannot commit to "${bucket}": others appended each of ${TRIES} times in between; try again`,
  );
}

/** @throws {SeglogError} `invalid-argument` for a topic with several partitions */
async function hasBucket(backend: Backend, bucket: string): Promise<boolean> {
  try {
    await openBucketTopic(backend, bucket, false);
    return true;
  } catch (error) {
    if (error instanceof SeglogError && error.code === "not-found") return false;
    throw error;
  }
}

/** The revision of a key's value, -1 for none, as of all records below `until`. */
export async function revisionOf(
  backend: Backend,
  bucket: string,
  { key, until }: { readonly key: Uint8Array; readonly until: number },
): Promise<number> {
  const { logStartOffset: from } = await backend.bounds(bucket, BUCKET_PARTITION);
  if (from >= until) return -1;
  const record = await lastRecord(backend, bucket, { key, from, until });
  return record === undefined || record.value === null ? -1 : record.offset;
}
