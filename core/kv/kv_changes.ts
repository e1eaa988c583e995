/**
 * What a bucket's log says of keys: as it was written, and as it goes on.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import { equalBytes } from "../base/bytes.ts";
import { recordsOf } from "../format/records_of.ts";
import { readBatches } from "../reading.ts";
import { changeOf, type KvChange } from "./kv_entry.ts";
import { BUCKET_PARTITION, isKey, keyBytes } from "./kv_key.ts";
import { rangeOf } from "./kv_snapshot.ts";

/** Which changes of a key to tell. */
export interface KvHistoryOptions {
  /** The newest first. */
  readonly reverse?: boolean;
  /** At most so many. */
  readonly limit?: number;
  /** Ends it quietly. */
  readonly signal?: AbortSignal;
}

/** Which changes to watch. */
export interface KvWatchOptions {
  /** The first revision to tell; what comes from now on unless given. */
  readonly from?: number;
  /** Ends it quietly. */
  readonly signal?: AbortSignal;
}

/** Where changes are read. */
export interface ChangeSource {
  readonly backend: Backend;
  readonly topic: string;
  /** Where the bucket ends: behind its last revision. */
  readonly end: number;
}

/** All that the log still has of one key. @throws {SeglogError} as of `Kv.get` */
export async function* keyHistory(
  { backend, topic, end }: ChangeSource,
  key: string,
  { reverse = false, limit = Infinity, signal }: KvHistoryOptions,
): AsyncGenerator<KvChange, void, undefined> {
  const bytes = keyBytes(key);
  let left = limit;
  if (left <= 0) return;
  const range = { from: 0, until: end, reverse, key: bytes };
  const options = {
    partition: BUCKET_PARTITION,
    ...{ until: end, reverse, key: bytes, onLost },
    ...signal === undefined ? {} : { signal },
  };
  for await (const batch of readBatches(backend, topic, options)) {
    for (const record of recordsOf(batch, range)) {
      yield changeOf(record);
      if (--left <= 0) return;
    }
  }
}

/** Follows one key, or all with a prefix. @throws {SeglogError} as of `Kv.get` */
export async function* watchKeys(
  { backend, topic, end }: ChangeSource,
  keys: string | { readonly prefix: string },
  { from = end, signal }: KvWatchOptions,
): AsyncGenerator<KvChange, void, undefined> {
  const isWanted = selectorOf(keys);
  const options = {
    partition: BUCKET_PARTITION,
    ...{ from, follow: true, onLost },
    ...typeof keys === "string" ? { key: keyBytes(keys) } : {},
    ...signal === undefined ? {} : { signal },
  };
  for await (const batch of readBatches(backend, topic, options)) {
    for (const record of recordsOf(batch, { from, until: Infinity })) {
      if (isKey(record.key) && isWanted(record.key)) yield changeOf(record);
    }
  }
}

/** What a repair gave up is no change any more. */
function onLost(): void {}

function selectorOf(keys: string | { readonly prefix: string }): (key: Uint8Array) => boolean {
  if (typeof keys === "string") {
    const wanted = keyBytes(keys);
    return (key) => equalBytes(key, wanted);
  }
  const { start } = rangeOf({ prefix: keys.prefix });
  if (start === undefined) return () => true;
  return (key) => key.length >= start.length && equalBytes(key.subarray(0, start.length), start);
}
