/**
 * Brings what a view has of one partition up to what the log has: forgets what was truncated or
 * compacted away, and takes in what came. It works in small pieces, between which others have their
 * turn.
 *
 * @module
 */
import type { Backend, PartitionInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { endOfTurn } from "../base/turn.ts";
import type { LogRecord } from "../format/record.ts";
import { recordsOf } from "../format/records_of.ts";
import { readBatches } from "../reading.ts";
import { VIEW_BYTES_AT_ONCE, VIEW_OFFSETS_AT_ONCE, VIEW_ROWS_AT_ONCE } from "./limits.ts";
import { isNoJson } from "./sqlite.ts";
import type { ViewFile, ViewPosition, ViewRow } from "./view_file.ts";
import { rowBytes, rowOf, witnessOf } from "./view_rows.ts";

/** What is fed, and from what. */
export interface FeedParts {
  readonly topic: string;
  readonly file: ViewFile;
  /** The partition as the log has it. */
  readonly info: PartitionInfo;
  /** Called between pieces. @throws what ends it */
  readonly check: () => void;
}

/** One partition on its way into the view. */
export class PartitionFeed {
  readonly partition: number;
  readonly #backend: Backend;
  readonly #parts: FeedParts;
  #at: ViewPosition;

  constructor(backend: Backend, parts: FeedParts) {
    this.#backend = backend;
    this.#parts = parts;
    this.partition = parts.info.partition;
    const { partition, logStartOffset: start, truncations, compactedTo } = parts.info;
    const known = parts.file.position(partition);
    this.#at = known ?? {
      partition,
      start,
      next: start,
      count: 0,
      truncations,
      compacted: compactedTo,
      gaps: 0,
      witness: null,
    };
    if (known === undefined) parts.file.begin(this.#at);
  }

  /** Whether the view has something else than the log. */
  get isBehind(): boolean {
    const { info } = this.#parts;
    return this.#isOther || this.#at.start < info.logStartOffset ||
      this.#at.next < info.nextOffset || this.#needsSweep;
  }

  /** Offsets to go through. */
  get work(): number {
    const { info } = this.#parts;
    const next = this.#isOther ? info.logStartOffset : this.#at.next;
    return Math.max(1, info.nextOffset - next);
  }

  /**
   * Compares the last record that was taken in with the log's. A loss of power may have taken it, and
   * another stand there; where it cannot be told, everything is taken in again.
   */
  async checkWitness(): Promise<void> {
    const { next, count, witness } = this.#at;
    if (count === 0 || this.#isOther) return;
    let found: number | null = null;
    try {
      found = witnessOf(await this.#backend.read(this.#parts.topic, next - 1, this.partition));
    } catch (error) {
      if (!(error instanceof SeglogError) || !GONE.has(error.code)) throw error;
      if (next <= this.#parts.info.logStartOffset) return; // nothing of it will be left
    }
    if (witness === null || found !== witness) {
      this.#at = this.#parts.file.note(this.#at, { truncations: -1 });
    }
  }

  /** @param onProgress is told of offsets that are done */
  async catchUp(onProgress: (done: number) => void): Promise<void> {
    const { info, file } = this.#parts;
    if (this.#isOther) await this.#startAgain();
    if (this.#at.start < info.logStartOffset) {
      await this.#remove(this.#at.start, info.logStartOffset);
      if (this.#at.next < info.logStartOffset) {
        this.#at = file.note(this.#at, { next: info.logStartOffset, witness: null });
      }
    }
    await this.#takeIn(onProgress);
    if (this.#needsSweep) await this.#sweep();
  }

  /** Whether records at the end are others than those that were taken in. */
  get #isOther(): boolean {
    const { info } = this.#parts;
    return this.#at.truncations !== info.truncations || this.#at.next > info.nextOffset;
  }

  /** Whether compaction may have removed what the view still has. */
  get #needsSweep(): boolean {
    const { info } = this.#parts;
    const { next, start, count, compacted, gaps } = this.#at;
    if (compacted !== info.compactedTo) return true;
    const logGaps = info.nextOffset - info.logStartOffset - info.records;
    return next === info.nextOffset && next - start - count !== logGaps && gaps !== logGaps;
  }

  async #startAgain(): Promise<void> {
    const { info, file } = this.#parts;
    const { logStartOffset: start, truncations, compactedTo: compacted } = info;
    await this.#remove(this.#at.start, this.#at.next);
    const nothing = { start, next: start, count: 0, gaps: 0, witness: null };
    this.#at = file.note(this.#at, { ...nothing, truncations, compacted });
  }

  async #remove(from: number, end: number): Promise<void> {
    for (let at = from; at < end; at += VIEW_OFFSETS_AT_ONCE) {
      const until = Math.min(end, at + VIEW_OFFSETS_AT_ONCE);
      this.#at = this.#parts.file.remove(this.#at, { from: at, until });
      await this.#turn();
    }
  }

  async #takeIn(onProgress: (done: number) => void): Promise<void> {
    const { info, topic } = this.#parts;
    const from = this.#at.next;
    const until = info.nextOffset;
    if (from >= until) return;
    const range = { partition: this.partition, from, until, onLost: () => {} };
    let rows: ViewRow[] = [];
    let bytes = 0;
    let last: LogRecord | undefined;
    const write = async (next: number) => {
      this.#add(rows, { next, last });
      rows = [];
      bytes = 0;
      onProgress(next - from);
      await this.#turn();
    };
    for await (const batch of readBatches(this.#backend, topic, range)) {
      for (const record of recordsOf(batch, { from, until })) {
        rows.push(rowOf(record));
        bytes += rowBytes(record);
        last = record;
        if (rows.length === VIEW_ROWS_AT_ONCE || bytes >= VIEW_BYTES_AT_ONCE) {
          await write(record.offset + 1);
        }
      }
    }
    if (this.#at.next < until) await write(until); // what is at the end may have been compacted
  }

  #add(
    rows: readonly ViewRow[],
    { next, last }: { readonly next: number; readonly last: LogRecord | undefined },
  ): void {
    const { file } = this.#parts;
    const isLast = last?.offset === next - 1;
    const more = { rows, next, witness: isLast ? witnessOf(last) : null };
    try {
      this.#at = file.add(this.#at, more);
    } catch (error) {
      if (!isNoJson(error)) throw error;
      file.leaveOutWhatIsNoJson();
      this.#at = file.add(this.#at, more);
    }
  }

  /** Walks the log where it was compacted, and removes what it does not have any more. */
  async #sweep(): Promise<void> {
    const { info, topic, file } = this.#parts;
    const until = info.nextOffset;
    const range = { partition: this.partition, from: info.logStartOffset, until, onLost: () => {} };
    let after = info.logStartOffset;
    let offsets: number[] = [];
    const keep = async (end: number) => {
      this.#at = file.keepOnly(this.#at, { offsets, from: after, until: end });
      after = end;
      offsets = [];
      await this.#turn();
    };
    for await (const batch of readBatches(this.#backend, topic, range)) {
      for (const { offset } of recordsOf(batch, range)) {
        offsets.push(offset);
        if (offsets.length === VIEW_OFFSETS_AT_ONCE) await keep(offset + 1);
      }
    }
    await keep(until);
    const gaps = info.nextOffset - info.logStartOffset - info.records;
    this.#at = file.note(this.#at, { compacted: info.compactedTo, gaps });
  }

  async #turn(): Promise<void> {
    await endOfTurn();
    this.#parts.check();
  }
}

/** How reading says that a record is not there. */
const GONE: ReadonlySet<string> = new Set([
  "not-found",
  "offset-out-of-range",
  "lost",
  "compacted",
]);
