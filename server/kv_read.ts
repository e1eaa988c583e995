/**
 * Reading a bucket, as it is or in a snapshot that a client holds.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import type { KvEntry } from "../core/kv/kv_entry.ts";
import type { Exchange } from "./exchange.ts";
import type { SnapshotUse } from "./held_snapshots.ts";

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
  const { buckets, snapshots } = tenant;
  if (id !== undefined && revision !== undefined) {
    throw new SeglogError("invalid-argument", "Cannot read: give snapshot or revision, not both");
  }
  if (id === undefined) {
    const options = revision === undefined ? {} : { revision };
    return await buckets.use(bucket, { create: false }, (kv) => kv.get(key, options));
  }
  const { snapshot, release } = snapshots.use(bucket, id);
  try {
    return await snapshot.get(key);
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

/** The error for a key without a value. */
export function noValue(bucket: string, key: string): SeglogError {
  const shown = JSON.stringify(key.slice(0, 200));
  return new SeglogError("not-found", `Cannot find ${shown} in "${bucket}": it has no value`, {
    details: { bucket, key },
  });
}
