/**
 * A store: a folder of topics, each one or more logs. It is the backend on disk, and in memory.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import type {
  AppendOptions,
  AppendResult,
  Backend,
  Bounds,
  Capabilities,
  ReadOptions,
  TopicDetails,
  TopicInfo,
  TruncateOptions,
} from "../backend.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import { TOPICS_MAX } from "../base/limits.ts";
import { Mutex } from "../base/mutex.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { makeFolderDurably } from "../disk/files.ts";
import { MemoryDisk } from "../disk/memory_disk.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import type { BatchView } from "../format/batch.ts";
import { checkTopicName, partitionFolderName } from "../format/file_names.ts";
import type { RecordInput } from "../format/record.ts";
import type { Log } from "../log/log.ts";
import { lockFolder } from "../log/open_log.ts";
import { DEFAULT_TOPIC_CONFIG, parseTopicConfig, type TopicConfig } from "../topic_config.ts";
import { type Catalogue, readCatalogue, writeCatalogue } from "./catalogue.ts";
import { Maintenance } from "./maintenance.ts";
import { prepareTopicFolders } from "./prepare_topic.ts";
import { Topic } from "./topic.ts";

/** How a store is opened. */
export interface StoreOptions {
  /** Read beside the owner: no lock is taken, nothing is written. */
  readonly readOnly?: boolean;
  /** Make the store when there is none; true unless given. */
  readonly create?: boolean;
  /** Make a topic at its first append; true unless given. */
  readonly autoCreateTopics?: boolean;
  /** Settings of new topics where nothing else is said. */
  readonly defaults?: Partial<TopicConfig>;
  /** The file system; the machine's unless given. */
  readonly disk?: Disk;
  /** Time; the machine's unless given. */
  readonly clock?: Clock;
  /** Is told, in a sentence, what opening a log had to repair, and what maintenance could not do. */
  readonly onNotice?: (notice: string) => void;
}

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
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #options: StoreOptions;
  readonly #lock: DiskLock | undefined;
  readonly #changes = new Mutex();
  readonly #topics = new Map<string, Topic>();
  readonly #maintenance: Maintenance | undefined;
  #catalogue: Catalogue;
  #closing: Promise<void> | undefined;

  private constructor(
    folder: string,
    parts: { disk: Disk; lock?: DiskLock; catalogue: Catalogue },
    options: StoreOptions,
  ) {
    const canWrite = options.readOnly !== true;
    const kind = parts.disk instanceof MemoryDisk ? "memory" : "disk";
    this.capabilities = { kind, canWrite, canTruncateAfter: canWrite };
    this.#folder = folder;
    this.#disk = parts.disk;
    this.#lock = parts.lock;
    this.#catalogue = parts.catalogue;
    this.#options = options;
    this.#syncTopics();
    if (canWrite) {
      this.#maintenance = new Maintenance(options.clock ?? systemClock, () => this.maintain());
    }
  }

  /**
   * Opens the store in a folder, making it when there is none.
   *
   * @throws {SeglogError} `locked` when another process owns it; `corrupt`; `unsupported`;
   * `not-found` when there is none and it may not be made
   */
  static async open(folder: string, options: StoreOptions = {}): Promise<Store> {
    const disk = options.disk ?? nodeDisk;
    const path = resolve(folder);
    if (options.defaults !== undefined) parseTopicConfig(options.defaults);
    if (options.readOnly) {
      return new Store(path, { disk, catalogue: existing(disk, path) }, options);
    }
    if (options.create === false) existing(disk, path);
    readCatalogue(disk, path); // refuses before anything is written
    if (disk.list(path) === undefined) await makeFolderDurably(disk, path);
    const lock = lockFolder(disk, path);
    try {
      const catalogue = await openCatalogue(disk, path);
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

  // deno-lint-ignore require-await -- the contract is asynchronous
  async listTopics(): Promise<TopicInfo[]> {
    this.#refresh();
    return this.#catalogue.topics.toSorted((a, b) => a.name < b.name ? -1 : 1);
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
    return await this.#changes.run(async () => {
      this.#checkWritable();
      const known = this.#topics.get(topic);
      if (known === undefined) {
        return { created: true, topic: await this.#createTopic(topic, asked) };
      }
      for (const [name, value] of Object.entries(asked)) {
        const actual = known.info.config[name as keyof TopicConfig];
        if (actual === value) continue;
        throw new SeglogError(
          "exists",
          `Cannot create topic "${topic}" with ${name} ${value}: it exists with ${name} ${actual}`,
          { details: { setting: name } },
        );
      }
      return { created: false, topic: known.info };
    });
  }

  async configureTopic(topic: string, changes: Partial<TopicConfig>): Promise<TopicInfo> {
    this.#checkWritable();
    const asked = parseTopicConfig(changes);
    return await this.#changes.run(async () => {
      const open = this.#topic(topic);
      const { partitions } = open.info.config;
      if (asked.partitions !== undefined && asked.partitions !== partitions) {
        throw new SeglogError(
          "invalid-argument",
          `Cannot change the partitions of topic "${topic}" from ${partitions} to ${asked.partitions}: ` +
            "keys would move to other partitions; create another topic and copy the records",
        );
      }
      const info = { ...open.info, config: { ...open.info.config, ...asked } };
      const others = this.#catalogue.topics.filter(({ name }) => name !== topic);
      await this.#replaceCatalogue({ ...this.#catalogue, topics: [...others, info] });
      await open.configure(info);
      return info;
    });
  }

  /**
   * Removes a topic. The catalogue forgets it first and notes its folders; a crash before they are
   * gone leaves them to the next opening.
   */
  async deleteTopic(topic: string): Promise<void> {
    this.#checkWritable();
    await this.#changes.run(async () => {
      const open = this.#topic(topic);
      const topics = this.#catalogue.topics.filter(({ name }) => name !== topic);
      const folders = partitionFolders(open.info);
      const dropping = [...this.#catalogue.dropping, ...folders];
      await this.#replaceCatalogue({ topics, dropping });
      this.#topics.delete(topic);
      await open.close();
      await this.#replaceCatalogue(await dropFolders(this.#disk, this.#folder, this.#catalogue));
    });
  }

  async append(
    topic: string,
    records: readonly RecordInput[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    const open = await this.#topicToWrite(topic);
    const partition = options.partition ?? open.choosePartition(records);
    const log = await open.log(partition);
    const { start, end } = await log.appendAll(records, options);
    return { topic, partition, start, end, durable: log.durableOffset >= end };
  }

  async appendBatch(
    topic: string,
    batch: BatchView,
    options: Omit<AppendOptions, "producer"> = {},
  ): Promise<AppendResult> {
    const open = await this.#topicToWrite(topic);
    const partition = options.partition ?? this.#partitionOfBatch(open, batch);
    const log = await open.log(partition);
    const { start, end } = await log.appendBatch(batch, options);
    return { topic, partition, start, end, durable: log.durableOffset >= end };
  }

  async bounds(topic: string, partition = 0): Promise<Bounds> {
    return boundsOf(await this.#topic(topic).log(partition));
  }

  async offsetAt(topic: string, timestampMs: number, partition = 0): Promise<number> {
    return (await this.#topic(topic).log(partition)).offsetAt(timestampMs);
  }

  async *batches(
    topic: string,
    options: ReadOptions = {},
  ): AsyncGenerator<BatchView, void, undefined> {
    const log = await this.#topic(topic).log(options.partition ?? 0);
    yield* log.batches(options);
  }

  async truncate(topic: string, options: TruncateOptions): Promise<Bounds> {
    this.#checkWritable();
    const log = await this.#topic(topic).log(options.partition ?? 0);
    await log.truncate(options);
    return boundsOf(log);
  }

  async flush(topic: string): Promise<void> {
    this.#checkWritable();
    const open = this.#topic(topic);
    for (let partition = 0; partition < open.info.config.partitions; partition++) {
      await (await open.log(partition)).flush();
    }
  }

  /** Rolls aged segments and applies retention in every topic. The store does so by itself, too. */
  async maintain(): Promise<void> {
    this.#checkWritable();
    for (const { info } of [...this.#topics.values()]) {
      for (let partition = 0; partition < info.config.partitions; partition++) {
        try {
          const log = await this.#topics.get(info.name)?.log(partition);
          await log?.maintain();
        } catch (error) {
          if (this.#closing !== undefined) return;
          this.#notice(
            `maintenance of "${info.name}" partition ${partition} failed: ${
              (error as Error).message
            }`,
          );
        }
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
    await this.#maintenance?.stop();
    try {
      await this.#changes.run(async () => {
        const closing = [...this.#topics.values()].map((topic) => topic.close());
        for (const result of await Promise.allSettled(closing)) {
          if (result.status === "rejected") throw result.reason;
        }
      });
    } finally {
      this.#lock?.release();
    }
  }

  async #createTopic(name: string, asked: Partial<TopicConfig>): Promise<TopicInfo> {
    if (this.#catalogue.topics.length >= TOPICS_MAX) {
      throw new SeglogError(
        "too-large",
        `Cannot create topic "${name}": the store has ${TOPICS_MAX} topics`,
      );
    }
    const config = { ...DEFAULT_TOPIC_CONFIG, ...this.#options.defaults, ...asked };
    const info = { name, id: randomBytes(16).toString("hex"), config };
    await prepareTopicFolders(this.#disk, {
      store: this.#folder,
      partitions: partitionFolders(info),
      nowMs: (this.#options.clock ?? systemClock).now(),
    });
    await this.#replaceCatalogue({
      ...this.#catalogue,
      topics: [...this.#catalogue.topics, info],
    });
    this.#syncTopics();
    return info;
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
    const topic = this.#topics.get(name);
    if (topic !== undefined && this.#options.readOnly !== true) {
      this.#checkOpen();
      return topic;
    }
    this.#refresh();
    const found = this.#topics.get(name);
    if (found === undefined) throw noTopic(name);
    return found;
  }

  #partitionOfBatch(topic: Topic, batch: BatchView): number {
    if (topic.info.config.partitions === 1) return 0;
    return topic.choosePartition([...batch.records()]);
  }

  /** Looks for what the owner did to the topics, when it is another process. */
  #refresh(): void {
    this.#checkOpen();
    if (this.#options.readOnly !== true) return;
    this.#catalogue = existing(this.#disk, this.#folder);
    this.#syncTopics();
  }

  /** Makes the open topics agree with the catalogue. */
  #syncTopics(): void {
    const context = {
      folder: this.#folder,
      logOptions: {
        disk: this.#disk,
        clock: this.#options.clock,
        readOnly: this.#options.readOnly,
      },
      onNotice: (notice: string) => this.#notice(notice),
    };
    const ids = new Set(this.#catalogue.topics.map((topic) => topic.id));
    for (const [name, topic] of this.#topics) {
      if (ids.has(topic.info.id)) continue;
      this.#topics.delete(name);
      void topic.close();
    }
    for (const info of this.#catalogue.topics) {
      if (!this.#topics.has(info.name)) this.#topics.set(info.name, new Topic(info, context));
    }
  }

  async #replaceCatalogue(catalogue: Catalogue): Promise<void> {
    await writeCatalogue(this.#disk, this.#folder, catalogue);
    this.#catalogue = catalogue;
  }

  #notice(notice: string): void {
    this.#options.onNotice?.(notice);
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new SeglogError("closed", `Cannot use the store in ${this.#folder}: it is closed`);
  }

  #checkWritable(): void {
    this.#checkOpen();
    if (this.capabilities.canWrite) return;
    throw new SeglogError(
      "read-only",
      `Cannot change the store in ${this.#folder}: it was opened for reading`,
    );
  }
}

function boundsOf(log: Log): Bounds {
  const { logStartOffset, durableOffset, nextOffset } = log;
  return { logStartOffset, durableOffset, nextOffset };
}

function noTopic(name: string): SeglogError {
  return new SeglogError(
    "not-found",
    `Cannot find topic ${
      JSON.stringify(name.slice(0, 80))
    }: no such topic; create it, or append to it`,
  );
}

function partitionFolders(info: TopicInfo): string[] {
  return Array.from(
    { length: info.config.partitions },
    (_, partition) => partitionFolderName(info.name, partition),
  );
}

function existing(disk: Disk, folder: string): Catalogue {
  const catalogue = readCatalogue(disk, folder);
  if (catalogue !== undefined) return catalogue;
  throw new SeglogError("not-found", `Cannot open ${folder}: no store is there`);
}

/** The catalogue, made when there is none; what a deletion left behind is removed. */
async function openCatalogue(disk: Disk, folder: string): Promise<Catalogue> {
  const found = readCatalogue(disk, folder);
  if (found !== undefined && found.dropping.length === 0) return found;
  const catalogue = found === undefined
    ? { topics: [], dropping: [] }
    : await dropFolders(disk, folder, found);
  await writeCatalogue(disk, folder, catalogue);
  return catalogue;
}

async function dropFolders(
  disk: Disk,
  folder: string,
  catalogue: Catalogue,
): Promise<Catalogue> {
  for (const name of catalogue.dropping) disk.removeFolder(join(folder, name));
  await disk.syncFolder(folder);
  return { ...catalogue, dropping: [] };
}
