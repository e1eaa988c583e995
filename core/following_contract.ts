/**
 * The contract of a backend that is a copy: how far it is behind what it follows.
 *
 * @module
 */

import type { Backend } from "./backend.ts";

/** One partition of a copy. */
export interface FollowingPartition {
  /** Its topic. */
  readonly topic: string;
  /** Its number, from 0. */
  readonly partition: number;
  /** Where the copy ends. */
  readonly offset: number;
  /** Offsets that the source has beyond that, as far as is known. */
  readonly lag: number;
}

/** A copy's side of following. */
export interface Following {
  /** Where it comes from: for what has to be known exactly; nothing where that cannot be asked. */
  readonly origin?: Backend;
  /** What is followed, for people: an address without what is secret in it. */
  readonly source: string;
  /** Whether the copy has had everything that its source had, since it was opened. */
  readonly isReady: boolean;
  /**
   * Whether it has ever had, also before it was opened: what is not in it was not there then. Where a
   * part turned out to be no copy, only once it has had everything again.
   */
  readonly wasWhole: boolean;
  /** Resolves when it has, if ever. */
  readonly ready: Promise<void>;
  /** Whether the source answered when it was looked at last; true before. */
  readonly isConnected: boolean;
  /** How far each partition is, as far as it is known. */
  readonly partitions: readonly FollowingPartition[];
}
