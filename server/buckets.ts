/**
 * The buckets of keys and values that are open, one object a bucket, however many requests use it.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { isNotFound, SeglogError } from "../core/base/errors.ts";
import { Kv } from "../core/kv/kv.ts";
import { describeFault } from "./problem.ts";
import { Shared } from "./shared.ts";

/** What buckets are opened with. */
export interface BucketsOptions {
  readonly bucketsMax: number;
  readonly clock: Clock;
  /** Takes what the server's own log should say. */
  readonly notice: (text: string) => void;
}

/** Whether a bucket is made when there is none. */
export interface HoldOptions {
  readonly create: boolean;
}

/** A bucket that stays open until it is released. */
export interface HeldBucket {
  readonly kv: Kv;
  /** May be called more than once. */
  release(): void;
}

interface OpenBucket {
  readonly opening: Promise<Kv>;
  readonly create: boolean;
  readonly shared: Shared;
  /** When it is open. */
  kv?: Kv;
}

/** Opens buckets when they are first asked for, and closes those that were not used for longest. */
export class Buckets {
  readonly #backend: Backend;
  readonly #options: BucketsOptions;
  /** By name, the least recently used first. */
  readonly #byName = new Map<string, OpenBucket>();
  /** All that are not closed, those that were given up included. */
  readonly #all = new Set<OpenBucket>();
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(backend: Backend, options: BucketsOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /**
   * The bucket of this name, open until it is released. One whose topic was deleted, or that could
   * not be followed any more, is opened anew.
   *
   * @throws {SeglogError} `not-found` where there is none and it may not be made; `overloaded` when
   * too many are in use; what `Kv.open` throws
   */
  async hold(name: string, { create }: HoldOptions): Promise<HeldBucket> {
    for (;;) {
      if (this.#isClosed) {
        throw new SeglogError("unavailable", `Cannot open "${name}": the server is stopping`);
      }
      const bucket = this.#current(name) ?? this.#open(name, create);
      this.#byName.delete(name); // and to the end: it is the most recently used one
      this.#byName.set(name, bucket);
      const release = bucket.shared.use();
      try {
        return { kv: await bucket.opening, release };
      } catch (error) {
        release();
        this.#giveUp(name, bucket);
        if (!create || bucket.create || !isNotFound(error)) throw error;
      }
    }
  }

  /** Hands a bucket to `run`, and keeps it open until that ends. @throws as {@linkcode Buckets.hold} */
  async use<Result>(
    name: string,
    options: HoldOptions,
    run: (kv: Kv) => Result | Promise<Result>,
  ): Promise<Result> {
    const { kv, release } = await this.hold(name, options);
    try {
      return await run(kv);
    } finally {
      release();
    }
  }

  /** Closes all, those in use as well, and opens no more. Writes under way are finished. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const bucket of this.#all) this.#end(bucket);
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  /** The bucket that is open, or about to be; `undefined` when it sees nothing any more. */
  #current(name: string): OpenBucket | undefined {
    const bucket = this.#byName.get(name);
    if (bucket?.kv === undefined || !hasFailed(bucket.kv)) return bucket;
    this.#giveUp(name, bucket);
    return undefined;
  }

  #open(name: string, create: boolean): OpenBucket {
    this.#makeRoom(name);
    const { clock } = this.#options;
    const bucket: OpenBucket = {
      opening: Kv.open(this.#backend, name, { create, clock }).then((kv) => bucket.kv = kv),
      create,
      shared: new Shared(() => this.#end(bucket)),
    };
    bucket.opening.catch(() => {}); // told to those who wait for it
    this.#all.add(bucket);
    return bucket;
  }

  #makeRoom(name: string): void {
    const { bucketsMax } = this.#options;
    if (this.#byName.size < bucketsMax) return;
    for (const [other, bucket] of this.#byName) {
      if (bucket.shared.isIdle) return this.#giveUp(other, bucket);
    }
    throw new SeglogError(
      "overloaded",
      `Cannot open "${name}": ${bucketsMax} buckets are in use, which are the most; try again`,
      { details: { limit: bucketsMax } },
    );
  }

  #giveUp(name: string, bucket: OpenBucket): void {
    if (this.#byName.get(name) === bucket) this.#byName.delete(name);
    bucket.shared.retire();
  }

  #end(bucket: OpenBucket): void {
    if (!this.#all.delete(bucket)) return;
    const closed = bucket.opening.then((kv) => kv.close(), () => {})
      .catch((error) => this.#options.notice(describeFault(error)))
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}

/** Whether a bucket sees nothing any more: its topic is gone, or cannot be read. */
export function hasFailed(kv: Kv): boolean {
  try {
    void kv.revision;
    return false;
  } catch {
    return true;
  }
}
