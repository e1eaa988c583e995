/**
 * Compacts one log, when asked or by itself, and builds the filters that its sealed segments lack.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import { Mutex } from "../base/mutex.ts";
import type { LogSettings } from "../format/log_settings.ts";
import { type CompactionReport, compactLog } from "./compaction.ts";
import { buildFilter, hasFilter } from "./filter_file.ts";
import type { OwnedState } from "./owned_state.ts";
import { Pace } from "./pace.ts";
import type { SealedSegment } from "./segments.ts";

/**
 * When to look again, though nothing was written meanwhile, where a snapshot kept something, or where it
 * is not known what did: before the log was opened.
 */
const AGAIN_MS = 10 * 60_000;

/** How one compaction is run. */
export interface CompactOptions {
  /** Offsets that snapshots read at: what they see stays. Asked again and again. */
  readonly held?: () => readonly number[];
  /** Bytes a second that it may read and write; without bound unless given. */
  readonly bytesPerSecond?: number;
  /** Ends it, with `closed`: what was done stays done. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes of memory for keys, about; 256 MiB unless given. With less, it takes more passes. */
  readonly keysBytes?: number | undefined;
}

/** The compactor of a log that this process owns. */
export class Compactor {
  readonly #state: OwnedState;
  readonly #clock: Clock;
  readonly #exclusively: (change: () => Promise<void>) => Promise<void>;
  readonly #mutex = new Mutex();
  readonly #settings: () => LogSettings;
  #isEnding = false;
  #hasEnded = false;
  #pace: Pace | undefined;
  /** Sealed segments below were looked at, and there was not enough garbage. */
  #lookedTo: number;
  /** When to look again, whatever came since: milliseconds since 1970. */
  #againMs: number;
  /** Segments that have a filter, or cannot have one. */
  readonly #looked = new WeakSet<SealedSegment>();

  /** @param exclusively runs what changes the log, when nothing else does */
  constructor(
    state: OwnedState,
    parts: {
      settings: () => LogSettings;
      clock: Clock;
      exclusively: (change: () => Promise<void>) => Promise<void>;
    },
  ) {
    this.#state = state;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
    this.#exclusively = parts.exclusively;
    this.#lookedTo = state.compactedTo;
    const isLeft = state.cleanTo < state.compactedTo;
    this.#againMs = isLeft ? this.#clock.now() + AGAIN_MS : Infinity;
  }

  /** Compacts whatever the share of garbage is. Throws as {@linkcode compactLog}. */
  compact(options: CompactOptions): Promise<CompactionReport> {
    return this.#mutex.run(async () => {
      const report = await this.#run(options, 0);
      await this.#buildFilters();
      return report;
    });
  }

  /**
   * Compacts where the topic says so and there may be enough garbage: no more than two records for each
   * that came since the last look. Tombstones are looked at again when all of them are old, and what
   * snapshots keep after a while.
   *
   * @returns `undefined` when nothing was due
   */
  compactIfDue(options: CompactOptions): Promise<CompactionReport | undefined> {
    return this.#mutex.run(async () => {
      const { compaction, garbageRatio } = this.#settings();
      const { sealed } = this.#state;
      const recordsOf = (segments: readonly SealedSegment[]) =>
        segments.reduce((sum, { records }) => sum + records, 0);
      const fresh = recordsOf(sealed.filter(({ nextOffset }) => nextOffset > this.#lookedTo));
      // A record replaces one, and may be garbage itself: a tombstone, once it is old.
      const isDue = fresh > 0 && 2 * fresh >= garbageRatio * recordsOf(sealed);
      const isAgain = this.#clock.now() >= this.#againMs;
      if (compaction === "none" || !(isDue || isAgain)) return undefined;
      return await this.#run(options, garbageRatio);
    });
  }

  /** Builds the filters that are missing, where the topic is one to be compacted. */
  buildFilters(): Promise<void> {
    return this.#mutex.run(() => this.#buildFilters());
  }

  /** Ends a compaction under way, with `closed`, and waits for filters to be built; no more are then. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#pace?.wake();
    await this.#mutex.run(() => void (this.#hasEnded = true));
  }

  async #buildFilters(): Promise<void> {
    if (this.#settings().compaction === "none") return;
    const { place } = this.#state;
    const isWanted = () => !this.#hasEnded && this.#state.failure === undefined;
    for (const segment of this.#state.sealed) {
      if (!isWanted()) return;
      if (this.#looked.has(segment)) continue;
      this.#looked.add(segment);
      if (!hasFilter(place, segment)) await buildFilter(place, segment, isWanted);
    }
  }

  async #run(options: CompactOptions, garbageRatio: number): Promise<CompactionReport> {
    const { segmentBytes, compression, tombstoneMs } = this.#settings();
    const { held = () => [], bytesPerSecond = Infinity, keysBytes } = options;
    const check = () => this.#check(options.signal);
    check();
    const pace = new Pace({ bytesPerSecond, clock: this.#clock, check });
    this.#pace = pace;
    options.signal?.addEventListener("abort", () => pace.wake(), { once: true });
    const nowMs = this.#clock.now();
    this.#lookedTo = this.#state.active.baseOffset; // also when it fails: not again at once
    this.#againMs = Infinity;
    const { report, left } = await compactLog(this.#state, {
      garbageRatio,
      segmentBytes,
      codec: compression,
      nowMs,
      tombstonesBeforeMs: nowMs - tombstoneMs,
      held,
      pace: (bytes) => pace.step(bytes),
      exclusively: this.#exclusively,
      keysBytes,
    });
    this.#againMs = Math.min(
      left.youngestMs === -Infinity ? Infinity : left.youngestMs + tombstoneMs + 1,
      left.isHeld ? nowMs + AGAIN_MS : Infinity,
    );
    return report;
  }

  #check(signal: AbortSignal | undefined): void {
    this.#state.checkOwned();
    if (!this.#isEnding && !signal?.aborted) return;
    const why = this.#isEnding ? "the log is closing" : "it was told to end";
    throw new SeglogError("closed", `Cannot compact ${this.#state.name}: ${why}`);
  }
}
