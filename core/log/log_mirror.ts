/**
 * A log that takes in what another one has: the same batches at the same offsets.
 *
 * Nothing of it is special on disk. Batches go the way of all appends; offsets that are passed over
 * are a range in the manifest, which is replaced when the segment before is sealed and synced, and
 * the one behind is there. So a crash at any moment leaves a beginning of what was taken in.
 *
 * @module
 */
import type { BatchView } from "../format/batch.ts";
import type { GapReason } from "../format/gap_reason.ts";
import type { LogWriter } from "./log_writer.ts";

/** Where a log starts and ends. */
export interface LogBounds {
  /** First offset that can be read. */
  readonly logStartOffset: number;
  /** Everything below survives a loss of power. */
  readonly durableOffset: number;
  /** The offset that comes next. */
  readonly nextOffset: number;
}

/** The side of a log that mirrors another one. Nobody else appends meanwhile. */
export class LogMirror {
  readonly #writer: LogWriter;
  readonly #bounds: () => LogBounds;

  /** Made by a log, for itself. */
  constructor(writer: LogWriter, bounds: () => LogBounds) {
    this.#writer = writer;
    this.#bounds = bounds;
  }

  /** Where the log starts and ends. */
  // deno-lint-ignore require-await -- what it throws comes as a rejection
  async bounds(): Promise<LogBounds> {
    return this.#bounds();
  }

  /**
   * Takes in a batch with its own offsets, also one that compaction made. Several may be on their way
   * at once: they share writes and syncs. Its producer is noted, and not asked for its number.
   *
   * @returns when it is durable as the log's sync mode says
   * @throws {SeglogError} `condition-failed` when it does not begin at the next offset; `invalid-record`
   * when it is not well made; else as `Log.append`
   */
  async append(batch: BatchView): Promise<void> {
    await this.#writer.appendMirrored(batch);
  }

  /**
   * Goes on at a later offset, durably: those in between hold no records. A log that holds nothing
   * begins there when they were removed; readers are told of those that were lost.
   *
   * @throws {SeglogError} `offset-out-of-range` for one below the next
   */
  async skipTo(offset: number, reason: GapReason): Promise<void> {
    await this.#writer.skipTo(offset, reason);
  }

  /**
   * Notes that of what is below an offset, records may be missing that later ones with the same key
   * replaced, also where that is to come.
   */
  async noteCompacted(offset: number): Promise<void> {
    await this.#writer.noteCompacted(offset);
  }

  /** Makes an offset the first readable one. @throws {SeglogError} `offset-out-of-range` */
  async truncateBefore(offset: number): Promise<void> {
    await this.#writer.truncateBefore(offset);
  }

  /** Resolves when everything that was taken in survives a loss of power. */
  async flush(): Promise<void> {
    await this.#writer.flush();
  }
}
