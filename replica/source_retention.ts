/**
 * Retention where the source drops nothing by itself: a node asks it to truncate at what the node's copy
 * would drop. Several nodes may: the same is removed once.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { isNotFound } from "../core/base/errors.ts";
import { Maintenance } from "../core/base/maintenance.ts";
import type { Store } from "../core/store/store.ts";
import { hasRetention } from "../core/topic_config.ts";

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
    for (const { name, config } of await this.#local.listTopics()) {
      if (!hasRetention(config)) continue;
      for (let partition = 0; partition < config.partitions; partition++) {
        await this.#truncate(name, partition);
      }
    }
  }

  /** Resolves when nothing is looked at any more. */
  close(): Promise<void> {
    return this.#maintenance.stop();
  }

  async #truncate(topic: string, partition: number): Promise<void> {
    try {
      const before = await this.#local.mirrorTarget!.keptStart(topic, partition);
      const { logStartOffset } = await this.#local.bounds(topic, partition);
      if (before > logStartOffset) await this.#source.truncate(topic, { partition, before });
    } catch (error) {
      if (!isNotFound(error)) throw error; // it was deleted meanwhile
    }
  }
}
