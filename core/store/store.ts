/**
 * A store: a folder of topics, each one or more logs. It is the backend on disk, and in memory.
 *
 * @module
 */
import { join, resolve } from "node:path";
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
} from "../backend.ts";
import { systemClock } from "../base/clock.ts";
import { COMPACTION_BYTES_PER_SECOND } from "../base/limits.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import type { Observer } from "../base/observer.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { makeFolderDurably } from "../disk/files.ts";
import { MemoryDisk } from "../disk/memory_disk.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import type { BatchView } from "../format/batch.ts";
import { checkTopicName, isServerState } from "../format/file_names.ts";
import type { LogRecord, RecordInput } from "../format/record.ts";
import { LogCaches } from "../log/caches.ts";
import { lockFolder } from "../log/open_log.ts";
import { batchesOnceThere } from "../wait_for_offset.ts";
import { DEFAULT_TOPIC_CONFIG, parseTopicConfig, type TopicConfig } from "../topic_config.ts";
import { noTopic } from "../topic_errors.ts";
import { type Catalogue, epochOf, type Followed, readCatalogue } from "./catalogue.ts";
import { compactIfDue, compactTopic } from "./compact_topic.ts";
import { followed, possibilities } from "./follow.ts";
import { HintFiles } from "./hint_files.ts";
import { Maintenance } from "../base/maintenance.ts";
import type { StoreOptions } from "./options.ts";
import { StoreMirror } from "./store_mirror.ts";
import type { Topic } from "./topic.ts";
import {
  existingCatalogue,
  NO_TOPICS,
  openCatalogue,
  partitionFolders,
  TopicRegistry,
} from "./topic_registry.ts";

/**
 * Topics in a folder.
 *
 * @example
 * ```ts
 * import { readRecords, Store } from "seglog";
 *
 * await using store = await Store.memory(); // or Store.open("./data")
 * await store.append("orders", [{ key: "u1", value: "hello" }]);
 * for await (const record of readRecords(store, "orders")) {
 *   console.assert(record.text === "hello");
 * }
 * ```
 */
export class Store implements Backend {
  /** What this backend is, and what it can do. */
  readonly capabilities: Capabilities;
  /** Where views keep hints: beside the topics. */
  readonly hints: Hints;
  /** Takes in what another backend has; nothing where the store was opened for reading. */
  readonly mirrorTarget?: StoreMirror;
  readonly #folder: string;
  /** The settings of a topic of which nothing is said. */
  readonly #defaults: TopicConfig;
  readonly #options: StoreOptions;
  readonly #lock: DiskLock | undefined;
  readonly #topics: TopicRegistry;
  readonly #maintenance: readonly Maintenance[] = [];
  readonly #ending = new AbortController();
  readonly #caches = new LogCaches();
  #closing: Promise<void> | undefined;

  private constructor(
    folder: string,
    parts: { disk: Disk; lock?: DiskLock; catalogue: Catalogue },
    options: StoreOptions,
  ) {
    const { disk, lock, catalogue } = parts;
    const { readOnly = false, clock = systemClock } = options;
    const kind = disk instanceof MemoryDisk ? "memory" : "disk";
    this.capabilities = { kind, ...possibilities(folder, { readOnly, ...catalogue }) };
    this.#folder = folder;
    this.#lock = lock;
    this.#defaults = { ...DEFAULT_TOPIC_CONFIG, ...parseTopicConfig(options.defaults ?? {}) };
    this.#options = options;
    this.#topics = new TopicRegistry(catalogue, {
      disk,
      folder,
      now: () => clock.now(),
      context: {
        folder,
        isReplica: catalogue.follows !== undefined,
        lock,
        logOptions: { disk, clock, readOnly, caches: this.#caches },
        onNotice: (notice, level) => options.onNotice?.(notice, level),
      },
    });
    this.hints = new HintFiles(disk, {
      lock,
      folderOf: (topic) => join(folder, partitionFolders(this.#topic(topic).info)[0]!),
    });
    if (readOnly) return;
    this.mirrorTarget = new StoreMirror(this.#topics, {
      checkOpen: () => this.#checkOwned(),
      warn: (notice) => options.onNotice?.(notice, "warn"),
    });
    // Compaction takes long, and what is to go by retention shall not wait for it.
    this.#maintenance = [
      new Maintenance(clock, () => this.maintain()),
      new Maintenance(clock, () => this.compactDue()),
    ];
  }

  /**
   * Opens the store in a folder, making it when there is none.
   *
   * @throws {SeglogError} `locked` when another process owns it; `corrupt`; `unsupported`;
   * `not-found` when there is none and it may not be made; `read-only` for a replica without
   * `follows`; `exists` or `condition-failed` where it cannot be a replica of what `follows` names
   */
  static async open(folder: string, options: StoreOptions = {}): Promise<Store> {
    const disk = options.disk ?? nodeDisk;
    const path = resolve(folder);
    if (options.defaults !== undefined) parseTopicConfig(options.defaults);
    if (options.readOnly) {
      return new Store(path, { disk, catalogue: existingCatalogue(disk, path) }, options);
    }
    if (options.create === false) existingCatalogue(disk, path);
    const { follows } = options; // what is not allowed is refused before anything is written
    followed(path, readCatalogue(disk, path) ?? NO_TOPICS, follows);
    if (disk.list(path) === undefined) await makeFolderDurably(disk, path);
    const lock = lockFolder(disk, path);
    try {
      const catalogue = await openCatalogue(path, { disk, lock, follows });
      return new Store(path, { disk, lock, catalogue }, options);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** A store in memory, gone when the process ends. Otherwise it is like any other. */
  static memory(options: Omit<StoreOptions, "disk" | "readOnly"> = {}): Promise<Store> {
    return Store.open("/memory", { ...options, disk: new MemoryDisk() });
  }

  /** Whom it follows; nobody when it is no replica. */
  get follows(): Followed | undefined {
    this.#refresh();
    return this.#topics.catalogue.follows;
  }

  /** The leadership whose records it has: 1 at first, and higher once a replica was promoted. */
  get epoch(): number {
    this.#refresh();
    return epochOf(this.#topics.catalogue);
  }

  observe(observer: Observer): () => void {
    return this.#caches.observers.add(observer);
  }

  // deno-lint-ignore require-await -- the contract is asynchronous
  async listTopics(): Promise<TopicInfo[]> {
    this.#refresh();
    return this.#topics.list();
  }

  async describeTopic(topic: string): Promise<TopicDetails> {
    const open = this.#topic(topic);
    return { ...open.info, partitions: await open.measure() };
  }

  async ensureTopic(
    topic: string,
    config: Partial<TopicConfig> = {},
  ): Promise<{ created: boolean; topic: TopicInfo }> {
    this.#checkWritable();
    checkTopicName(topic);
    const asked = parseTopicConfig(config);
    const defaults = isServerState(topic) ? DEFAULT_TOPIC_CONFIG : this.#defaults;
    return await this.#topics.ensure(topic, { ...defaults, ...asked }, asked);
  }

  async segments(topic: string): Promise<PartitionSegments[]> {
    return await this.#topic(topic).segments();
  }

  async configureTopic(topic: string, changes: Partial<TopicConfig>): Promise<TopicInfo> {
    this.#checkWritable();
    return await this.#topics.configure(topic, parseTopicConfig(changes));
  }

  async deleteTopic(topic: string): Promise<void> {
    this.#checkWritable();
    await this.#topics.delete(topic);
  }

  async append(
    topic: string,
    records: readonly RecordInput[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    const open = await this.#topicToWrite(topic);
    const partition = options.partition ?? open.choosePartition(records, options.producer?.id);
    const log = await open.appendable(partition);
    return open.appended({ partition, log }, await log.appendAll(records, options));
  }

  async appendBatch(
    topic: string,
    batch: BatchView,
    options: Omit<AppendOptions, "producer"> = {},
  ): Promise<AppendResult> {
    const open = await this.#topicToWrite(topic);
    const partition = options.partition ??
      open.choosePartition(batch.records(), batch.producer()?.id);
    const log = await open.appendable(partition);
    return open.appended({ partition, log }, await log.appendBatch(batch, options));
  }

  async reserve(topic: string, partition = 0): Promise<Reservation> {
    return await (await this.#topicToWrite(topic)).reserve(partition);
  }

  async bounds(topic: string, partition = 0): Promise<Bounds> {
    return (await this.#topic(topic).readable(partition)).bounds;
  }

  async read(topic: string, offset: number, partition = 0): Promise<LogRecord> {
    const open = this.#topic(topic);
    return await (open.openReadable(partition) ?? await open.readable(partition)).read(offset);
  }

  async readAll(topic: string, offsets: readonly number[], partition = 0): Promise<LogRecord[]> {
    return await (await this.#topic(topic).readable(partition)).readAll(offsets);
  }

  async offsetAt(topic: string, timestampMs: number, partition = 0): Promise<number> {
    return (await this.#topic(topic).readable(partition)).offsetAt(timestampMs);
  }

  async *batches(topic: string, options: ReadOptions = {}): AsyncGenerator<BatchView, void> {
    if (options.minOffset !== undefined) return yield* batchesOnceThere(this, topic, options);
    const log = await this.#topic(topic).readable(options.partition ?? 0);
    yield* log.batches(options);
  }

  async truncate(topic: string, options: TruncateOptions): Promise<Bounds> {
    this.#checkWritable();
    const log = await this.#topic(topic).log(options.partition ?? 0);
    await log.truncate(options);
    return log.bounds;
  }

  async flush(topic: string): Promise<void> {
    this.#checkOwned();
    const open = this.#topic(topic);
    for (const partition of open.openPartitions) await (await open.log(partition)).flush();
  }

  /**
   * Rolls aged segments and applies retention, in topics that have a retention or are in use. The
   * store does so by itself, too.
   */
  async maintain(): Promise<void> {
    this.#checkOwned();
    for (const topic of this.#topics.open) {
      for (const partition of topic.maintained) {
        await this.#attempt(
          "maintenance",
          topic,
          async () => (await topic.log(partition)).maintain(),
        );
      }
    }
  }

  async compact(topic: string, options: CompactTopicOptions = {}): Promise<CompactResult> {
    this.#checkOwned();
    return await compactTopic(this.#topic(topic), options);
  }

  /** Keeps what is seen at an offset from compaction. @returns lets go of it. @throws {SeglogError} `not-found` */
  hold(topic: string, offset: number, partition = 0): () => void {
    return this.#topic(topic).held(partition).hold(offset);
  }

  /**
   * Compacts the topics whose `compaction` says so, where there is enough garbage. The store does so by
   * itself, too.
   */
  async compactDue(): Promise<void> {
    this.#checkOwned();
    const { compactionBytesPerSecond = COMPACTION_BYTES_PER_SECOND, onNotice } = this.#options;
    const how = {
      bytesPerSecond: compactionBytesPerSecond,
      signal: this.#ending.signal,
      onNotice: (notice: string) => onNotice?.(notice, "info"),
    };
    for (const topic of this.#topics.open) {
      if (topic.info.config.compaction === "none") continue;
      for (let partition = 0; partition < topic.info.config.partitions; partition++) {
        await this.#attempt("compaction", topic, () => compactIfDue(topic, partition, how));
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes the store at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#ending.abort();
    for (const maintenance of this.#maintenance) await maintenance.stop();
    try {
      await this.#topics.close();
    } finally {
      this.#lock?.release();
    }
  }

  /** What one log cannot do keeps no other from it. */
  async #attempt(what: string, topic: Topic, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (error instanceof SeglogError && error.code === "closed") return;
      const { onNotice } = this.#options;
      onNotice?.(`${what} of "${topic.info.name}" failed: ${messageOf(error)}`, "warn");
    }
  }

  async #topicToWrite(name: string): Promise<Topic> {
    this.#checkWritable();
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    checkTopicName(name);
    if (this.#options.autoCreateTopics === false) throw noTopic(name);
    await this.ensureTopic(name);
    return this.#topic(name);
  }

  #topic(name: string): Topic {
    this.#refresh();
    const topic = this.#topics.get(name);
    if (topic === undefined) throw noTopic(name);
    return topic;
  }

  /** Looks for what the owner did to the topics, when it is another process. */
  #refresh(): void {
    this.#checkOpen();
    if (this.#lock === undefined) this.#topics.refresh();
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new SeglogError("closed", `Cannot use the store in ${this.#folder}: it is closed`);
  }

  /** Whether it is ours, be it a replica or not. */
  #checkOwned(): void {
    this.#checkOpen();
    this.#topics.checkWritable();
    if (this.#lock !== undefined) return;
    throw this.#readOnly("it was opened for reading");
  }

  #checkWritable(): void {
    this.#checkOwned();
    if (this.capabilities.canWrite) return;
    throw this.#readOnly(this.capabilities.why!.canWrite!);
  }

  #readOnly(why: string): SeglogError {
    return new SeglogError("read-only", `Cannot change the store in ${this.#folder}: ${why}`);
  }
}
