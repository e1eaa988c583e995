/**
 * How a store is opened.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../disk/disk.ts";
import type { TopicConfig } from "../topic_config.ts";
import type { FollowOptions } from "./follow.ts";

/** How a store is opened. */
export interface StoreOptions {
  /** Read beside the owner: no lock is taken, nothing is written. */
  readonly readOnly?: boolean;
  /** Make the store when there is none; true unless given. */
  readonly create?: boolean;
  /** Make a topic at its first append; true unless given. */
  readonly autoCreateTopics?: boolean;
  /**
   * Open the store as a replica of another backend: only what its `mirrorTarget` takes in changes it.
   * An empty one becomes a replica, and stays one until `promote`.
   */
  readonly follows?: FollowOptions;
  /** Settings of new topics where nothing else is said. */
  readonly defaults?: Partial<TopicConfig>;
  /** Bytes a second that compaction by itself may read and write; 64 MiB unless given. */
  readonly compactionBytesPerSecond?: number;
  /** The file system; the machine's unless given. */
  readonly disk?: Disk;
  /** Time; the machine's unless given. */
  readonly clock?: Clock;
  /** Is told what compaction won, and, to warn, what opening a log had to repair and what failed. */
  readonly onNotice?: (notice: string, level: "info" | "warn") => void;
}
