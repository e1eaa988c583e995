/**
 * Keeps one partition of a replica in step with its source.
 *
 * @module
 */
import type { Backend, PartitionInfo } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { isNotFound, messageOf, SeglogError } from "../core/base/errors.ts";
import { isDiverged } from "./diverged.ts";
import { mirrorPartition } from "./mirror_partition.ts";
import { checkSameHistory } from "./same_history.ts";
import { pause, unlessAborted } from "../core/base/pause.ts";
import type { Turns } from "./turns.ts";

/** What a follower is doing: copying what is there; waiting for what comes; waiting to try again. */
export type FollowerState = "catching-up" | "following" | "waiting";

/** One partition of a replica. */
export interface ReplicaPartition {
  /** Its topic. */
  readonly topic: string;
  /** Its number, from 0. */
  readonly partition: number;
  /** What its follower is doing. */
  readonly state: FollowerState;
  /** Where the replica ends. */
  readonly offset: number;
  /** Offsets that the source has beyond that, as far as is known. */
  readonly lag: number;
  /** Why it waits. */
  readonly lastError?: string;
}

/** What a follower works with. */
export interface FollowerOptions {
  readonly source: Backend;
  readonly local: Backend;
  readonly topic: string;
  readonly partition: number;
  readonly clock: Clock;
  /** Bounds how many catch up at the same time. */
  readonly turns: Turns;
  /** Bytes that it may hold, right now. */
  readonly aheadBytes: () => number;
  /** Called with where the replica ends, again and again. */
  readonly onReached: (nextOffset: number) => void;
  /** Called when its state has changed. */
  readonly onChange: () => void;
  /** Called when what the replica has is not what the source has; the follower has ended then. */
  readonly onDiverged: (error: SeglogError) => void;
  readonly onNotice: (notice: string, level: "info" | "warn") => void;
}

const PAUSE_MS = 250;
const PAUSE_MS_MAX = 10_000;

/** Follows one partition until it is closed. */
export class PartitionFollower {
  readonly #options: FollowerOptions;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  /** Ended to look at the source again. */
  #round = new AbortController();
  #state: FollowerState = "catching-up";
  #offset = 0;
  #sourceNext = 0;
  #compactedTo = 0;
  /** Where the replica was when the source was looked at before. */
  #offsetBefore = -1;
  #pauseMs = PAUSE_MS;
  #lastError: string | undefined;
  /** Whether people were told that it waits. */
  #isToldOf = false;

  /** Begins at once. */
  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get status(): ReplicaPartition {
    const { topic, partition } = this.#options;
    return {
      topic,
      partition,
      state: this.#state,
      offset: this.#offset,
      lag: Math.max(0, this.#sourceNext - this.#offset),
      ...this.#lastError === undefined ? {} : { lastError: this.#lastError },
    };
  }

  /** Whether it has everything that the source had when it was looked at last. */
  get isCaughtUp(): boolean {
    return this.#state === "following" && this.#offset >= this.#sourceNext;
  }

  /** Tells how the source is now: what its batches do not say is looked for. */
  saw(info: PartitionInfo): void {
    this.#sourceNext = info.nextOffset;
    this.#compactedTo = info.compactedTo;
    const isStuck = this.#state === "following" && this.#offset < info.nextOffset &&
      this.#offset === this.#offsetBefore;
    this.#offsetBefore = this.#offset;
    if (isStuck || this.#begins < info.logStartOffset) this.again();
  }

  /** Looks at the source again at once. */
  again(): void {
    this.#round.abort();
  }

  /** Ends it; what was taken in stays. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#round.abort();
    await this.#running;
  }

  /** The first readable offset of the replica, as far as is known. */
  #begins = 0;

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      this.#round = new AbortController();
      try {
        await this.#follow(this.#round.signal);
        this.#pauseMs = PAUSE_MS;
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        this.#state = "catching-up";
        if (isDiverged(error)) return this.#options.onDiverged(error);
        await this.#failed(error);
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { source, local, topic, partition } = this.#options;
    this.#state = "catching-up";
    const endTurn = await this.#options.turns.begin(signal);
    if (endTurn === undefined) return;
    try {
      await unlessAborted(checkSameHistory({ source, copy: local, topic, partition }), signal);
      if (signal.aborted) return;
      const target = await local.mirrorTarget!.openMirror(topic, partition);
      const bounds = await target.bounds();
      this.#begins = bounds.logStartOffset;
      this.#at(bounds.nextOffset);
      await mirrorPartition({
        source,
        target,
        topic,
        partition,
        follow: true,
        signal,
        compactedTo: () => this.#compactedTo,
        readAheadBytes: this.#options.aheadBytes(),
        onTaken: ({ nextOffset }) => this.#at(nextOffset),
        onBegins: (logStartOffset) => this.#begins = logStartOffset,
        onCaughtUp: () => {
          this.#state = "following";
          if (this.#isToldOf) {
            this.#options.onNotice(
              `partition ${partition} of "${topic}" is followed again`,
              "info",
            );
          }
          this.#isToldOf = false;
          this.#lastError = undefined;
          this.#pauseMs = PAUSE_MS;
          endTurn();
          this.#options.onChange();
        },
      });
    } finally {
      endTurn();
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { topic, partition, onNotice } = this.#options;
    const before = this.#lastError;
    this.#lastError = messageOf(error);
    this.#state = "waiting";
    if (this.#lastError !== before && !isToldOtherwise(error)) {
      const notice = `partition ${partition} of "${topic}" waits to be tried again`;
      onNotice(`${notice}: ${this.#lastError}`, "warn");
      this.#isToldOf = true;
    }
    this.#options.onChange();
    await this.#pause();
  }

  /** Waits longer each time, until it is asked to look again. */
  #pause(): Promise<void> {
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(2 * ms, PAUSE_MS_MAX);
    this.#round = new AbortController();
    return pause(this.#options.clock, ms, [this.#round.signal, this.#ending.signal]);
  }

  #at(nextOffset: number): void {
    this.#offset = nextOffset;
    this.#options.onReached(nextOffset);
    this.#options.onChange();
  }
}

/** Whoever looks at the source finds out, too, that a topic is gone, or that nobody answers. */
function isToldOtherwise(error: unknown): boolean {
  return isNotFound(error) || error instanceof SeglogError && error.code === "unavailable";
}
