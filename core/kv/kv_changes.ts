/**
 * What a bucket's log says of keys: as it was written, and as it goes on.
 *
 * @module
 */
import { equalBytes } from "../base/bytes.ts";
import { recordsOf } from "../format/records_of.ts";
import { changeOf, type KvChange } from "./kv_entry.ts";
import { BUCKET_PARTITION, isKey, keyBytes } from "./kv_key.ts";
import { type KvSource, rangeOf } from "./kv_snapshot.ts";

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

/** All that the log still has of one key. @throws {SeglogError} as of `Kv.get` */
export async function* keyHistory(
  { backend, topic, view }: KvSource,
  key: string,
  { reverse = false, limit = Infinity, signal }: KvHistoryOptions,
): AsyncGenerator<KvChange, void, undefined> {
  const bytes = keyBytes(key);
  const range = {
    partition: BUCKET_PARTITION,
    until: view.position,
    reverse,
    key: bytes,
    ...signal === undefined ? {} : { signal },
  };
  let left = limit;
  if (left <= 0) return;
  for await (const batch of backend.batches(topic, range)) {
    for (const record of recordsOf(batch, { from: 0, until: range.until, reverse, key: bytes })) {
      yield changeOf(record);
      if (--left <= 0) return;
    }
  }
}

/** Follows one key, or all with a prefix. @throws {SeglogError} as of `Kv.get` */
export async function* watchKeys(
  { backend, topic, view }: KvSource,
  keys: string | { readonly prefix: string },
  { from = view.position, signal: until }: KvWatchOptions,
): AsyncGenerator<KvChange, void, undefined> {
  const isWanted = selectorOf(keys);
  const signal = until === undefined ? view.ending : AbortSignal.any([until, view.ending]);
  const range = {
    partition: BUCKET_PARTITION,
    from,
    follow: true,
    ...typeof keys === "string" ? { key: keyBytes(keys) } : {},
    signal,
  };
  for await (const batch of backend.batches(topic, range)) {
    for (const record of recordsOf(batch, { from, until: Infinity })) {
      if (isKey(record.key) && isWanted(record.key)) yield changeOf(record);
    }
  }
}

function selectorOf(keys: string | { readonly prefix: string }): (key: Uint8Array) => boolean {
  if (typeof keys === "string") {
    const wanted = keyBytes(keys);
    return (key) => equalBytes(key, wanted);
  }
  const { start } = rangeOf({ prefix: keys.prefix });
  if (start === undefined) return () => true;
  return (key) => key.length >= start.length && equalBytes(key.subarray(0, start.length), start);
}
