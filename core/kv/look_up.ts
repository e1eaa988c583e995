/**
 * Finds a key in a bucket's log itself, without an index of all keys: from the newest record back,
 * past segments whose filters rule it out.
 *
 * @module
 */
import type { Backend, PartitionInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { overtakenTo } from "../base/offset_errors.ts";
import type { LogRecord } from "../format/record.ts";
import { recordsOf } from "../format/records_of.ts";
import { readBatches } from "../reading.ts";
import { entryOf, type KvEntry } from "./kv_entry.ts";
import { BUCKET_PARTITION, keyBytes } from "./kv_key.ts";

/** Compaction may pass while a key is looked for. */
const TRIES = 10;

/**
 * A key with its value, the latest or as of a revision.
 *
 * @throws {SeglogError} as `Kv.get`; `not-found` when there is no such bucket
 */
export async function lookUp(
  backend: Backend,
  bucket: string,
  { key, revision }: { readonly key: string; readonly revision?: number | undefined },
): Promise<KvEntry | undefined> {
  const bytes = keyBytes(key);
  for (let tries = 1;; tries++) {
    const before = await boundsOf(backend, bucket);
    const found = await lookUpIn(backend, bucket, { key: bytes, revision, bounds: before });
    // What was to be found may have been replaced, and compacted away before it was come to.
    const after = await boundsOf(backend, bucket);
    if (after.compactedTo === before.compactedTo) {
      if (found !== "compacted") return found;
      throw compacted(bucket, revision!, Math.max(after.compactedTo - 1, after.logStartOffset));
    }
    if (tries === TRIES) {
      throw new SeglogError(
        "overloaded",
        `Cannot look ${
          JSON.stringify(key)
        } up in "${bucket}": it was compacted each of ${tries} times meanwhile; try again`,
      );
    }
  }
}

async function boundsOf(backend: Backend, bucket: string): Promise<PartitionInfo> {
  return (await backend.describeTopic(bucket)).partitions[BUCKET_PARTITION]!;
}

async function lookUpIn(
  backend: Backend,
  bucket: string,
  { key, revision, bounds }: {
    readonly key: Uint8Array;
    readonly revision: number | undefined;
    readonly bounds: PartitionInfo;
  },
): Promise<KvEntry | undefined | "compacted"> {
  const from = bounds.logStartOffset;
  if (revision !== undefined) checkRevision(bucket, revision, bounds);
  const latest = await lastRecord(backend, bucket, { key, from, until: bounds.nextOffset });
  if (revision === undefined || (latest !== undefined && latest.offset <= revision)) {
    return valueOf(latest);
  }
  const found = await lastRecord(backend, bucket, { key, from, until: revision + 1 });
  // Where compaction has not been, nothing is missing that was the last of its key.
  const isSure = revision + 1 >= bounds.compactedTo || found?.offset === revision;
  return isSure ? valueOf(found) : "compacted";
}

/** Where the last record of a key is looked for: offsets `[from, until)`. */
interface KeyRecords {
  readonly key: Uint8Array;
  readonly from: number;
  readonly until: number;
}

/** The last record of a key at offsets `[from, until)`. What is truncated meanwhile is not there. */
export async function lastRecord(
  backend: Backend,
  bucket: string,
  { key, from, until }: KeyRecords,
): Promise<LogRecord | undefined> {
  for (let start = from; start < until;) {
    try {
      return await lastRecordIn(backend, bucket, { key, from: start, until });
    } catch (error) {
      const first = overtakenTo(error);
      if (first === undefined) throw error;
      start = first;
    }
  }
  return undefined;
}

async function lastRecordIn(
  backend: Backend,
  bucket: string,
  { key, from, until }: KeyRecords,
): Promise<LogRecord | undefined> {
  const range = { from, until, reverse: true, key };
  const options = { ...range, partition: BUCKET_PARTITION, onLost: () => {} };
  for await (const batch of readBatches(backend, bucket, options)) {
    for (const record of recordsOf(batch, range)) return record;
  }
  return undefined;
}

/** @throws {SeglogError} `invalid-argument`, `offset-out-of-range`, `compacted` */
function checkRevision(
  bucket: string,
  revision: number,
  { logStartOffset, nextOffset }: Pick<PartitionInfo, "logStartOffset" | "nextOffset">,
): void {
  if (!Number.isSafeInteger(revision) || revision < 0) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot read "${bucket}" as of revision ${revision}: it is a whole number from 0`,
    );
  }
  if (revision < logStartOffset) throw compacted(bucket, revision, logStartOffset);
  if (revision < nextOffset) return;
  throw new SeglogError(
    "offset-out-of-range",
    `Cannot read "${bucket}" as of revision ${revision}: the last is ${nextOffset - 1}`,
    { details: { offset: revision, logStartOffset, nextOffset } },
  );
}

function valueOf(record: LogRecord | undefined): KvEntry | undefined {
  return record === undefined || record.value === null ? undefined : entryOf(record);
}

/** The error for a revision whose values may be gone. */
function compacted(bucket: string, revision: number, first: number): SeglogError {
  return new SeglogError(
    "compacted",
    `Cannot read "${bucket}" as of revision ${revision}: values that were replaced by then may be gone; ` +
      `it can be read as of ${first} and later`,
    { details: { revision, first } },
  );
}
