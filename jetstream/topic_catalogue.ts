/**
 * The topics of a cluster: one stream, in which each topic has a subject with its latest entry. It is
 * changed only as it was looked at: whoever was overtaken looks again.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { headers as newHeaders } from "@nats-io/transport-node";
import type { TopicInfo } from "../core/backend.ts";
import { decodeUtf8, encodeUtf8 } from "../core/base/bytes.ts";
import { sleep } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";
import { TOPICS_MAX } from "../core/base/limits.ts";
import { DEFAULT_TOPIC_CONFIG, parseTopicConfig } from "../core/topic_config.ts";
import { CatalogueReads } from "./catalogue_reads.ts";
import { answerOf, type Connection } from "./connection.ts";
import { corruptMessage } from "./log_state.ts";
import { asSeglogError, hasNumber, isFinal, NUMBERS } from "./nats_errors.ts";
import { contentOf, type RawMessage } from "./stored_message.ts";
import { catalogueStream, catalogueSubject, leaseSubject, partitionNames } from "./stream_names.ts";
import type { Streams } from "./streams.ts";

/** What the catalogue says of a name. */
export interface CatalogueEntry {
  /** The topic; nothing where there is none, or none any more. */
  readonly topic: TopicInfo | undefined;
  /** A topic whose streams are still to be removed. */
  readonly dropping: TopicInfo | undefined;
  /** Of the entry, to change it as it is: 0 where there is none. */
  readonly sequence: number;
}

interface EntryBody {
  readonly topic?: TopicInfo;
  readonly dropping?: TopicInfo;
}

const NOTHING: CatalogueEntry = { topic: undefined, dropping: undefined, sequence: 0 };
const TRY_MS = 5000;
const PAUSE_MS = 50;
/** Entries that are asked for at the same time. */
const ASKED_AT_ONCE = 64;
/** Partitions whose streams are made or removed at the same time. */
const PARTITIONS_AT_ONCE = 16;

/** Reads and changes the catalogue. */
export class TopicCatalogue {
  readonly #connection: Connection;
  readonly #streams: Streams;
  readonly #reads: CatalogueReads;
  readonly #prefix: string;
  #isMade = false;

  constructor(connection: Connection, streams: Streams, prefix: string) {
    this.#connection = connection;
    this.#streams = streams;
    const { timeoutMs } = connection;
    const stream = catalogueStream(prefix);
    this.#reads = new CatalogueReads({ streams, stream, believedAfterMs: timeoutMs });
    this.#prefix = prefix;
  }

  /** Refuses a stream of this name that another program made. @throws {SeglogError} `exists` */
  async check(): Promise<void> {
    const name = catalogueStream(this.#prefix);
    if (await this.#streams.info(name) !== undefined) {
      await this.#streams.checkOurs(name, "catalogue");
    }
  }

  /** Makes the stream, where there is none. Leases are in it as well. @throws {SeglogError} `exists` */
  async make(): Promise<void> {
    await this.#streams.make({
      name: catalogueStream(this.#prefix),
      subjects: [catalogueSubject(this.#prefix), leaseSubject(this.#prefix)],
      description: "seglog: the topics, and who does what one at a time does",
      kind: "catalogue",
    });
    this.#isMade = true;
  }

  /** All topics, ordered by name. */
  async list(): Promise<TopicInfo[]> {
    const subjects = await this.#reads.subjects(catalogueSubject(this.#prefix));
    const entries: CatalogueEntry[] = [];
    for (let at = 0; at < subjects.length; at += ASKED_AT_ONCE) {
      const some = subjects.slice(at, at + ASKED_AT_ONCE);
      entries.push(...await Promise.all(some.map((subject) => this.#entryAt(subject))));
    }
    return entries.flatMap(({ topic }) => topic ?? [])
      .toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  /** What is known of a name. */
  entry(name: string): Promise<CatalogueEntry> {
    return this.#entryAt(catalogueSubject(this.#prefix, name));
  }

  /** The topic that has an id. */
  async withId(id: string): Promise<TopicInfo | undefined> {
    const { stream } = partitionNames(this.#prefix, { id }, 0);
    if (await this.#streams.info(stream) === undefined) return undefined; // then there is none
    return (await this.list()).find((topic) => topic.id === id);
  }

  /**
   * Makes a topic, with its streams.
   *
   * @returns `undefined` when the entry is not any more as it was
   */
  async create(
    topic: Omit<TopicInfo, "id"> & { readonly id?: string },
    entry: CatalogueEntry,
  ): Promise<TopicInfo | undefined> {
    const { name, id = randomBytes(16).toString("hex"), config } = topic;
    const info = { name, id, config };
    await this.#makeCatalogue(name);
    if (entry.dropping !== undefined) await this.#dropStreams(entry.dropping);
    // The streams come first: a topic that is listed has them all, and others are in nobody's way.
    try {
      await eachPartition(info, (partition) => this.#makeStream(info, partition));
    } catch (error) {
      await this.#dropUnlisted(info).catch(() => {}); // the first error tells more
      throw error;
    }
    if (await this.#put(name, { topic: info }, entry)) return info;
    await this.#dropUnlisted(info);
    return undefined;
  }

  /** Changes the settings of a topic. @returns whether the entry was still as it was */
  replace(topic: TopicInfo, entry: CatalogueEntry): Promise<boolean> {
    return this.#put(topic.name, { topic }, entry);
  }

  /** Removes a topic: first from the list, then its streams. @returns as {@linkcode replace} */
  async delete(topic: TopicInfo, entry: CatalogueEntry): Promise<boolean> {
    if (!await this.#put(topic.name, { dropping: topic }, entry)) return false;
    await this.#dropStreams(topic);
    const { dropping, sequence } = await this.entry(topic.name);
    if (dropping?.id === topic.id) {
      const subject = catalogueSubject(this.#prefix, topic.name);
      await this.#streams.purge(catalogueStream(this.#prefix), sequence + 1, subject);
    }
    return true;
  }

  /** @throws {SeglogError} `too-large` when there is no room for one more topic */
  async #makeCatalogue(topic: string): Promise<void> {
    const count = (await this.#reads.info())?.state.messages;
    if (count !== undefined && count >= TOPICS_MAX) {
      throw new SeglogError(
        "too-large",
        `Cannot create topic "${topic}": the cluster has ${TOPICS_MAX} topics`,
      );
    }
    if (count === undefined || !this.#isMade) await this.make();
  }

  async #makeStream(topic: TopicInfo, partition: number): Promise<void> {
    const { stream, every } = partitionNames(this.#prefix, topic, partition);
    const description = `seglog: topic ${JSON.stringify(topic.name)}, partition ${partition}`;
    await this.#streams.make({ name: stream, subjects: [every], description, kind: "partition" });
  }

  async #dropUnlisted(topic: TopicInfo): Promise<void> {
    if ((await this.entry(topic.name)).topic?.id !== topic.id) await this.#dropStreams(topic);
  }

  async #dropStreams(topic: TopicInfo): Promise<void> {
    await eachPartition(
      topic,
      (partition) => this.#streams.delete(partitionNames(this.#prefix, topic, partition).stream),
    );
  }

  async #entryAt(subject: string): Promise<CatalogueEntry> {
    const found = await this.#reads.last(subject);
    return found === undefined ? NOTHING : decodeEntry(catalogueStream(this.#prefix), found);
  }

  /** @returns whether it was made: not when the entry is not any more as it was */
  async #put(name: string, body: EntryBody, entry: CatalogueEntry): Promise<boolean> {
    const subject = catalogueSubject(this.#prefix, name);
    const payload = encodeUtf8(JSON.stringify(body));
    const headers = newHeaders();
    headers.set("Nats-Expected-Last-Subject-Sequence", String(entry.sequence));
    headers.set("Nats-Msg-Id", randomBytes(12).toString("base64url"));
    const deadlineMs = Date.now() + this.#connection.timeoutMs;
    for (;;) {
      try {
        await this.#connection.connected(deadlineMs);
        const timeoutMs = Math.min(TRY_MS, deadlineMs - Date.now());
        const answer = await this.#connection.ask(subject, { payload, headers, timeoutMs });
        this.#reads.note(subject, answerOf<{ seq: number }>(answer).seq);
        return true;
      } catch (error) {
        if (hasNumber(error, NUMBERS.wrongLastSequence, NUMBERS.wrongLastSequenceUnknown)) {
          const now = await this.entry(name); // an earlier try may have been heard
          if (now.sequence !== entry.sequence) {
            return JSON.stringify({ topic: now.topic, dropping: now.dropping }) ===
              JSON.stringify({ topic: body.topic, dropping: body.dropping });
          }
        }
        // Where the entry is as it was, whoever said otherwise is not the leader any more.
        const isPassing = !isFinal(error);
        if (!isPassing || Date.now() + PAUSE_MS >= deadlineMs) {
          throw asSeglogError(error, `change topic "${name}"`);
        }
      }
      await sleep(PAUSE_MS);
    }
  }
}

function decodeEntry(stream: string, message: RawMessage): CatalogueEntry {
  const where = `message ${message.seq} of stream ${stream}`;
  try {
    const { topic, dropping } = JSON.parse(decodeUtf8(contentOf(message))) as EntryBody;
    return {
      topic: topic === undefined ? undefined : checkedTopic(topic, where),
      dropping: dropping === undefined ? undefined : checkedTopic(dropping, where),
      sequence: message.seq,
    };
  } catch (cause) {
    if (cause instanceof SeglogError) throw cause;
    throw corruptMessage(where, "it is no entry of the catalogue", cause);
  }
}

function checkedTopic({ name, id, config }: TopicInfo, where: string): TopicInfo {
  if (typeof name !== "string" || typeof id !== "string" || !/^[0-9a-f]{32}$/.test(id)) {
    throw corruptMessage(where, "it names no topic");
  }
  return { name, id, config: { ...DEFAULT_TOPIC_CONFIG, ...parseTopicConfig(config) } };
}

async function eachPartition(
  { config }: TopicInfo,
  act: (partition: number) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < config.partitions; at += PARTITIONS_AT_ONCE) {
    const count = Math.min(PARTITIONS_AT_ONCE, config.partitions - at);
    const done = await Promise.allSettled(Array.from({ length: count }, (_, i) => act(at + i)));
    for (const each of done) if (each.status === "rejected") throw each.reason;
  }
}
