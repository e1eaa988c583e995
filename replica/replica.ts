/**
 * A store that follows another backend: a read replica, and what a node of a cluster reads from.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { Backend, TopicDetails, TopicInfo } from "../core/backend.ts";
import { type Clock, wakefulClock } from "../core/base/clock.ts";
import { isNotFound, messageOf, SeglogError } from "../core/base/errors.ts";
import { Mutex } from "../core/base/mutex.ts";
import type { StoreMirror } from "../core/store/store_mirror.ts";
import type { Store } from "../core/store/store.ts";
import { Arrivals } from "./arrivals.ts";
import { Changes } from "./changes.ts";
import { closed, unlessClosed } from "./closed.ts";
import { diverged } from "./diverged.ts";
import { forEach } from "./each.ts";
import { lookAgain } from "./looks.ts";
import { PartitionFollower } from "./partition_follower.ts";
import type { ReplicaOptions, ReplicaStatus } from "./replica_contract.ts";
import { noteTruncations, seenTruncations, truncationsOf } from "./seen_truncations.ts";
import { Turns } from "./turns.ts";
import { WholeNote } from "./whole_note.ts";

const LOOK_MS = 1000;
/** Partitions that catch up at the same time; all that have caught up follow at once. */
const CATCH_UP_AT_ONCE = 8;
/** Bytes that all followers together may hold ahead, shared out evenly, each with the least at least. */
const AHEAD_BYTES = 64 * 1024 * 1024;
const AHEAD_BYTES_LEAST = 128 * 1024;
const AHEAD_BYTES_MOST = 8 * 1024 * 1024;

/** A topic that is followed. */
interface Followed {
  info: TopicInfo;
  readonly followers: readonly PartitionFollower[];
  /** How often records were taken from the end of each partition, as the replica has it. */
  readonly truncations: readonly number[];
}

/**
 * Keeps a store in step with a source: its topics with their ids and settings, their records at the
 * same offsets, where logs start, and what is deleted. Records that the source took away from its end
 * again, or has otherwise than the replica, are set aside, told of, and copied anew.
 *
 * The store is the replica's to write to and everybody's to read. What is in the way of one partition
 * is tried again, with growing pauses, and keeps no other from going on. What all followers hold in
 * memory is bounded together; each waits by a reading of its own, over HTTP a request.
 *
 * @example
 * ```ts
 * import { Replica, Store } from "seglog";
 *
 * await using source = await Store.memory(); // or connect("http://127.0.0.1:8080")
 * await source.append("orders", [{ value: "hello" }]);
 * await using local = await Store.memory();
 * await using replica = new Replica(source, local);
 * await replica.reached("orders", 0, 1);
 * console.assert((await local.read("orders", 0)).text === "hello");
 * ```
 */
export class Replica implements AsyncDisposable {
  readonly #source: Backend;
  readonly #local: Store;
  readonly #into: StoreMirror;
  readonly #clock: Clock;
  readonly #notice: (notice: string, level: "info" | "warn") => void;
  /** By name. */
  readonly #topics = new Map<string, Followed>();
  /** Names of topics that were set aside, or are to be, and are not copied anew yet. */
  readonly #aside = new Set<string>();
  readonly #turns = new Turns(CATCH_UP_AT_ONCE);
  readonly #arrivals = new Arrivals();
  readonly #looking = new Mutex();
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  readonly #changes = new Changes();
  readonly #wholeNote: WholeNote;
  /** By the names of topics: why what is to be set aside could not be, as it was told. */
  readonly #told = new Map<string, string>();
  #lastError: string | undefined = "it was not looked at yet";
  #isConnected = true;

  /**
   * Begins at once.
   *
   * @param source what is followed; whoever opened it closes it, after the replica
   * @param local the store that follows, likewise: `Store.open(folder, { follows })`
   * @throws {SeglogError} `read-only` when the store was opened for reading
   */
  constructor(source: Backend, local: Store, options: ReplicaOptions = {}) {
    if (local.mirrorTarget === undefined) {
      throw new SeglogError("read-only", "Cannot follow into a store that was opened for reading");
    }
    this.#source = source;
    this.#local = local;
    this.#into = local.mirrorTarget;
    this.#clock = options.clock ?? wakefulClock;
    this.#notice = options.onNotice ?? (() => {});
    this.#wholeNote = new WholeNote(local, this.#notice);
    const { lookMs = LOOK_MS } = options;
    const pace = { clock: this.#clock, lookMs, signal: this.#ending.signal };
    this.#running = lookAgain(() => this.look(), pace);
  }

  /** How it is now. */
  get status(): ReplicaStatus {
    const partitions = [...this.#topics.values()]
      .toSorted((a, b) => a.info.name < b.info.name ? -1 : 1)
      .flatMap(({ followers }) => followers.map(({ status }) => status));
    const why = this.#lastError === undefined ? {} : { lastError: this.#lastError };
    return { isConnected: this.#isConnected, partitions, ...why };
  }

  /**
   * Resolves when the replica ends at `offset` or behind: records below it can be read here.
   *
   * @throws {SeglogError} `not-found` when the topic is deleted meanwhile; `closed`
   * @throws the reason of the signal when it is aborted
   */
  async reached(
    topic: string,
    partition: number,
    offset: number,
    signal?: AbortSignal,
  ): Promise<void> {
    this.#checkOpen();
    if (!this.#topics.has(topic)) this.look().catch(() => {}); // it may be new; the next look tells why not
    const follower = this.#topics.get(topic)?.followers[partition];
    if (follower !== undefined && follower.status.offset >= offset) return;
    await this.#arrivals.wait(topic, partition, offset, signal);
  }

  /**
   * Resolves when the replica has everything that the source had at the time of the call.
   *
   * @throws {SeglogError} what the source throws; `unavailable` when a partition cannot be copied now
   */
  async caughtUp(signal?: AbortSignal): Promise<void> {
    await this.look();
    while (!signal?.aborted) {
      this.#checkOpen();
      const failed = this.status.partitions.find(({ state }) => state === "waiting");
      if (failed !== undefined) {
        const { topic, partition, lastError } = failed;
        throw new SeglogError(
          "unavailable",
          `Cannot copy partition ${partition} of "${topic}": ${lastError}`,
        );
      }
      if (this.#isCaughtUp) {
        if (!this.#wholeNote.isThere) await this.#looking.run(() => this.#noteWhole());
        return;
      }
      await this.#changes.next(signal);
    }
  }

  /**
   * Looks at the topics of the source now, and not only when it is time: for whoever knows that
   * something has changed.
   *
   * @throws {SeglogError} what the source throws; `condition-failed` when it was replaced by another
   */
  look(): Promise<void> {
    return this.#looking.run(() => this.#look());
  }

  /** Ends it; what was copied stays, and is gone on from. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#looking.run(async () => {
      await Promise.all([...this.#topics.values()].map(({ followers }) => closeAll(followers)));
    });
    this.#arrivals.fail(closed());
    this.#changes.tell();
  }

  /** Closes it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #look(): Promise<void> {
    this.#checkOpen();
    try {
      await this.#noteWhole(); // by now what the look before has seen may be here
      await this.#lookAtTopics();
      this.#lastError = undefined;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#lastError && !this.#ending.signal.aborted) {
        this.#notice(`cannot look at the source: ${message}`, "warn");
      }
      this.#lastError = message;
      throw error;
    } finally {
      this.#changes.tell();
    }
  }

  /** Whether it has everything that its source had when it was looked at last. */
  get #isCaughtUp(): boolean {
    if (this.#aside.size > 0) return false;
    return [...this.#topics.values()]
      .every(({ followers }) => followers.every(({ isCaughtUp }) => isCaughtUp));
  }

  /** While nothing is set aside: that takes the note back. */
  async #noteWhole(): Promise<void> {
    if (this.#wholeNote.isThere || this.#lastError !== undefined || !this.#isCaughtUp) return;
    await this.#wholeNote.make();
  }

  async #lookAtTopics(): Promise<void> {
    const listed = await this.#listed();
    await this.#checkEpoch();
    const ids = new Set(listed.map(({ id }) => id));
    const copied = await this.#local.listTopics();
    const hasNone = !copied.some(({ id }) => ids.has(id));
    for (const info of copied) {
      if (ids.has(info.id) || !await this.#isDeleted(info)) continue;
      if (hasNone) await this.#setAside(info, "its source has none of these topics any more");
      else await this.#drop(info);
    }
    const names = new Set(listed.map(({ name }) => name));
    for (const name of [...this.#aside]) if (!names.has(name)) this.#aside.delete(name);
    await forEach(listed, async (info) => {
      if (this.#ending.signal.aborted) return;
      try {
        await this.#see(info, await this.#details(info));
      } catch (error) {
        if (!isNotFound(error)) throw error; // it was deleted since
      }
    });
  }

  async #listed(): Promise<readonly TopicInfo[]> {
    const listing = this.#source.listTopics();
    listing.then(() => this.#isConnected = true, () => this.#isConnected = false);
    return await unlessClosed(listing, this.#ending.signal);
  }

  #details({ name }: TopicInfo): Promise<TopicDetails> {
    return unlessClosed(this.#source.describeTopic(name), this.#ending.signal);
  }

  /** A source that was replaced is not followed: what it has got since is not the history any more. */
  async #checkEpoch(): Promise<void> {
    const { epoch } = this.#source;
    if (epoch !== undefined) await this.#into.noteEpoch(epoch);
  }

  /** A topic that is only not shown any more is not deleted. */
  async #isDeleted(info: TopicInfo): Promise<boolean> {
    try {
      return (await this.#details(info)).id !== info.id;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }

  async #drop({ name }: TopicInfo): Promise<void> {
    await this.#leave(name);
    await this.#into.drop(name);
    this.#isGone(name);
    this.#notice(`the topic "${name}" is gone, as in the source`, "info");
  }

  /**
   * A source that has lost everything looks like one in which everything was deleted: what is here may
   * be all that there is.
   */
  async #setAside({ name }: TopicInfo, reason: string): Promise<void> {
    await this.#leave(name);
    await this.#into.setAside(name, reason); // the store tells where it is
    this.#isGone(name);
  }

  #isGone(name: string): void {
    this.#aside.delete(name);
    this.#told.delete(name);
    this.#arrivals.fail(
      new SeglogError("not-found", `Cannot wait for "${name}": the source has deleted it`),
      name,
    );
  }

  async #see(info: TopicInfo, details: TopicDetails): Promise<void> {
    if (details.id !== info.id) return; // made anew: the next look tells
    const known = this.#topics.get(info.name);
    if (!isDeepStrictEqual(known?.info.config, info.config)) await this.#into.adopt(info);
    const followed = known ?? await this.#begin(details);
    followed.info = info;
    const cut = details.partitions.find(({ truncations }, i) =>
      truncations !== followed.truncations[i]
    );
    if (cut !== undefined) {
      const { partition, nextOffset: offset } = cut;
      const how = "its source has taken records away from its end";
      return await this.#copyAnew(
        details,
        diverged({ topic: info.name, partition, offset, how }),
      );
    }
    details.partitions.forEach((partition, i) => followed.followers[i]!.saw(partition));
  }

  async #begin(details: TopicDetails): Promise<Followed> {
    const { name, id, config } = details;
    const seen = seenTruncations(this.#local, name);
    if (seen === undefined) await noteTruncations(this.#local, name, truncationsOf(details));
    const followers = details.partitions.map(({ partition }) =>
      new PartitionFollower({
        source: this.#source,
        local: this.#local,
        topic: name,
        partition,
        clock: this.#clock,
        turns: this.#turns,
        aheadBytes: () => this.#aheadBytes(),
        onReached: (nextOffset) => this.#arrivals.reached(name, partition, nextOffset),
        onChange: () => this.#changes.tell(),
        onDiverged: (error) => void this.#diverged({ name, id, config }, error),
        onNotice: this.#notice,
      })
    );
    const followed = {
      info: { name, id, config },
      followers,
      truncations: seen ?? truncationsOf(details),
    };
    this.#topics.set(name, followed);
    this.#aside.delete(name);
    return followed;
  }

  /** A follower has found what is no copy. When that cannot be mended now, the next look tries again. */
  async #diverged(info: TopicInfo, why: SeglogError): Promise<void> {
    const { name, id } = info;
    await this.#looking.run(async () => {
      if (this.#ending.signal.aborted || this.#topics.get(name)?.info.id !== id) return;
      try {
        await this.#copyAnew(await this.#details(info), why);
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        this.#aside.add(name);
        await this.#leave(name);
        const notice = `${why.message}; it cannot be set aside now: ${messageOf(error)}`;
        if (this.#told.get(name) !== notice) this.#notice(notice, "warn");
        this.#told.set(name, notice);
      }
    });
    this.#changes.tell();
  }

  /** What the replica has of a topic stays available beside it; the topic is copied anew. */
  async #copyAnew(details: TopicDetails, why: SeglogError): Promise<void> {
    const { name, id, config } = details;
    this.#aside.add(name);
    await this.#leave(name);
    await this.#into.setAside(name, why.message); // the store tells where it is
    this.#told.delete(name);
    await this.#into.adopt({ name, id, config });
    const { followers } = await this.#begin(details);
    details.partitions.forEach((partition, i) => followers[i]!.saw(partition));
  }

  /** Follows a topic no more. */
  async #leave(name: string): Promise<void> {
    const followed = this.#topics.get(name);
    this.#topics.delete(name);
    await closeAll(followed?.followers ?? []);
  }

  #aheadBytes(): number {
    const count = [...this.#topics.values()]
      .reduce((sum, { followers }) => sum + followers.length, 0);
    const share = Math.floor(AHEAD_BYTES / Math.max(1, count));
    return Math.min(AHEAD_BYTES_MOST, Math.max(AHEAD_BYTES_LEAST, share));
  }

  #checkOpen(): void {
    if (this.#ending.signal.aborted) throw closed();
  }
}

async function closeAll(followers: readonly PartitionFollower[]): Promise<void> {
  await Promise.all(followers.map((follower) => follower.close()));
}
