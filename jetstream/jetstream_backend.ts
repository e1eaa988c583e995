/**
 * The backend that is a NATS JetStream cluster.
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
  ReadOptions,
  TopicDetails,
  TopicInfo,
  TruncateOptions,
} from "../core/backend.ts";
import { systemClock } from "../core/base/clock.ts";
import { isNotFound, messageOf, SeglogError } from "../core/base/errors.ts";
import { Maintenance } from "../core/base/maintenance.ts";
import { LeasedElection } from "../core/election/leased_election.ts";
import type { Election } from "../core/election_contract.ts";
import type { BatchView } from "../core/format/batch.ts";
import { checkBatch } from "../core/format/check_batch.ts";
import { checkTopicName } from "../core/format/file_names.ts";
import type { LogRecord, RecordInput } from "../core/format/record.ts";
import { parseSyncMode, type SyncMode } from "../core/format/sync_mode.ts";
import type { MirrorTarget } from "../core/mirror_contract.ts";
import { readEach, readFromBatch } from "../core/reading.ts";
import { parseTopicConfig, type TopicConfig } from "../core/topic_config.ts";
import { batchesOnceThere } from "../core/wait_for_offset.ts";
import { checkCluster } from "./check_cluster.ts";
import { parseClusterUrl } from "./cluster_url.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { WrittenRange } from "./append_queue.ts";
import type { JetStreamTopic } from "./jetstream_topic.ts";
import { JetStreamLeases } from "./leases.ts";
import { maintain } from "./maintain.ts";
import { offsetAtTime } from "./measure.ts";
import { boundsOf, JetStreamMirror } from "./mirror.ts";
import { NatsPost } from "./nats_post.ts";
import { readPartition } from "./partition_reader.ts";
import { Streams } from "./streams.ts";
import { TopicCatalogue } from "./topic_catalogue.ts";
import { KnownTopics } from "./known_topics.ts";
import { truncateBefore } from "./truncate.ts";

/** How a cluster is opened. */
export interface JetStreamOptions extends ConnectionOptions {
  /** Make a topic at its first append; true unless given. */
  readonly autoCreateTopics?: boolean;
}

/**
 * Topics in a NATS JetStream cluster. Made by `connect`. Each partition is a stream of its own,
 * appended to only where its last message is known: so offsets are dense and conditions exact, however
 * many write, and from wherever. What is acknowledged, a majority of the stream's servers has; whether
 * it survives a loss of power in all of them at once is their setting `sync_interval: always`.
 *
 * Nothing is deleted from the middle of a stream: there is no `truncate({ after })`, and `compact`
 * has nothing to do.
 *
 * @example
 * ```ts
 * import { connect, readRecords } from "seglog";
 *
 * async function main() {
 *   await using cluster = await connect("nats://a:4222,b:4222,c:4222/?replicas=3");
 *   await cluster.append("orders", [{ key: "u1", value: "hello" }]);
 *   for await (const record of readRecords(cluster, "orders", { follow: true })) {
 *     console.log(record.offset, record.text);
 *   }
 * }
 * console.assert(typeof main === "function");
 * ```
 */
export class JetStreamBackend implements Backend {
  readonly capabilities: Capabilities = {
    kind: "jetstream",
    canWrite: true,
    canTruncateAfter: false,
    why: { canTruncateAfter: "a cluster removes records only from the front of a partition" },
  };
  /** Takes in what another backend has. */
  readonly mirrorTarget: MirrorTarget;
  /** Among all processes that use these topics. */
  readonly election: Election;
  readonly #connection: Connection;
  readonly #topics: KnownTopics;
  readonly #endElection: () => Promise<void>;
  readonly #maintenance: Maintenance;
  readonly #autoCreateTopics: boolean;
  readonly #ending = new AbortController();
  #closing: Promise<void> | undefined;

  private constructor(
    connection: Connection,
    { topics, election }: { topics: KnownTopics; election: LeasedElection },
    options: JetStreamOptions,
  ) {
    this.#connection = connection;
    this.#topics = topics;
    this.election = election;
    this.#endElection = () => election.close();
    this.#autoCreateTopics = options.autoCreateTopics ?? true;
    this.#maintenance = new Maintenance(systemClock, async () => {
      await this.maintain().catch((error) => {
        options.onNotice?.(`retention failed: ${messageOf(error)}`);
      });
    });
    this.mirrorTarget = {
      adopt: (topic) => this.#adopt(topic),
      openMirror: async (topic, partition) => {
        this.#checkOpen();
        return new JetStreamMirror((await this.#topics.now(topic)).partition(partition));
      },
      drop: (topic) => this.deleteTopic(topic),
    };
  }

  /**
   * Connects to a cluster.
   *
   * @param url `nats://host:4222,host:4222/?prefix=seglog&replicas=3&storage=file`; `tls://` for
   * connections that are encrypted; `user:password@` or `token@` before the servers
   * @throws {SeglogError} `invalid-argument` for a URL that is none; `unavailable` when no server
   * answers, unless that `mayBeAway`; `unauthenticated`; `unsupported` when they have no JetStream;
   * `exists` when another program has the stream that the topics would be listed in
   */
  static async open(url: string, options: JetStreamOptions = {}): Promise<JetStreamBackend> {
    const parsed = parseClusterUrl(url);
    const check = (tried: Connection) => checkCluster(tried, parsed);
    const connection = await Connection.open(parsed, options, check);
    const streams = new Streams(connection, parsed);
    const catalogue = new TopicCatalogue(connection, streams, parsed.prefix);
    const topics = new KnownTopics(catalogue, { connection, streams, prefix: parsed.prefix });
    const { onNotice } = options;
    const election = new LeasedElection({
      register: new JetStreamLeases(connection, catalogue, parsed.prefix),
      post: new NatsPost(connection, parsed.prefix),
      check: () => connection.check(),
      ...onNotice === undefined ? {} : { onNotice },
    });
    return new JetStreamBackend(connection, { topics, election }, options);
  }

  /** Whether no server has answered yet: only where that `mayBeAway`. */
  get isAway(): boolean {
    return this.#connection.isAway;
  }

  async listTopics(): Promise<TopicInfo[]> {
    this.#checkOpen();
    return await this.#topics.list();
  }

  async describeTopic(topic: string): Promise<TopicDetails> {
    this.#checkOpen();
    const found = await this.#topics.now(topic);
    return { ...found.info, partitions: await found.measure() };
  }

  async ensureTopic(
    topic: string,
    config: Partial<TopicConfig> = {},
  ): Promise<{ created: boolean; topic: TopicInfo }> {
    this.#checkOpen();
    return await this.#topics.ensure(checkTopicName(topic), parseTopicConfig(config));
  }

  async configureTopic(topic: string, changes: Partial<TopicConfig>): Promise<TopicInfo> {
    this.#checkOpen();
    return await this.#topics.configure(topic, parseTopicConfig(changes));
  }

  async deleteTopic(topic: string): Promise<void> {
    this.#checkOpen();
    await this.#topics.delete(topic);
  }

  /** Records that bring no timestamp get that of this machine. */
  async append(
    topic: string,
    records: readonly RecordInput[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    this.#checkOpen();
    if (records.length === 0) {
      throw new SeglogError("invalid-argument", `Cannot append to "${topic}": no records`);
    }
    const { producer, expectedOffset, sync } = options;
    return await this.#appendTo(topic, sync, async (found) => {
      const partition = options.partition ?? found.choosePartition(records, producer?.id);
      const { writer } = found.partition(partition);
      const codec = found.info.config.compression;
      const terms = { nowMs: Date.now(), codec, producer, expectedOffset };
      return { partition, range: await writer.append(records, terms) };
    });
  }

  async appendBatch(
    topic: string,
    batch: BatchView,
    options: Omit<AppendOptions, "producer"> = {},
  ): Promise<AppendResult> {
    this.#checkOpen();
    checkBatch(batch);
    const { expectedOffset, sync } = options;
    return await this.#appendTo(topic, sync, async (found) => {
      const partition = options.partition ??
        found.choosePartition(batch.records(), batch.producer()?.id);
      const { writer } = found.partition(partition);
      const codec = found.info.config.compression;
      return { partition, range: await writer.appendBatch(batch, { codec, expectedOffset }) };
    });
  }

  async bounds(topic: string, partition = 0): Promise<Bounds> {
    return await this.#with(topic, async (found) => {
      return boundsOf((await found.partition(partition).stream.tip()).state);
    });
  }

  read(topic: string, offset: number, partition = 0): Promise<LogRecord> {
    return readFromBatch(this, topic, { offset, partition });
  }

  /** Many at a time. */
  readAll(topic: string, offsets: readonly number[], partition = 0): Promise<LogRecord[]> {
    return readEach(this, topic, { offsets, partition });
  }

  async offsetAt(topic: string, timestampMs: number, partition = 0): Promise<number> {
    return await this.#with(topic, async (found) => {
      const { stream } = found.partition(partition);
      return await offsetAtTime(stream, await stream.tip(), timestampMs);
    });
  }

  async *batches(
    topic: string,
    options: ReadOptions = {},
  ): AsyncGenerator<BatchView, void, undefined> {
    if (options.minOffset !== undefined) return yield* batchesOnceThere(this, topic, options);
    const { stream, tip } = await this.#with(topic, async (found) => {
      const { stream } = found.partition(options.partition ?? 0);
      return { stream, tip: await stream.tip() }; // the topic may have been made anew
    });
    const parts = { stream, tip, connection: this.#connection, ending: this.#ending.signal };
    yield* readPartition(parts, options);
  }

  async truncate(topic: string, options: TruncateOptions): Promise<Bounds> {
    const { partition = 0, before } = options;
    return await this.#with(topic, async (found) => {
      const { stream, writer } = found.partition(partition);
      if (before !== undefined) return boundsOf(await truncateBefore(stream, writer, before));
      throw new SeglogError(
        "unsupported",
        `Cannot truncate ${stream.what} after an offset: ${this.capabilities.why?.canTruncateAfter}; ` +
          "append what is right behind it, or copy what is to stay to another topic",
      );
    });
  }

  /** Has nothing to do: a cluster keeps all records. Nodes compact the copies that they have. */
  async compact(topic: string, { partition }: CompactTopicOptions = {}): Promise<CompactResult> {
    this.#checkOpen();
    const found = await this.#topics.now(topic);
    if (partition !== undefined) found.partition(partition);
    return { topic, segments: 0, skipped: 0, records: 0, bytes: 0 };
  }

  async flush(topic: string): Promise<void> {
    await this.#with(topic, async (found) => {
      await Promise.all(found.open.map(({ writer }) => writer.settled()));
    });
  }

  /**
   * Applies retention to the topics that this backend has used. It does so by itself, too, every half
   * minute. Several that do so at once are in nobody's way.
   *
   * @throws the first of what went wrong, when all was tried
   */
  async maintain(): Promise<void> {
    this.#checkOpen();
    await maintain(this.#topics, this.#ending.signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes the connection at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#ending.abort();
    const stopped = this.#maintenance.stop();
    await this.#endElection();
    await this.#topics.close();
    await this.#connection.close();
    await stopped;
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new SeglogError("closed", "Cannot use the cluster: the backend is closed");
  }

  /** Uses a topic as it was known, and once more when it turns out that it is another by now. */
  async #with<T>(topic: string, use: (found: JetStreamTopic) => Promise<T>): Promise<T> {
    this.#checkOpen();
    const known = await this.#topics.known(topic);
    try {
      return await use(known);
    } catch (error) {
      if (!(error instanceof SeglogError && error.code === "not-found")) throw error;
      const now = await this.#topics.now(topic);
      if (now === known) throw missingStream(error) ?? error;
      return await use(now);
    }
  }

  async #appendTo(
    topic: string,
    sync: SyncMode | undefined,
    append: (found: JetStreamTopic) => Promise<{ partition: number; range: WrittenRange }>,
  ): Promise<AppendResult> {
    let mode = sync;
    if (mode !== undefined) checkSyncMode(mode);
    const appendIn = async (found: JetStreamTopic) => {
      mode ??= found.info.config.sync;
      return await append(found);
    };
    const { partition, range } = await this.#with(topic, appendIn).catch(async (error) => {
      const isMissing = isNotFound(error) && await this.#topics.isMissing(topic);
      if (!isMissing || !this.#autoCreateTopics) throw error;
      await this.ensureTopic(topic);
      return await this.#with(topic, appendIn);
    });
    return { topic, partition, ...range, durable: mode === "always" };
  }

  async #adopt(topic: TopicInfo): Promise<void> {
    this.#checkOpen();
    await this.#topics.adopt(topic);
  }
}

/** A topic that is listed has its streams: they are removed after it was taken off the list. */
function missingStream(error: SeglogError): SeglogError | undefined {
  const { stream } = error.details;
  if (stream === undefined) return undefined;
  return new SeglogError(
    "corrupt",
    `${error.message}. Something other than seglog deleted ${stream}; ` +
      "restore it from a backup, or delete the topic",
    { cause: error },
  );
}

function checkSyncMode(sync: SyncMode): void {
  if (parseSyncMode(sync) !== undefined) return;
  throw new SeglogError(
    "invalid-argument",
    `Cannot use "${sync}" as a sync mode: it is "always", "os" or an interval such as "interval:200ms"`,
  );
}
