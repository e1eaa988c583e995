/**
 * Retention where the source drops nothing by itself: a node asks it to truncate at what the node's copy
 * would drop. Several nodes may: the same is removed once.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { Backend, TopicInfo } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { isNotFound } from "../core/base/errors.ts";
import { Maintenance } from "../core/base/maintenance.ts";
import type { Store } from "../core/store/store.ts";
import { hasRetention } from "../core/topic_config.ts";
import { forEach } from "./each.ts";

/** Looks at all topics from time to time, until it is closed. */
export class SourceRetention {
  readonly #source: Backend;
  readonly #local: Store;
  readonly #maintenance: Maintenance;

  constructor(source: Backend, local: Store, clock: Clock) {
    this.#source = source;
    this.#local = local;
    this.#maintenance = new Maintenance(clock, () => this.apply());
  }

  /** Looks now. @throws what the source throws: what is left over is for the next time */
  async apply(): Promise<void> {
    const topics = (await this.#local.listTopics()).filter(({ config }) => hasRetention(config));
    await forEach(topics, async (topic) => {
      const partitions = Array.from({ length: topic.config.partitions }, (_, number) => number);
      await forEach(partitions, (partition) => this.#truncate(topic, partition));
    });
  }

  /** Resolves when nothing is looked at any more. */
  close(): Promise<void> {
    return this.#maintenance.stop();
  }

  async #truncate(copied: TopicInfo, partition: number): Promise<void> {
    const topic = copied.name;
    try {
      const before = await this.#local.mirrorTarget!.keptStart(topic, partition);
      const { logStartOffset } = await this.#local.bounds(topic, partition);
      if (before <= logStartOffset || !await this.#isAsCopied(copied)) return;
      await this.#source.truncate(topic, { partition, before });
    } catch (error) {
      if (!isNotFound(error)) throw error; // it was deleted meanwhile
    }
  }

  /** A copy may be late: what was made anew, or is to be kept for longer now, is not truncated by it. */
  async #isAsCopied({ name, id, config }: TopicInfo): Promise<boolean> {
    const now = await this.#source.describeTopic(name);
    return now.id === id && isDeepStrictEqual(now.config, config);
  }
}
