/**
 * A member of a consumer group: reads its share of some topics, gives up what others are to read, and
 * commits what is done.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import process from "node:process";
import type { Backend } from "../core/backend.ts";
import { type Clock, wakefulClock } from "../core/base/clock.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { GroupOffset, GroupPlace, JoinRequest, Membership } from "../core/group_contract.ts";
import { type HeldGroups, holdGroups } from "../core/groups/shared_groups.ts";
import { checkWhole } from "./check_whole.ts";
import { ConsumedBatch } from "./consumed_batch.ts";
import { type Done, GroupCommits } from "./group_commits.ts";
import { GroupMembership } from "./group_membership.ts";
import type { GroupPart } from "./group_part.ts";
import { type GroupLostRange, GroupShare } from "./group_share.ts";

/** What a member of a group reads, and how. */
export interface GroupConsumerOptions extends Omit<JoinRequest, "member" | "principal"> {
  /** What the member's id begins with, for people; the name of the machine and the process unless given. */
  readonly name?: string;
  /** Wait at the end for more; true unless given. */
  readonly follow?: boolean;
  /**
   * Commit by itself what the loop is done with, at most this often, and when it is closed. Without
   * it only `commit` commits.
   */
  readonly autoCommitMs?: number;
  /** Bytes that are read ahead, over all partitions; 32 MiB unless given. */
  readonly bufferBytesMax?: number;
  /** Ends it quietly. */
  readonly signal?: AbortSignal;
  /**
   * Told of offsets that the group has not read and that are gone: by retention, or given up by a
   * repair; and of those that it had read, when the partition has lost its end. Reading goes on behind
   * them. Without it they are an error.
   */
  readonly onLost?: (range: GroupLostRange) => void;
  /** Told of partitions before they are given up to other members: what is done can still be committed. */
  readonly onRevoked?: (places: readonly GroupPlace[]) => void | Promise<void>;
  /** Is told, in a sentence, what is tried again. */
  readonly onNotice?: (notice: string) => void;
  /** Counts `autoCommitMs`; the machine's unless given. */
  readonly clock?: Clock;
}

const BUFFER_BYTES_DEFAULT = 32 * 1024 * 1024;

/**
 * Shares the partitions of some topics with the other members of a group, and begins where the group
 * has committed. Each record is handed out at least once: again, when a member dies before it has
 * committed.
 *
 * @example
 * ```ts
 * import { GroupConsumer, Store } from "seglog";
 *
 * await using backend = await Store.memory(); // or connect("http://127.0.0.1:8080")
 * await backend.append("orders", [{ value: "a" }, { value: "b" }]);
 *
 * await using consumer = await GroupConsumer.open(backend, "billing", {
 *   topics: ["orders"],
 *   follow: false,
 * });
 * for await (const batch of consumer) {
 *   for (const record of batch) console.assert(record.offset < 2);
 *   await consumer.commit(); // what was handed out is done
 * }
 * console.assert(await consumer.lag() === 0);
 * ```
 */
export class GroupConsumer implements AsyncDisposable, AsyncIterable<ConsumedBatch> {
  /** Name of the group. */
  readonly group: string;
  readonly #backend: Backend;
  readonly #held: HeldGroups;
  readonly #options: GroupConsumerOptions;
  readonly #clock: Clock;
  readonly #ending = new AbortController();
  readonly #share: GroupShare;
  /** The part that a batch was of. */
  readonly #origin = new WeakMap<ConsumedBatch, GroupPart>();
  readonly #commits: GroupCommits;
  #membership: GroupMembership | undefined;
  /** Why the membership is over. */
  #failure: { readonly error: unknown } | undefined;
  #cancelCommit: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    backend: Backend,
    group: string,
    { held, options }: { held: HeldGroups; options: GroupConsumerOptions },
  ) {
    const { follow = true, bufferBytesMax = BUFFER_BYTES_DEFAULT, onLost } = options;
    this.group = group;
    this.#backend = backend;
    this.#held = held;
    this.#options = options;
    this.#clock = options.clock ?? wakefulClock;
    this.#share = new GroupShare(backend, {
      follow,
      bufferBytesMax,
      signal: this.#ending.signal,
      onLost,
      onTaken: (part) => this.#commits.take(part),
    });
    this.#commits = new GroupCommits(held.groups, group, this.#share);
    options.signal?.addEventListener("abort", this.#end, { once: true });
  }

  /**
   * Joins a group, and begins to read what it is assigned.
   *
   * @param group its name, 1 to 200 bytes; it is made with its first member
   * @throws {SeglogError} `not-found` for a topic that is not there; `invalid-argument`;
   * `read-only` where nothing can be committed
   */
  static async open(
    backend: Backend,
    group: string,
    options: GroupConsumerOptions,
  ): Promise<GroupConsumer> {
    const { bufferBytesMax = BUFFER_BYTES_DEFAULT, autoCommitMs, signal } = options;
    checkWhole("bufferBytesMax", bufferBytesMax, [1, Number.MAX_SAFE_INTEGER]);
    if (autoCommitMs !== undefined) checkWhole("autoCommitMs", autoCommitMs, [1, 2 ** 31 - 1]);
    signal?.throwIfAborted();
    const consumer = new GroupConsumer(backend, group, { held: holdGroups(backend), options });
    try {
      consumer.#membership = await consumer.#join();
      signal?.throwIfAborted();
      return consumer;
    } catch (error) {
      await consumer.close();
      throw error;
    }
  }

  /** Its id in the group. */
  get member(): string {
    return this.#membership!.member;
  }

  /** What it reads now. */
  get assignment(): readonly GroupPlace[] {
    return this.#share.parts.filter(({ isLeaving }) => !isLeaving)
      .map(({ topic, partition }) => ({ topic, partition }));
  }

  /** As {@linkcode GroupConsumer.batches}. */
  [Symbol.asyncIterator](): AsyncGenerator<ConsumedBatch, void, undefined> {
    return this.batches();
  }

  /**
   * Batches as they come. Ends when the consumer is closed, its signal is aborted, or, where it does
   * not follow, all that it is assigned was read. Leaving the loop loses nothing: another one goes on
   * behind it.
   *
   * @throws {SeglogError} as `Backend.batches`, with `topic` and `partition` in the details: the
   * partition stays the member's, and another loop tries it again; as `Groups.join` when the
   * membership is over, for good
   */
  async *batches(): AsyncGenerator<ConsumedBatch, void, undefined> {
    const share = this.#share;
    for (const part of share.parts) part.goOn();
    share.readAll();
    for (;;) {
      await this.#revoke(share.parts.filter(({ isLeaving, isBusy }) => isLeaving && !isBusy));
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#ending.signal.aborted) return;
      const arrival = share.take();
      if (arrival === undefined) {
        if (share.isDone) return;
        await share.wait();
        continue;
      }
      const { part, batch, error } = arrival;
      if (batch === undefined) throw told(part, error);
      const consumed = new ConsumedBatch(part, batch, part.position);
      this.#origin.set(consumed, part);
      part.hand(consumed);
      share.readOn(part); // while the caller works
      let how: "done" | "left" = "left";
      try {
        yield consumed;
        how = "done";
      } finally {
        part.end(consumed, how);
      }
      this.#commitSoon();
    }
  }

  /**
   * Commits everything that was handed out; or a batch, and what was before it in its partition; or
   * offsets, up to which partitions are done.
   *
   * @throws {SeglogError} `condition-failed` when some of what was handed out, or is to be committed,
   * is somebody else's by now, who reads it again: the rest is committed, and the consumer goes on;
   * also when the membership is lost while the consumer ends
   */
  async commit(done?: ConsumedBatch | readonly GroupOffset[]): Promise<void> {
    await this.#commit(() => this.#asked(done));
    await this.#revoke(
      this.#share.parts.filter((part) => part.isLeaving && !part.isUncommitted),
    );
    const taken = this.#commits.taken();
    if (taken !== undefined) throw taken;
  }

  /** Offsets of its partitions that are not committed, up to their ends. */
  async lag(): Promise<number> {
    let lag = 0;
    for (const { topic, partition, committed } of this.#share.parts) {
      const { logStartOffset, nextOffset } = await this.#backend.bounds(topic, partition);
      lag += Math.max(0, nextOffset - Math.max(committed, logStartOffset));
    }
    return lag;
  }

  /**
   * Ends the reading, commits what is done where it does so by itself, and leaves the group. The
   * backend stays open.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes the consumer at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #end = (): void => {
    this.#options.signal?.removeEventListener("abort", this.#end);
    this.#ending.abort();
    this.#share.wake();
  };

  async #close(): Promise<void> {
    this.#end();
    this.#cancelCommit?.();
    await this.#share.close();
    if (this.#membership !== undefined) await this.#commitDone();
    await this.#membership?.close();
    await this.#held.release();
  }

  #join(): Promise<GroupMembership> {
    const { topics, from, leaseMs, handoverMs, name } = this.#options;
    const { onNotice = () => {} } = this.#options;
    const id = randomBytes(4).toString("hex");
    return GroupMembership.join(this.#held.groups, this.group, {
      request: {
        member: `${name ?? `${hostname()}-${process.pid}`}-${id}`,
        topics,
        ...from === undefined ? {} : { from },
        ...leaseMs === undefined ? {} : { leaseMs },
        ...handoverMs === undefined ? {} : { handoverMs },
      },
      options: {
        holds: () => this.#share.parts.map(({ topic, partition }) => ({ topic, partition })),
        onTold: (membership) => this.#told(membership),
        onLost: () => this.#share.lose(),
        onFailure: (error) => {
          this.#failure = { error };
          this.#share.wake();
        },
        onNotice,
      },
    });
  }

  /** What nobody works on is given up at once, the rest when the loop comes to it. */
  #told(membership: Membership): void {
    this.#share.told(membership);
    void this.#revoke(
      this.#share.parts.filter((part) => part.isLeaving && !part.isBusy && !part.isUncommitted),
    );
  }

  /** Gives partitions up to others. */
  async #revoke(parts: readonly GroupPart[]): Promise<void> {
    const going = parts.filter((part) => !part.isGoing);
    if (going.length === 0) return;
    for (const part of going) part.isGoing = true;
    try {
      await this.#commitDone();
      await this.#options.onRevoked?.(going.map(({ topic, partition }) => ({ topic, partition })));
    } catch (error) {
      this.#failure ??= { error };
    }
    for (const part of going) {
      part.isGoing = false;
      if (part.isLeaving) this.#share.giveUp(part); // it may have come back meanwhile
    }
    this.#membership?.speak();
  }

  /** Commits by itself, some time after something was done. */
  #commitSoon(): void {
    const { autoCommitMs } = this.#options;
    if (autoCommitMs === undefined || this.#cancelCommit !== undefined) return;
    this.#cancelCommit = this.#clock.after(autoCommitMs, () => {
      this.#cancelCommit = undefined;
      void this.#commitDone();
    });
  }

  /** Commits what the loops are done with, where it does so by itself. */
  async #commitDone(): Promise<void> {
    const { autoCommitMs, onNotice = () => {} } = this.#options;
    if (autoCommitMs === undefined) return;
    try {
      await this.#commit(() => this.#share.parts.map((part) => ({ part, offset: part.done })));
    } catch (error) {
      onNotice(messageOf(error));
    }
    this.#commits.taken(); // it will be read again, by whoever has it
  }

  /** What is to be committed, of the partitions that it still has. */
  #asked(done: ConsumedBatch | readonly GroupOffset[] | undefined): Done[] {
    const share = this.#share;
    if (done === undefined) return share.parts.map((part) => ({ part, offset: part.position }));
    const asked = done instanceof ConsumedBatch
      ? [{ place: done, part: this.#origin.get(done), offset: done.end }]
      : done.map((one) => ({ place: one, part: share.at(one), offset: one.offset }));
    return asked.flatMap(({ place, part, offset }) => {
      if (part !== undefined && share.has(part)) return [{ part, offset }];
      this.#commits.take(place);
      return [];
    });
  }

  #commit(asked: () => readonly Done[]): Promise<void> {
    const membership = this.#membership!;
    return this.#commits.commit({
      member: this.member,
      lose: () => membership.lose(),
      speak: () => membership.speak(),
      check: () => {
        if (this.#failure !== undefined) throw this.#failure.error;
        membership.checkOpen();
        // Its server may never come back, and who has ended does not wait for that.
        if (this.#ending.signal.aborted && this.#share.isLost) throw this.#lostAtEnd();
      },
    }, asked);
  }

  #lostAtEnd(): SeglogError {
    return new SeglogError(
      "condition-failed",
      `Cannot commit in the group "${this.group}": the membership was lost before the consumer was ended; what is not committed is read again`,
    );
  }
}

function told({ topic, partition }: GroupPlace, error: unknown): unknown {
  if (!(error instanceof SeglogError)) return error;
  return new SeglogError(
    error.code,
    `Cannot go on in partition ${partition} of "${topic}": ${error.message}`,
    { cause: error, details: { ...error.details, topic, partition } },
  );
}
