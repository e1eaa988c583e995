/**
 * A node: what is read comes from a copy beside it, what is written goes to the source.
 *
 * @module
 */
import type {
  AppendOptions,
  AppendResult,
  Backend,
  Bounds,
  Capabilities,
  CompactResult,
  CompactTopicOptions,
  Hints,
  PartitionSegments,
  ReadOptions,
  Reservation,
  TopicDetails,
  TopicInfo,
  TruncateOptions,
} from "../core/backend.ts";
import { sleep, wakefulClock } from "../core/base/clock.ts";
import { isNotFound, SeglogError } from "../core/base/errors.ts";
import { MIN_OFFSET_WAIT_MS_DEFAULT } from "../core/base/limits.ts";
import { endOfTurn } from "../core/base/turn.ts";
import type { Observer } from "../core/base/observer.ts";
import type { Election } from "../core/election_contract.ts";
import type { Following } from "../core/following_contract.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { LogRecord, RecordInput } from "../core/format/record.ts";
import type { Groups } from "../core/group_contract.ts";
import type { Store } from "../core/store/store.ts";
import type { TopicConfig } from "../core/topic_config.ts";
import { batchesOnceThere } from "../core/wait_for_offset.ts";
import { OwnWrites } from "./own_writes.ts";
import { Replica } from "./replica.ts";
import type { ReplicaOptions } from "./replica_contract.ts";

/** How a node behaves. */
export interface NodeOptions extends ReplicaOptions {
  /** What the source is called, for people; its kind unless given. */
  readonly name?: string;
  /** How long a reader waits for what was written through this node, in ms; 5000 unless given. */
  readonly waitMs?: number;
}

/** How long to wait before asking again whether the copy has everything. */
const READY_PAUSE_MS = 250;

/**
 * Serves the topics of a source from a copy of them: reads, followers and what is folded from them
 * cost no way to the source. Appends, truncations and changes of topics go to the source, and are
 * acknowledged by it.
 *
 * What was acknowledged through a node is seen by whoever reads through it: until the copy has it,
 * readers wait, for `waitMs` at the most, then `unavailable`; for a topic it is whoever makes it that
 * waits, and later it is not found until it has come. What was written through another node is
 * seen a moment later, or at once with `minOffset`. When the source cannot be reached, reading goes on.
 * One that was replaced, as the copy knows a later epoch, is not written to: `condition-failed`.
 *
 * Compaction is of the copy alone. Closing a node closes both backends.
 *
 * @example
 * ```ts
 * import { NodeBackend, Store } from "seglog";
 *
 * const source = await Store.memory(); // or connect("http://127.0.0.1:8080")
 * const copy = await Store.memory(); // or Store.open("./copy", { follows: { source: "leader" } })
 * await using node = new NodeBackend(source, copy);
 * const { start } = await node.append("orders", [{ value: "hello" }]);
 * console.assert((await node.read("orders", start)).text === "hello");
 * ```
 */
export class NodeBackend implements Backend {
  /** Beside the copy. */
  readonly hints: Hints;
  /** Those that the source coordinates. */
  readonly groups?: Groups;
  /** Those of the source: whoever has it as a source takes part. */
  readonly election?: Election;
  /** How far the copy is. */
  readonly following: Following;
  /** As of the source, where it can be asked for. */
  readonly reserve?: NonNullable<Backend["reserve"]>;
  readonly #source: Backend;
  readonly #local: Store;
  readonly #replica: Replica;
  readonly #own: OwnWrites;
  readonly #ending = new AbortController();
  #isReady = false;

  /**
   * Begins to copy at once.
   *
   * @param source what is written to
   * @param local the copy: a store that nobody else writes to
   */
  constructor(source: Backend, local: Store, options: NodeOptions = {}) {
    const {
      name = source.capabilities.kind,
      clock = wakefulClock,
      waitMs = MIN_OFFSET_WAIT_MS_DEFAULT,
    } = options;
    this.#source = source;
    this.#local = local;
    this.hints = local.hints;
    if (source.groups !== undefined) this.groups = source.groups;
    if (source.election !== undefined) this.election = source.election;
    if (source.reserve !== undefined) {
      this.reserve = (topic, partition) => this.#reserve(topic, partition);
    }
    const replica = new Replica(source, local, options);
    this.#replica = replica;
    this.#own = new OwnWrites({ source, local, replica, clock, waitMs });
    const isReady = () => this.#isReady;
    this.following = {
      origin: source,
      source: name,
      ready: this.#becomeReady(),
      get isReady() {
        return isReady();
      },
      get wasWhole() {
        return local.follows?.wasWhole === true;
      },
      get isConnected() {
        return replica.status.isConnected;
      },
      get partitions() {
        return replica.status.partitions;
      },
    };
  }

  /** What the source can do. */
  get capabilities(): Capabilities {
    return { ...this.#source.capabilities, kind: "node" };
  }

  /** The source's. */
  get epoch(): number | undefined {
    return this.#source.epoch;
  }

  /** Resolves when the copy has everything that the source had at the time of the call. */
  caughtUp(signal?: AbortSignal): Promise<void> {
    return this.#replica.caughtUp(signal);
  }

  observe(observer: Observer): () => void {
    return this.#local.observe(observer);
  }

  hold(topic: string, offset: number, partition?: number): () => void {
    return this.#local.hold(topic, offset, partition);
  }

  async segments(topic: string): Promise<PartitionSegments[]> {
    await this.#own.topicSeen(topic);
    return await this.#local.segments(topic);
  }

  async listTopics(): Promise<TopicInfo[]> {
    await this.#own.topicsSeen();
    return await this.#local.listTopics();
  }

  async describeTopic(topic: string): Promise<TopicDetails> {
    await this.#own.topicSeen(topic);
    return await this.#evenIfNew(topic, 0, () => this.#local.describeTopic(topic));
  }

  async ensureTopic(
    topic: string,
    config?: Partial<TopicConfig>,
  ): Promise<{ created: boolean; topic: TopicInfo }> {
    const made = await this.#leading((source) => source.ensureTopic(topic, config));
    await this.#own.topicThere(made.topic);
    return made;
  }

  async configureTopic(topic: string, changes: Partial<TopicConfig>): Promise<TopicInfo> {
    const info = await this.#leading((source) => source.configureTopic(topic, changes));
    await this.#own.topicsChanged();
    return info;
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#leading((source) => source.deleteTopic(topic));
    await this.#own.deleted(topic);
  }

  append(
    topic: string,
    records: readonly RecordInput[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    return this.#appending(topic, options, (source) => source.append(topic, records, options));
  }

  appendBatch(
    topic: string,
    batch: BatchView,
    options: Omit<AppendOptions, "producer"> = {},
  ): Promise<AppendResult> {
    return this.#appending(topic, options, (source) => source.appendBatch(topic, batch, options));
  }

  async bounds(topic: string, partition = 0): Promise<Bounds> {
    await this.#own.seen(topic, partition);
    return await this.#evenIfNew(topic, partition, () => this.#local.bounds(topic, partition));
  }

  async read(topic: string, offset: number, partition = 0): Promise<LogRecord> {
    await this.#own.seen(topic, partition, { below: offset + 1 });
    return await this.#local.read(topic, offset, partition);
  }

  async readAll(topic: string, offsets: readonly number[], partition = 0): Promise<LogRecord[]> {
    const below = offsets.reduce((most, offset) => Math.max(most, offset + 1), 0);
    await this.#own.seen(topic, partition, { below });
    return await this.#local.readAll(topic, offsets, partition);
  }

  async offsetAt(topic: string, timestampMs: number, partition = 0): Promise<number> {
    await this.#own.seen(topic, partition);
    return await this.#local.offsetAt(topic, timestampMs, partition);
  }

  async *batches(topic: string, options: ReadOptions = {}): AsyncGenerator<BatchView, void> {
    if (options.minOffset !== undefined) return yield* batchesOnceThere(this, topic, options);
    const { partition = 0, until, signal } = options;
    try {
      await this.#own.seen(topic, partition, { below: until, signal });
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
    yield* this.#local.batches(topic, options);
  }

  async truncate(topic: string, options: TruncateOptions): Promise<Bounds> {
    const { partition = 0 } = options;
    const bounds = await this.#leading((source) => source.truncate(topic, options));
    if (options.after !== undefined) await this.#own.cutOff(topic, partition, bounds);
    else this.#own.truncated(topic, partition, bounds);
    return bounds;
  }

  async compact(topic: string, options?: CompactTopicOptions): Promise<CompactResult> {
    await endOfTurn(); // what comes from the source has its turn, however often it is compacted
    await this.#own.topicSeen(topic);
    return await this.#local.compact(topic, options);
  }

  async flush(topic: string): Promise<void> {
    await this.#source.flush(topic);
    await this.#own.topicSeen(topic);
    await this.#local.flush(topic);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#replica.close();
    await this.#local.close();
    await this.#source.close();
  }

  /** Closes the node at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #appending(
    topic: string,
    options: AppendOptions,
    append: (source: Backend) => Promise<AppendResult>,
  ): Promise<AppendResult> {
    try {
      const result = await this.#leading(append);
      await this.#own.appended(result);
      return result;
    } catch (error) {
      this.#own.refused(error, topic, options);
      throw error;
    }
  }

  /**
   * Writes to the source while it leads: what one gets that was replaced is not the history any more.
   *
   * @throws {SeglogError} `condition-failed` when the copy is of a later leadership
   */
  async #leading<Result>(write: (source: Backend) => Promise<Result>): Promise<Result> {
    if (this.#refusal !== undefined) {
      await this.#source.listTopics(); // it may be away, or another one by now: its answer tells
      if (this.#refusal !== undefined) throw this.#refusal;
    }
    return await write(this.#source);
  }

  get #refusal(): SeglogError | undefined {
    const { epoch } = this.#source;
    const known = this.#local.epoch;
    if (epoch === undefined || epoch >= known) return undefined;
    return new SeglogError(
      "condition-failed",
      `Cannot write to ${this.following.source}: it has epoch ${epoch}, and epoch ${known} is known: ` +
        "it was replaced; follow the one that was promoted",
      { details: { epoch, known } },
    );
  }

  async #reserve(topic: string, partition = 0): Promise<Reservation> {
    const reservation = await this.#leading((source) => source.reserve!(topic, partition));
    return {
      release: () => reservation.release(),
      appendBatch: (batch, options = {}) =>
        this.#appending(
          topic,
          { ...options, partition },
          () => reservation.appendBatch(batch, options),
        ),
    };
  }

  /** Looks at the copy, and once more when what is not there turns out to be on its way. */
  async #evenIfNew<T>(topic: string, partition: number, look: () => Promise<T>): Promise<T> {
    try {
      return await look();
    } catch (error) {
      if (!isNotFound(error) || !await this.#isNew(topic, partition)) throw error;
      return await look();
    }
  }

  /** A topic that another node has made may be on its way. */
  async #isNew(topic: string, partition: number): Promise<boolean> {
    if (!this.following.isConnected) return false; // nobody waits for a source that is away
    try {
      await this.#source.bounds(topic, partition);
    } catch {
      return false; // what is not here is told
    }
    await this.#own.topicsChanged();
    return true;
  }

  /** Resolves when it has everything; one that is closed before never does. */
  async #becomeReady(): Promise<void> {
    const { signal } = this.#ending;
    while (!this.#isReady && !signal.aborted) {
      try {
        await this.#replica.caughtUp(signal);
        if (signal.aborted) break;
        this.#isReady = true;
      } catch {
        await sleep(READY_PAUSE_MS, signal); // why is in the status of the copy
      }
    }
    if (!this.#isReady) await new Promise(() => {});
  }
}
