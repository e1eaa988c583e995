/**
 * A store that takes in what another backend has: its topics, and the records of their partitions.
 *
 * @module
 */
import type { TopicInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { checkTopicName } from "../format/file_names.ts";
import type { LogMirror } from "../log/log_mirror.ts";
import type { MirrorTarget } from "../mirror_contract.ts";
import { DEFAULT_TOPIC_CONFIG, parseTopicConfig } from "../topic_config.ts";
import { noTopic } from "../topic_errors.ts";
import type { TopicRegistry } from "./topic_registry.ts";

/** The side of a store that mirrors a backend. */
export class StoreMirror implements MirrorTarget {
  readonly #topics: TopicRegistry;
  readonly #checkOpen: () => void;
  readonly #warn: (notice: string) => void;

  /**
   * Made by a store, for itself.
   *
   * @param parts with what throws when the store is closed, and takes what is a matter of concern
   */
  constructor(
    topics: TopicRegistry,
    parts: { readonly checkOpen: () => void; readonly warn: (notice: string) => void },
  ) {
    this.#topics = topics;
    this.#checkOpen = parts.checkOpen;
    this.#warn = parts.warn;
  }

  async adopt({ name, id, config }: TopicInfo): Promise<void> {
    this.#checkOpen();
    checkTopicName(name);
    if (!/^[0-9a-f]{32}$/.test(id)) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot take in topic "${name}": its id ${JSON.stringify(id)} is not 32 hexadecimal digits`,
      );
    }
    const settings = { ...DEFAULT_TOPIC_CONFIG, ...parseTopicConfig(config) };
    await this.#topics.adopt({ name, id, config: settings });
  }

  async openMirror(topic: string, partition: number): Promise<LogMirror> {
    this.#checkOpen();
    const open = this.#topics.get(topic);
    if (open === undefined) throw noTopic(topic);
    return (await open.log(partition)).mirror();
  }

  async drop(topic: string): Promise<void> {
    this.#checkOpen();
    await this.#topics.delete(topic);
  }

  async setAside(topic: string, reason: string): Promise<readonly string[]> {
    this.#checkOpen();
    const kept = await this.#topics.setAside(topic);
    this.#warn(`set "${topic}" aside, since ${reason}: it is kept in ${kept.join(", ")}`);
    return kept;
  }

  async noteEpoch(epoch: number): Promise<void> {
    this.#checkOpen();
    await this.#topics.noteEpoch(epoch);
  }

  /** Notes, durably, that it has everything that what it follows had; a topic set aside ends that. */
  async noteWhole(): Promise<void> {
    this.#checkOpen();
    await this.#topics.noteWhole();
  }
}
