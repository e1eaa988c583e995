/**
 * The topics that a backend has to do with. What was found in the catalogue is believed for a few
 * seconds: a topic that is made anew has other streams, so nothing gets to the wrong one meanwhile.
 *
 * @module
 */
import type { TopicInfo } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import { DEFAULT_TOPIC_CONFIG, type TopicConfig } from "../core/topic_config.ts";
import { checkAgrees, checkPartitionsStay, noTopic } from "../core/topic_errors.ts";
import { JetStreamTopic, type TopicParts } from "./jetstream_topic.ts";
import { MessageCache } from "./message_cache.ts";
import type { CatalogueEntry, TopicCatalogue } from "./topic_catalogue.ts";

/** How long what was found is believed. */
const BELIEVED_MS = 5000;

/** Topics by name, as they are in the catalogue. */
export class KnownTopics {
  readonly #catalogue: TopicCatalogue;
  readonly #parts: TopicParts;
  readonly #topics = new Map<string, { readonly topic: JetStreamTopic; readonly seenMs: number }>();
  /** Looks at the catalogue that are under way: who comes meanwhile shares them. */
  readonly #looks = new Map<string, Promise<JetStreamTopic>>();

  constructor(catalogue: TopicCatalogue, parts: Omit<TopicParts, "cache">) {
    this.#catalogue = catalogue;
    this.#parts = { ...parts, cache: new MessageCache() };
  }

  /** All topics, ordered by name. */
  list(): Promise<TopicInfo[]> {
    return this.#catalogue.list();
  }

  /** A topic as it was a few seconds ago, or is now. @throws {SeglogError} `not-found` */
  async known(name: string): Promise<JetStreamTopic> {
    const known = this.#topics.get(name);
    if (known !== undefined && Date.now() - known.seenMs < BELIEVED_MS) return known.topic;
    const shared = this.#looks.get(name);
    // One that finds nothing may be from before the topic was made.
    if (shared !== undefined) return await shared.catch(() => this.now(name));
    const look = this.now(name).finally(() => this.#looks.delete(name));
    this.#looks.set(name, look);
    return await look;
  }

  /** A topic as it is now. @throws {SeglogError} `not-found` */
  async now(name: string): Promise<JetStreamTopic> {
    const { topic } = await this.#catalogue.entry(name);
    if (topic !== undefined) return this.#note(topic);
    this.#forget(name);
    throw noTopic(name);
  }

  async isMissing(name: string): Promise<boolean> {
    return (await this.#catalogue.entry(name)).topic === undefined;
  }

  /** Makes a topic, or finds that it is there. Throws as `Backend.ensureTopic`. */
  async ensure(
    name: string,
    asked: Partial<TopicConfig>,
  ): Promise<{ created: boolean; topic: TopicInfo }> {
    for (;;) {
      const entry = await this.#catalogue.entry(name);
      if (entry.topic !== undefined) {
        checkAgrees(entry.topic, asked);
        return { created: false, topic: this.#note(entry.topic).info };
      }
      const config = { ...DEFAULT_TOPIC_CONFIG, ...asked };
      const topic = await this.#catalogue.create({ name, config }, entry);
      if (topic !== undefined) return { created: true, topic: this.#note(topic).info };
    }
  }

  /** Changes settings of a topic. Throws as `Backend.configureTopic`. */
  async configure(name: string, changes: Partial<TopicConfig>): Promise<TopicInfo> {
    return await this.#change(name, async (topic, entry) => {
      checkPartitionsStay(topic, changes);
      const changed = { ...topic, config: { ...topic.config, ...changes } };
      return await this.#catalogue.replace(changed, entry) ? this.#note(changed).info : undefined;
    });
  }

  /** Removes a topic. */
  async delete(name: string): Promise<void> {
    await this.#change(name, (topic, entry) => {
      this.#forget(name);
      return this.#catalogue.delete(topic, entry);
    });
  }

  /** Makes a topic as another backend has it. Throws as `MirrorTarget.adopt`. */
  async adopt(topic: TopicInfo): Promise<void> {
    for (;;) {
      const entry = await this.#catalogue.entry(topic.name);
      if (entry.topic === undefined) {
        const taken = await this.#catalogue.withId(topic.id);
        if (taken !== undefined) throw notAdoptable(topic, taken);
        if (await this.#catalogue.create(topic, entry) !== undefined) return void this.#note(topic);
        continue;
      }
      const isSame = entry.topic.id === topic.id &&
        entry.topic.config.partitions === topic.config.partitions;
      if (!isSame) throw notAdoptable(topic, entry.topic);
      if (await this.#catalogue.replace(topic, entry)) return void this.#note(topic);
    }
  }

  /** The names of those that were used. */
  get used(): string[] {
    return [...this.#topics.keys()];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#topics.values()].map(({ topic }) => topic.close()));
  }

  /** Tries a change until the entry was still as it was looked at. */
  async #change<T>(
    name: string,
    change: (topic: TopicInfo, entry: CatalogueEntry) => Promise<T | undefined | false>,
  ): Promise<T> {
    for (;;) {
      const entry = await this.#catalogue.entry(name);
      if (entry.topic === undefined) throw noTopic(name);
      const done = await change(entry.topic, entry);
      if (done !== undefined && done !== false) return done;
    }
  }

  #note(info: TopicInfo): JetStreamTopic {
    const before = this.#topics.get(info.name)?.topic;
    const topic = before?.info.id === info.id ? before : new JetStreamTopic(info, this.#parts);
    topic.info = info;
    this.#topics.set(info.name, { topic, seenMs: Date.now() });
    return topic;
  }

  #forget(name: string): void {
    this.#topics.delete(name);
  }
}

/** @param known the topic that has the name, or the id */
function notAdoptable({ name, id }: TopicInfo, known: TopicInfo): SeglogError {
  const { partitions } = known.config;
  const state = known.name !== name
    ? `topic "${known.name}" has its id ${id}`
    : known.id !== id
    ? `it is there with id ${known.id}, not ${id}`
    : `it is there with other partitions: ${partitions}`;
  return new SeglogError("exists", `Cannot take in topic "${name}": ${state}; delete it first`, {
    details: { id: known.id, partitions },
  });
}
