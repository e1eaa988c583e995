/**
 * Snapshots of buckets that clients hold by an id, each for a time: a client may go away without a
 * word.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { KvSnapshot } from "../core/kv/kv_snapshot.ts";
import { hasFailed, type HeldBucket } from "./buckets.ts";
import { Shared } from "./shared.ts";

const ID_BYTES = 16;

/** One snapshot that is held. */
export interface HeldSnapshot {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly bucket: string;
  /** The last revision that is seen. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** A snapshot that is read until it is released, whatever becomes of its id. */
export interface SnapshotUse {
  readonly snapshot: KvSnapshot;
  /** May be called more than once. */
  release(): void;
}

interface Held {
  readonly id: string;
  readonly bucket: string;
  readonly held: HeldBucket;
  readonly snapshot: KvSnapshot;
  readonly shared: Shared;
  readonly ttlMs: number;
  expiresAt: number;
  cancel: () => void;
}

/** All snapshots that are held, by their ids. */
export class HeldSnapshots {
  readonly #clock: Clock;
  readonly #snapshotsMax: number;
  readonly #byId = new Map<string, Held>();

  constructor({ clock, snapshotsMax }: { clock: Clock; snapshotsMax: number }) {
    this.#clock = clock;
    this.#snapshotsMax = snapshotsMax;
  }

  /**
   * Takes a snapshot of a bucket as it is now. The bucket is released with it.
   *
   * @throws {SeglogError} `overloaded`; then the bucket is still the caller's to release
   */
  take(held: HeldBucket, ttlMs: number): HeldSnapshot {
    const { bucket } = held.kv;
    if (this.#byId.size >= this.#snapshotsMax) {
      throw new SeglogError(
        "overloaded",
        `Cannot take a snapshot of "${bucket}": ${this.#snapshotsMax} are held, which are the most; delete one, or try again when one has expired`,
        { details: { limit: this.#snapshotsMax } },
      );
    }
    const snapshot = held.kv.snapshot();
    const shared = new Shared(() => {
      snapshot.close();
      held.release();
    });
    const id = randomBytes(ID_BYTES).toString("hex");
    const one: Held = {
      id,
      bucket,
      held,
      snapshot,
      shared,
      ttlMs,
      expiresAt: 0,
      cancel: () => {},
    };
    this.#byId.set(id, one);
    this.#prolong(one, ttlMs);
    return told(one);
  }

  /** What is held by an id. @throws {SeglogError} `not-found` */
  find(bucket: string, id: string): HeldSnapshot {
    return told(this.#get(bucket, id));
  }

  /** Reads a snapshot. @throws {SeglogError} `not-found` */
  use(bucket: string, id: string): SnapshotUse {
    const { snapshot, shared } = this.#get(bucket, id);
    return { snapshot, release: shared.use() };
  }

  /**
   * Holds a snapshot for its time again, from now on.
   *
   * @param ttlMs another time than before
   * @throws {SeglogError} `not-found`
   */
  renew(bucket: string, id: string, ttlMs?: number): HeldSnapshot {
    const one = this.#get(bucket, id);
    this.#prolong(one, ttlMs ?? one.ttlMs);
    return told(one);
  }

  /** Gives a snapshot up; who reads it reads on. @throws {SeglogError} `not-found` */
  drop(bucket: string, id: string): void {
    this.#end(this.#get(bucket, id));
  }

  /** Gives all up. */
  close(): void {
    for (const one of this.#byId.values()) this.#end(one);
  }

  #get(bucket: string, id: string): Held {
    const one = this.#byId.get(id);
    const isGone = one === undefined || one.bucket !== bucket ||
      one.expiresAt <= this.#clock.now();
    if (!isGone && !hasFailed(one.held.kv)) return one;
    if (one !== undefined && one.bucket === bucket) this.#end(one);
    const shown = JSON.stringify(id.slice(0, 80));
    throw new SeglogError(
      "not-found",
      `Cannot find the snapshot ${shown} of "${bucket}": it has expired, was deleted, or never was; take another one`,
      { details: { snapshot: id.slice(0, 80) } },
    );
  }

  #prolong(one: Held, ttlMs: number): void {
    one.cancel();
    one.expiresAt = this.#clock.now() + ttlMs;
    one.cancel = this.#clock.after(ttlMs, () => this.#end(one));
  }

  #end(one: Held): void {
    one.cancel();
    this.#byId.delete(one.id);
    one.shared.retire();
  }
}

function told({ id, bucket, snapshot, expiresAt }: Held): HeldSnapshot {
  return { id, bucket, revision: snapshot.revision, expiresAt };
}
