/**
 * Says which records stay when a log is compacted. Nothing is read or written here: it is told of the
 * records of a part of the log, in rising order, and is asked about them and about those before.
 *
 * A record at `o` that one at `p` replaces is seen by a snapshot at `r` when `o <= r < p`. Snapshots that
 * are opened on the way count from then on, also when they are closed again: what was kept for one may
 * only be hidden by a tombstone that is decided on later.
 *
 * @module
 */
import type { LogRecord } from "../format/record.ts";
import { isCompacted, LatestOffsets } from "./latest_offsets.ts";

/** Memory, about, of a record that a snapshot sees. */
const SEEN_BYTES = 40;

/** What decides beside the records. */
export interface StayOptions {
  /** Where the part begins: below it, no key has two records. */
  readonly start: number;
  /** Tombstones that were written before may go: milliseconds since 1970. */
  readonly tombstonesBeforeMs: number;
  /** The offsets of open snapshots, as they are at the moment. */
  readonly held: () => readonly number[];
}

/** What stays of one log. */
export class StayRule {
  readonly #options: StayOptions;
  readonly #latest = new LatestOffsets();
  /** Snapshots that were open at first: what they see of the part is known record by record. */
  readonly #first: readonly number[];
  readonly #since = new Set<number>();
  /** Records of the part that are replaced, and that the first snapshots see. */
  readonly #seen = new Set<number>();
  #unsettled = Infinity;
  #isHeld = false;
  #youngestMs = -Infinity;

  constructor(options: StayOptions) {
    this.#options = options;
    this.#first = options.held();
  }

  /** Different keys of the part. */
  get keys(): number {
    return this.#latest.keys;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#latest.bytes + SEEN_BYTES * this.#seen.size;
  }

  /** The first record that stays only for now: the next compaction has to look at it again. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Whether anything stays only because a snapshot sees it. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** When the youngest tombstone was written that stays because it is not old: milliseconds since 1970. */
  get youngestMs(): number {
    return this.#youngestMs;
  }

  /** The keys of the part, each a view, in no order. */
  names(): Iterable<Uint8Array> {
    return this.#latest.names();
  }

  /**
   * Takes in a record of the part, behind all others.
   *
   * @returns the offset of the one that nobody needs because of it, or -1
   */
  note({ key, offset, value, timestamp }: LogRecord): number {
    if (!isCompacted(key)) return -1;
    const deletedMs = value === null ? timestamp : undefined;
    const before = this.#latest.note(key, { offset, deletedMs });
    if (before < 0 || !isSeen(this.#first, before, offset)) return before;
    this.#seen.add(before);
    this.#unsettleHeld(before);
    return -1;
  }

  /** The tombstones of the part that are old, when all of it was noted: they may go. */
  *oldTombstones(): Generator<number, void, undefined> {
    for (const { offset, deletedMs } of this.#latest.tombstones()) {
      if (deletedMs < this.#options.tombstonesBeforeMs) yield offset;
      else this.#unsettleYoung(offset, deletedMs);
    }
  }

  /** Whether a record of before the part is replaced by one of it, and no snapshot sees it. */
  isReplaced({ key, offset }: LogRecord): boolean {
    if (!isCompacted(key)) return false;
    const replacedAt = this.#latest.firstOf(key);
    if (replacedAt <= offset) return false;
    if (!isSeen(this.#first, offset, replacedAt)) return true;
    this.#unsettleHeld(offset);
    return false;
  }

  /** Looks which snapshots are open now: from time to time. */
  lookAtSnapshots(): void {
    for (const offset of this.#options.held()) {
      if (!this.#first.includes(offset)) this.#since.add(offset);
    }
  }

  /** Whether a record is needed, when all records that are not shall be removed. */
  stays(record: LogRecord): boolean {
    const { key, offset, value, timestamp } = record;
    if (!isCompacted(key)) return true;
    const latest = this.#latest.of(key);
    if (latest > offset) {
      const isNeeded = this.#isSeenAtFirst(record) || isSeen(this.#since, offset, latest);
      if (isNeeded) this.#unsettleHeld(offset);
      return isNeeded;
    }
    if (value !== null || latest < 0) return true;
    if (timestamp >= this.#options.tombstonesBeforeMs) {
      this.#unsettleYoung(offset, timestamp);
      return true;
    }
    // What it hides goes, too, but for what a snapshot sees that is older.
    const isNeeded = isSeen(this.#first, 0, offset) || isSeen(this.#since, 0, offset);
    if (isNeeded) this.#unsettleHeld(offset);
    return isNeeded;
  }

  #isSeenAtFirst(record: LogRecord): boolean {
    const { offset } = record;
    return offset >= this.#options.start ? this.#seen.has(offset) : !this.isReplaced(record);
  }

  #unsettleHeld(offset: number): void {
    this.#isHeld = true;
    this.#unsettle(offset);
  }

  #unsettleYoung(offset: number, deletedMs: number): void {
    this.#youngestMs = Math.max(this.#youngestMs, deletedMs);
    this.#unsettle(offset);
  }

  #unsettle(offset: number): void {
    this.#unsettled = Math.min(this.#unsettled, offset);
  }
}

/** Whether one of the snapshots sees a record that another replaces, or one that a tombstone hides. */
function isSeen(snapshots: Iterable<number>, offset: number, replacedAt: number): boolean {
  for (const snapshot of snapshots) if (snapshot >= offset && snapshot < replacedAt) return true;
  return false;
}
