/**
 * Reading a bucket, as it is or in a snapshot that a client holds.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import type { Kv } from "../core/kv/kv.ts";
import type { KvChange, KvEntry } from "../core/kv/kv_entry.ts";
import type { KvListOptions, KvSnapshot } from "../core/kv/kv_snapshot.ts";
import type { Exchange } from "./exchange.ts";
import type { SnapshotUse } from "./held_snapshots.ts";
import type { TenantServices } from "./tenant_services.ts";

/** Where to read. */
export interface BucketPlace {
  readonly bucket: string;
  /** The id of a snapshot; the present unless given. */
  readonly snapshot: string | undefined;
}

/**
 * A key with its value, the latest, in a snapshot, or as of a revision.
 *
 * @throws {SeglogError} `not-found` for the bucket or the snapshot; what `Kv.get` throws
 */
export async function readEntry(
  { tenant }: Pick<Exchange, "tenant">,
  { bucket, snapshot: id, revision }: BucketPlace & { readonly revision?: number | undefined },
  key: string,
): Promise<KvEntry | undefined> {
  const { buckets, snapshots, quota } = tenant;
  quota.checkBytes();
  const counted = (entry: KvEntry | undefined) => {
    if (entry !== undefined) quota.takeBytes(bytesOf(entry));
    return entry;
  };
  if (id !== undefined && revision !== undefined) {
    throw new SeglogError("invalid-argument", "Cannot read: give snapshot or revision, not both");
  }
  if (id === undefined) {
    const options = revision === undefined ? {} : { revision };
    return counted(await buckets.use(bucket, { create: false }, (kv) => kv.get(key, options)));
  }
  const { snapshot, release } = snapshots.use(bucket, id);
  try {
    return counted(await snapshot.get(key));
  } finally {
    release();
  }
}

/** One moment of a bucket, which is read until it is released. @throws as {@linkcode readEntry} */
export async function momentOf(
  { tenant }: Pick<Exchange, "tenant">,
  { bucket, snapshot: id }: BucketPlace,
): Promise<SnapshotUse> {
  if (id !== undefined) return tenant.snapshots.use(bucket, id);
  const { kv, release } = await tenant.buckets.hold(bucket, { create: false });
  try {
    const snapshot = kv.snapshot();
    return {
      snapshot,
      release() {
        snapshot.close();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Entries in order, counted like records that are read.
 *
 * @param signal of whoever reads them all: is then slowed down, where a page is had at once
 * @throws {SeglogError} `quota-exceeded` at the start
 */
export async function* entriesOf(
  { quota }: Pick<TenantServices, "quota">,
  snapshot: KvSnapshot,
  { signal, ...options }: KvListOptions & { readonly signal?: AbortSignal },
): AsyncGenerator<KvEntry, void, undefined> {
  quota.checkBytes();
  for await (const entry of snapshot.list(options)) {
    if (signal !== undefined) await quota.awaitBytes(signal);
    quota.takeBytes(bytesOf(entry));
    yield entry;
  }
}

/** Changes as they come, counted likewise; whoever has begun is slowed down. */
export async function* changesOf(
  { quota }: Pick<TenantServices, "quota">,
  kv: Kv,
  { watched, ...range }: {
    readonly watched: Parameters<Kv["watch"]>[0];
    readonly from: number;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<KvChange, void, undefined> {
  for await (const change of kv.watch(watched, range)) {
    await quota.awaitBytes(range.signal);
    if (range.signal.aborted) return;
    quota.takeBytes(change.kind === "set" ? bytesOf(change.entry) : change.key.length);
    yield change;
  }
}

function bytesOf({ key, value }: KvEntry): number {
  return key.length + value.length;
}

/** The error for a key without a value. */
export function noValue(bucket: string, key: string): SeglogError {
  const shown = JSON.stringify(key.slice(0, 200));
  return new SeglogError("not-found", `Cannot find ${shown} in "${bucket}": it has no value`, {
    details: { bucket, key },
  });
}
