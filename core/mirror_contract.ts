/**
 * The contract of a backend that can take in what another one has: the same topics, with the same
 * ids, and the same records at the same offsets.
 *
 * @module
 */
import type { Bounds, TopicInfo } from "./backend.ts";
import type { BatchView } from "./format/batch.ts";

/** Why offsets hold no records: somebody removed them, or a repair gave them up. */
export type GapReason = "removed" | "lost";

/**
 * One partition that takes in what another one has. One caller at a time uses it, and nobody else
 * appends meanwhile. Calls take effect in the order in which they are made: the next batch can be given
 * before the one before it is acknowledged, and is refused when that one fails. Calls that take something
 * in resolve when it is durable as the topic's sync mode says.
 */
export interface MirrorPartition {
  /** Where it starts and ends. */
  bounds(): Promise<Bounds>;
  /**
   * Takes in a batch with its own offsets, as another log has it: also one that compaction made, whose
   * offsets have gaps. It begins at `nextOffset`. Its producer is noted, and not asked for its number.
   *
   * @throws {SeglogError} `condition-failed` when it begins anywhere else, with `expected` (where the
   * batch begins) and `actual` in the details
   */
  append(batch: BatchView): Promise<void>;
  /**
   * Goes on at a later offset: those in between hold no records. Where nothing was taken in yet, the
   * log begins there.
   *
   * @throws {SeglogError} `offset-out-of-range` for one below `nextOffset`
   */
  skipTo(offset: number, reason: GapReason): Promise<void>;
  /** Makes `offset` the first readable one, as `Backend.truncate({ before })`. */
  truncateBefore(offset: number): Promise<void>;
  /** Resolves when everything that was taken in survives a loss of power. */
  flush(): Promise<void>;
}

/** A backend's side of being a mirror. */
export interface MirrorTarget {
  /**
   * Makes a topic with this name, id and settings, or gives one that has the id these settings.
   *
   * @throws {SeglogError} `exists` when a topic of this name has another id, or other partitions
   */
  adopt(topic: TopicInfo): Promise<void>;
  /** One of its partitions, to take in what comes. @throws {SeglogError} `not-found` */
  openMirror(topic: string, partition: number): Promise<MirrorPartition>;
}
