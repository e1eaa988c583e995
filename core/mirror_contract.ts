/**
 * The contract of a backend that can take in what another one has: the same topics, with the same
 * ids, and the same records at the same offsets.
 *
 * @module
 */
import type { Bounds, TopicInfo } from "./backend.ts";
import type { BatchView } from "./format/batch.ts";
import type { GapReason } from "./format/gap_reason.ts";

export type { GapReason };

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
   * The next one may be given before this resolves: they share writes and syncs.
   *
   * @throws {SeglogError} `condition-failed` when it begins anywhere else, with `expected` (where the
   * batch begins) and `actual` in the details; `invalid-record` when it is not well made
   */
  append(batch: BatchView): Promise<void>;
  /**
   * Goes on at a later offset: those in between hold no records. A log that holds nothing begins
   * there when they were removed; readers are told of those that were lost, whatever came before.
   *
   * @throws {SeglogError} `offset-out-of-range` for one below `nextOffset`
   */
  skipTo(offset: number, reason: GapReason): Promise<void>;
  /**
   * Notes that below an offset records may be missing that later ones with the same key replaced, as
   * `PartitionInfo.compactedTo` of the source says: also where that is past `nextOffset`, before what
   * lies there is taken in. Where that is not kept, nothing is there to call.
   */
  noteCompacted?(offset: number): Promise<void>;
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
  /** Removes a topic, as the source did, with all its records. @throws {SeglogError} `not-found` */
  drop(topic: string): Promise<void>;
  /**
   * Removes a topic that is another one than the source's, and keeps what it had where nobody reads
   * it: the source's can be adopted then. Where there is no such place, nothing is there to call.
   *
   * @param reason why, for people: goes after "since"
   * @returns where it is kept: the folder of each partition
   * @throws {SeglogError} `not-found`, `disk-full`; then nothing was removed
   */
  setAside?(topic: string, reason: string): Promise<readonly string[]>;
  /**
   * Notes, durably, the epoch of what is taken in from now on: a source whose epoch is lower was
   * replaced. Where that is not kept, nothing is there to call.
   *
   * @throws {SeglogError} `condition-failed` when it is lower than the one that is known, with
   * `expected` (the known one) and `actual` in the details
   */
  noteEpoch?(epoch: number): Promise<void>;
}
