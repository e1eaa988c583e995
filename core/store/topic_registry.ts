/**
 * The topics of a store, and the catalogue that lists them: what is made, changed and deleted, one
 * step at a time.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { TopicInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { TOPICS_MAX } from "../base/limits.ts";
import { Mutex } from "../base/mutex.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { LOCK_IS_LOST, makeFolderDurably } from "../disk/files.ts";
import { partitionFolderName } from "../format/file_names.ts";
import type { TopicConfig } from "../topic_config.ts";
import { checkAgrees, checkPartitionsStay, noTopic } from "../topic_errors.ts";
import { type Catalogue, epochOf, readCatalogue, writeCatalogue } from "./catalogue.ts";
import { followed, type FollowOptions, withEpoch } from "./follow.ts";
import { prepareTopicFolders } from "./prepare_topic.ts";
import { setFolderAside } from "./set_aside.ts";
import { Topic, type TopicContext } from "./topic.ts";

/** What a registry works with. */
export interface RegistryOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly context: TopicContext;
  readonly now: () => number;
}

/** The topics of one store. */
export class TopicRegistry {
  readonly #options: RegistryOptions;
  readonly #mutex = new Mutex();
  readonly #topics = new Map<string, Topic>();
  #catalogue: Catalogue;
  #failure: SeglogError | undefined;

  constructor(catalogue: Catalogue, options: RegistryOptions) {
    this.#catalogue = catalogue;
    this.#options = options;
    this.#syncTopics();
  }

  /** All topics, ordered by name. */
  list(): TopicInfo[] {
    return this.#catalogue.topics.toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  /** The topics that are open now. */
  get open(): Topic[] {
    return [...this.#topics.values()];
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** What the store says of itself. */
  get catalogue(): Catalogue {
    return this.#catalogue;
  }

  /**
   * Nothing may be changed any more when a change of the catalogue ended as unknown, or when the
   * store is not ours any more.
   */
  checkWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Takes over what another process did to the catalogue. */
  refresh(): void {
    this.#catalogue = existingCatalogue(this.#options.disk, this.#options.folder);
    this.#syncTopics();
  }

  /**
   * Makes a topic, or finds that it is there.
   *
   * @param config all of its settings, should it be made
   * @param asked those that must agree with it, should it be there
   */
  ensure(
    name: string,
    config: TopicConfig,
    asked: Partial<TopicConfig>,
  ): Promise<{ created: boolean; topic: TopicInfo }> {
    return this.#mutex.run(async () => {
      this.#checkOwned();
      const known = this.#topics.get(name)?.info;
      if (known === undefined) {
        const topic = { name, id: randomBytes(16).toString("hex"), config };
        await this.#create(topic);
        return { created: true, topic };
      }
      checkAgrees(known, asked);
      return { created: false, topic: known };
    });
  }

  /**
   * Makes a topic as another store has it, or gives one that has its id these settings.
   *
   * @throws {SeglogError} `exists` when one of this name has another id, or other partitions
   */
  adopt(info: TopicInfo): Promise<void> {
    return this.#mutex.run(async () => {
      this.#checkOwned();
      const topic = this.#topics.get(info.name);
      const namesake = this.#catalogue.topics.find(({ id }) => id === info.id);
      if (topic === undefined && namesake === undefined) return await this.#create(info);
      checkAdoptable(info, topic?.info ?? namesake!);
      if (isDeepStrictEqual(topic!.info.config, info.config)) return;
      await this.#configure(topic!, info);
    });
  }

  /**
   * Notes the epoch of what is taken in.
   *
   * @throws {SeglogError} `condition-failed` when it is lower than one that is known
   */
  noteEpoch(epoch: number): Promise<void> {
    return this.#mutex.run(async () => {
      this.#checkOwned();
      const catalogue = withEpoch(this.#options.folder, this.#catalogue, epoch);
      if (epochOf(catalogue) !== epochOf(this.#catalogue)) await this.#replaceCatalogue(catalogue);
    });
  }

  /** Notes that there is everything that the one has that is followed. */
  noteWhole(): Promise<void> {
    return this.#mutex.run(async () => {
      this.#checkOwned();
      const { follows } = this.#catalogue;
      if (follows === undefined || follows.wasWhole === true) return;
      await this.#replaceCatalogue({ ...this.#catalogue, follows: { ...follows, wasWhole: true } });
    });
  }

  /** Changes settings of a topic. @throws {SeglogError} `invalid-argument` for its partitions */
  configure(name: string, asked: Partial<TopicConfig>): Promise<TopicInfo> {
    return this.#mutex.run(async () => {
      this.#checkOwned();
      const topic = this.#existing(name);
      checkPartitionsStay(topic.info, asked);
      const info = { ...topic.info, config: { ...topic.info.config, ...asked } };
      await this.#configure(topic, info);
      return info;
    });
  }

  async #configure(topic: Topic, info: TopicInfo): Promise<void> {
    const others = this.#catalogue.topics.filter(({ name }) => name !== info.name);
    await this.#replaceCatalogue({ ...this.#catalogue, topics: [...others, info] });
    await topic.configure(info);
  }

  /**
   * Deletes a topic. The catalogue forgets it first and notes its folders; a crash, or an error,
   * before they are gone leaves them to the next change or opening.
   */
  delete(name: string): Promise<void> {
    return this.#mutex.run(async () => {
      this.#checkOwned();
      await this.#delete(this.#existing(name));
    });
  }

  /**
   * The same, but what the topic has is kept in quarantine: that is durable before the topic goes. A
   * crash in between leaves it in both places. What follows another one is not whole from then on.
   *
   * @returns the folders in which its partitions are now, each a log by itself
   */
  setAside(name: string): Promise<string[]> {
    return this.#mutex.run(async () => {
      this.#checkOwned();
      const { disk, folder } = this.#options;
      const topic = this.#existing(name);
      await topic.close().catch(() => {}); // what could not be closed well is kept as it is
      const kept: string[] = [];
      try {
        for (const partition of partitionFolders(topic.info)) {
          kept.push(await setFolderAside({ disk, folder }, partition));
        }
      } catch (error) {
        this.#topics.set(name, new Topic(topic.info, this.#options.context)); // it stays, open
        throw error;
      }
      const { follows } = this.#catalogue;
      await this.#delete(topic, follows && { ...follows, wasWhole: undefined });
      return kept;
    });
  }

  async #delete(topic: Topic, follows = this.#catalogue.follows): Promise<void> {
    const { name } = topic.info;
    const dropping = [...this.#catalogue.dropping, ...partitionFolders(topic.info)];
    const topics = this.#catalogue.topics.filter((other) => other.name !== name);
    await this.#replaceCatalogue({ ...this.#catalogue, topics, dropping, follows });
    this.#topics.delete(name);
    await topic.close().catch(() => {}); // what could not be closed well is deleted next
    await this.#finishDrops();
  }

  /** Closes all topics. @throws what closing one of them threw, when all are closed */
  close(): Promise<void> {
    return this.#mutex.run(async () => {
      const closing = this.open.map((topic) => topic.close());
      for (const result of await Promise.allSettled(closing)) {
        if (result.status === "rejected") throw result.reason;
      }
    });
  }

  async #create(info: TopicInfo): Promise<void> {
    if (this.#catalogue.topics.length >= TOPICS_MAX) {
      throw new SeglogError(
        "too-large",
        `Cannot create topic "${info.name}": the store has ${TOPICS_MAX} topics`,
      );
    }
    await this.#finishDrops(); // one of them may be a folder of this name
    const { disk, folder, now } = this.#options;
    const partitions = partitionFolders(info);
    const lock = this.#checkOwned();
    await prepareTopicFolders(disk, { store: folder, lock, partitions, nowMs: now() });
    const topics = [...this.#catalogue.topics, info];
    await this.#replaceCatalogue({ ...this.#catalogue, topics });
    this.#syncTopics();
  }

  async #finishDrops(): Promise<void> {
    if (this.#catalogue.dropping.length === 0) return;
    const { disk, folder } = this.#options;
    this.#checkOwned();
    await this.#replaceCatalogue(await dropFolders(disk, folder, this.#catalogue));
  }

  /**
   * Makes sure that the store is still ours: asked before anything of it is changed.
   *
   * @returns the lock that makes it ours; a store that is open for reading changes nothing
   * @throws {SeglogError} `poisoned`
   */
  #checkOwned(): DiskLock {
    this.checkWritable();
    const { folder, context: { lock } } = this.#options;
    if (lock?.isHeld()) return lock;
    throw this.#failure = new SeglogError(
      "poisoned",
      `Cannot change the store in ${folder}: ${LOCK_IS_LOST}. ` +
        "Close the store, see who else uses the folder, and open it again",
    );
  }

  #existing(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw noTopic(name);
    return topic;
  }

  async #replaceCatalogue(catalogue: Catalogue): Promise<void> {
    const { disk, folder } = this.#options;
    const lock = this.#checkOwned();
    try {
      await writeCatalogue(disk, folder, catalogue, { lock });
    } catch (error) {
      if (error instanceof SeglogError && error.code === "outcome-unknown") {
        this.#failure = new SeglogError(
          "poisoned",
          `Cannot change the store in ${folder}: an earlier change of its topics may or may not be stored. ` +
            "Close the store, look at the disk, and open it again",
          { cause: error },
        );
      }
      throw error;
    }
    this.#catalogue = catalogue;
  }

  /** Makes the open topics agree with the catalogue. */
  #syncTopics(): void {
    const listed = new Map(this.#catalogue.topics.map((info) => [info.id, info]));
    for (const [name, topic] of this.#topics) {
      const info = listed.get(topic.info.id);
      if (info !== undefined) {
        topic.adopt(info);
        continue;
      }
      this.#topics.delete(name);
      topic.close().catch(() => {}); // a log that was read only
    }
    for (const info of this.#catalogue.topics) {
      if (this.#topics.has(info.name)) continue;
      this.#topics.set(info.name, new Topic(info, this.#options.context));
    }
  }
}

/** What a new store says of itself. */
export const NO_TOPICS: Catalogue = { topics: [], dropping: [] };

/** The catalogue of a store that must be there. @throws {SeglogError} `not-found` */
export function existingCatalogue(disk: Disk, folder: string): Catalogue {
  const catalogue = readCatalogue(disk, folder);
  if (catalogue !== undefined) return catalogue;
  throw new SeglogError("not-found", `Cannot open ${folder}: no store is there`);
}

/**
 * The catalogue, made when there is none; what a deletion left behind is removed.
 *
 * What a process left that ended in the middle of a change may be only in the page cache. It is
 * written again, and so made durable, before anything is built upon it.
 *
 * @param options with whom the store shall follow; throws as {@linkcode followed}
 */
export async function openCatalogue(
  folder: string,
  { disk, lock, follows }: {
    readonly disk: Disk;
    readonly lock: DiskLock;
    readonly follows: FollowOptions | undefined;
  },
): Promise<Catalogue> {
  const found = readCatalogue(disk, folder);
  if (found === undefined) await makeFolderDurably(disk, folder);
  const catalogue = followed(folder, found ?? NO_TOPICS, follows);
  await writeCatalogue(disk, folder, catalogue, { lock });
  if (catalogue.dropping.length === 0) return catalogue;
  const tidied = await dropFolders(disk, folder, catalogue);
  await writeCatalogue(disk, folder, tidied, { lock });
  return tidied;
}

/** Removes the folders of deleted topics, never one that a topic has. */
async function dropFolders(
  disk: Disk,
  folder: string,
  catalogue: Catalogue,
): Promise<Catalogue> {
  const owned = new Set(catalogue.topics.flatMap(partitionFolders));
  for (const name of catalogue.dropping) {
    if (!owned.has(name)) disk.removeFolder(join(folder, name));
  }
  await disk.syncFolder(folder);
  return { ...catalogue, dropping: [] };
}

/** The folders of a topic's partitions, in order. */
export function partitionFolders(info: TopicInfo): string[] {
  return Array.from(
    { length: info.config.partitions },
    (_, partition) => partitionFolderName(info.name, partition),
  );
}

/** @param known the topic that has the name, or the id */
function checkAdoptable(info: TopicInfo, known: TopicInfo): void {
  const { name, id, config: { partitions } } = info;
  const state = known.name !== name
    ? `topic "${known.name}" has its id ${id}`
    : known.id !== id
    ? `it is there with id ${known.id}, not ${id}`
    : known.config.partitions !== partitions
    ? `it is there with ${known.config.partitions} partitions, not ${partitions}`
    : undefined;
  if (state === undefined) return;
  throw new SeglogError(
    "exists",
    `Cannot take in topic "${name}": ${state}; delete it, or set it aside, first`,
    { details: { id: known.id, partitions: known.config.partitions } },
  );
}
