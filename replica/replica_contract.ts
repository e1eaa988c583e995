/**
 * The contract of a replica: how it is told to follow, and what it tells of itself.
 *
 * @module
 */
import type { Clock } from "../core/base/clock.ts";
import type { ReplicaPartition } from "./partition_follower.ts";

/** How a replica follows. */
export interface ReplicaOptions {
  /**
   * How long to wait between two looks at the topics of the source, in ms; 1000 unless given. Where a
   * look takes more than a tenth of that, the wait is ten times as long as the look, up to 10 s.
   */
  readonly lookMs?: number;
  /** Time; the machine's unless given, and a process stays alive for it. */
  readonly clock?: Clock;
  /** Is told, in a sentence, of topics that come and go, and of what is in the way. */
  readonly onNotice?: (notice: string, level: "info" | "warn") => void;
}

/** How a replica is. */
export interface ReplicaStatus {
  /** Whether the source answered when its topics were asked for last; true before. */
  readonly isConnected: boolean;
  /** Why not all of its topics could be looked at. */
  readonly lastError?: string;
  /** All partitions, by topic and number. */
  readonly partitions: readonly ReplicaPartition[];
}
