/**
 * Writes to a bucket by way of its log alone, without an index of all keys, as a program does that
 * makes one change and ends. What has to hold is looked up in the log, and the records are appended
 * only when nobody appended since.
 *
 * @module
 */
import type { AppendResult, Backend } from "../backend.ts";
import { decodeUtf8 } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import type { RecordInput } from "../format/record.ts";
import { hasBucket, openBucketTopic } from "./bucket_topic.ts";
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
 * Commits writes when all checks hold, all of them or none, making the bucket when there is none. What
 * has no value is not deleted: that would be a record about nothing.
 *
 * @returns the revision of the last write, when they are acknowledged; that of the bucket where
 * there was nothing to write
 * @throws {SeglogError} `condition-failed`, of a check, with `expected` and `actual` in its details;
 * `conflict` when others append all the time; what `Backend.append` throws
 */
export async function commitDirectly(
  backend: Backend,
  bucket: string,
  { checks, writes }: { readonly checks: readonly KeyCheck[]; readonly writes: readonly KvWrite[] },
): Promise<number> {
  const place = { partition: BUCKET_PARTITION };
  const checked = new Set(
    checks.flatMap(({ key, expected }) => expected < 0 ? [] : decodeUtf8(key)),
  );
  const isSure = ({ key, valueBytes }: KvWrite) =>
    valueBytes !== undefined || checked.has(decodeUtf8(key));
  if (checks.length === 0 && writes.every(isSure)) {
    await openBucketTopic(backend, bucket, true);
    return lastOf(await backend.append(bucket, writes.map(recordOf), place));
  }
  if (!await hasBucket(backend, bucket)) {
    for (const { key, expected } of checks) checkRevision(bucket, { key, expected, actual: -1 });
    if (writes.every(({ valueBytes }) => valueBytes === undefined)) return -1;
    await openBucketTopic(backend, bucket, true); // only now that it will be written to
  }
  for (let tries = 0; tries < TRIES; tries++) {
    const { nextOffset } = await backend.bounds(bucket, BUCKET_PARTITION);
    const revisionAt = (key: Uint8Array) => revisionOf(backend, bucket, { key, until: nextOffset });
    for (const { key, expected } of checks) {
      checkRevision(bucket, { key, expected, actual: await revisionAt(key) });
    }
    const records: RecordInput[] = [];
    for (const write of writes) {
      if (isSure(write) || await revisionAt(write.key) >= 0) records.push(write.record);
    }
    if (records.length === 0) return nextOffset - 1;
    try {
      return lastOf(
        await backend.append(bucket, records, { ...place, expectedOffset: nextOffset }),
      );
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

function recordOf({ record }: KvWrite): RecordInput {
  return record;
}

function lastOf({ end }: AppendResult): number {
  return end - 1;
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
