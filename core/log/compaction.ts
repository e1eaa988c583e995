/**
 * Compaction: of each key the latest record stays, in sealed segments only.
 *
 * As the log cleaner of Kafka it works in two passes. The first goes through the part of the log that
 * no pass has been through, and notes the last record of each key. The second writes the segments anew
 * that hold records which those replace: of the part before, filters tell which segments have none of
 * the keys, and they are not read. Offsets stay what they were; readers pass over what is gone.
 *
 * ```text
 *   before   0 a=1   1 b=1   2 a=2 | 3 c=1   4 b=×   5 a=3 | 6 … active
 *   after                            3 c=1           5 a=3 | 6 … active    (the tombstone was old)
 * ```
 *
 * What an open snapshot sees stays: a record at `o` that one at `p` replaces is needed by a snapshot
 * at `r` when `o <= r < p`. A tombstone goes when it is old, no snapshot is open before it, and no older
 * record of its key is left that it hides.
 *
 * The new segments are whole and synced, under their names, before the manifest lists them instead of
 * the old ones, which go last. So a crash at any step leaves one or the other, and what no manifest
 * lists is removed when the log is opened.
 *
 * @module
 */
import { lastIndexWhere } from "../base/binary_search.ts";
import { COMPACTION_KEYS_BYTES } from "../base/limits.ts";
import { BatchView } from "../format/batch.ts";
import type { Codec } from "../format/compression.ts";
import type { LogRecord } from "../format/record.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { type CompactionLimits, planCompaction, type WeighedSegment } from "./compaction_plan.ts";
import { damagedPayload, damageError } from "./damage.ts";
import { gapAt } from "./gaps.ts";
import { isCompacted, LatestOffsets } from "./latest_offsets.ts";
import type { OwnedState } from "./owned_state.ts";
import { SegmentRewriter } from "./segment_rewriter.ts";
import { SegmentWalk } from "./segment_walk.ts";
import type { SealedSegment } from "./segments.ts";

/** Other keys that a filter lets through, at most: they are no garbage. */
const FALSE_POSITIVES = 0.01;

/** How one compaction is done. */
export interface CompactionTask extends CompactionLimits {
  /** Tombstones that were written before may go: milliseconds since 1970. */
  readonly tombstonesBeforeMs: number;
  readonly codec: Codec;
  readonly nowMs: number;
  /** The offsets of open snapshots, as they are at the moment. */
  readonly held: () => readonly number[];
  /** Is told of bytes that were read or written, and resolves when it may go on. */
  readonly pace: (bytes: number) => Promise<void>;
  /** Runs what changes the log, when nothing else does. */
  readonly exclusively: (change: () => Promise<void>) => Promise<void>;
  /** Memory for keys; a few hundred MiB unless given. */
  readonly keysBytes?: number | undefined;
}

/** What a compaction did. */
export interface CompactionReport {
  /** Segments that were written anew or removed. */
  readonly segments: number;
  /** Sealed segments that were left as they are, those that were not read included. */
  readonly skipped: number;
  /** Records that were removed. */
  readonly records: number;
  /** Bytes that the log takes less. */
  readonly bytes: number;
}

/** Compacts a log that this process owns. @throws {SeglogError} `corrupt`, `disk-full`, `closed`, … */
export async function compactLog(
  state: OwnedState,
  task: CompactionTask,
): Promise<CompactionReport> {
  let report: CompactionReport = { segments: 0, skipped: 0, records: 0, bytes: 0 };
  const limit = state.active.baseOffset;
  let unsettled = Infinity;
  for (let start = state.cleanTo;;) {
    const pass = new CompactionPass(state, task, { start, limit, unsettled });
    const { end, ...done } = await pass.run();
    unsettled = pass.unsettled;
    report = {
      segments: report.segments + done.segments,
      skipped: done.skipped,
      records: report.records + done.records,
      bytes: report.bytes + done.bytes,
    };
    if (end === undefined) return report;
    start = end;
  }
}

/** One pass: through as many keys as there is memory for. */
class CompactionPass {
  readonly #state: OwnedState;
  readonly #task: CompactionTask;
  readonly #sealed: readonly SealedSegment[];
  /** The start of the first segment that no pass has been through: below it, no key has two records. */
  readonly #start: number;
  readonly #latest = new LatestOffsets();
  /** Where the part ends whose keys are known. */
  #end = 0;
  /** The first record that stays only for now: the next compaction has to look at it again. */
  #unsettled: number;
  /** The offsets of snapshots that were open when the pass began, and of those opened since. */
  readonly #heldFirst: readonly number[];
  #heldSince: readonly number[] = [];
  /** Records that are replaced, and that the first of these see. */
  readonly #seen = new Set<number>();
  #segments = 0;
  #records = 0;
  #bytes = 0;

  constructor(
    state: OwnedState,
    task: CompactionTask,
    range: { readonly start: number; readonly limit: number; readonly unsettled: number },
  ) {
    this.#unsettled = range.unsettled;
    this.#state = state;
    this.#task = task;
    this.#heldFirst = task.held();
    this.#sealed = state.sealed.filter(({ baseOffset }) => baseOffset < range.limit);
    const first = this.#sealed.find(({ nextOffset }) => nextOffset > range.start);
    this.#start = first?.baseOffset ?? range.limit;
  }

  /** The first record that stays only for now, of this pass and those before. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** @returns with where the next pass goes on; `undefined` after the last */
  async run(): Promise<CompactionReport & { end: number | undefined }> {
    const sealed = this.#sealed;
    const weighed = await this.#weigh();
    const runs = planCompaction(weighed, this.#task);
    const isChosen = new Set(runs.flatMap((run) => run.map(({ entry }) => entry.baseOffset)));
    const kept = sealed.filter(({ baseOffset }) => !isChosen.has(baseOffset));
    if (runs.length > 0 || this.#task.garbageRatio === 0) {
      for (const run of runs) {
        const bases = new Set(run.map(({ entry }) => entry.baseOffset));
        const below = kept.filter(({ nextOffset }) => nextOffset <= this.#start);
        await this.#rewrite(sealed.filter(({ baseOffset }) => bases.has(baseOffset)), below);
      }
      await this.#settle();
    }
    const isLast = this.#end >= (sealed.at(-1)?.nextOffset ?? 0);
    return {
      segments: this.#segments,
      skipped: kept.length,
      records: this.#records,
      bytes: this.#bytes,
      end: isLast ? undefined : this.#end,
    };
  }

  /** Finds the last record of each key, and how much garbage that makes where. */
  async #weigh(): Promise<WeighedSegment[]> {
    const sealed = this.#sealed;
    const { keysBytes = COMPACTION_KEYS_BYTES } = this.#task;
    const garbage = sealed.map(() => 0);
    const count = (offset: number) => {
      garbage[lastIndexWhere(sealed.length, (i) => sealed[i]!.baseOffset <= offset)]!++;
    };
    this.#end = this.#start;
    for (const segment of sealed.filter(({ baseOffset }) => baseOffset >= this.#start)) {
      if (this.#latest.keys > 0 && this.#latest.bytes >= keysBytes) break;
      await this.#read(segment, ({ key, offset, value, timestamp }) => {
        if (!isCompacted(key) || this.#isRemoved(offset)) return;
        const deletedMs = value === null ? timestamp : undefined;
        const before = this.#latest.note(key, { offset, deletedMs });
        if (before < 0) return;
        if (!isSeen(this.#heldFirst, before, offset)) return count(before);
        this.#seen.add(before);
        this.#unsettled = Math.min(this.#unsettled, before);
      });
      this.#end = segment.nextOffset;
    }
    for (const { offset, deletedMs } of this.#latest.tombstones()) {
      if (deletedMs < this.#task.tombstonesBeforeMs) count(offset);
      else this.#unsettled = Math.min(this.#unsettled, offset);
    }
    const clean = sealed.filter(({ baseOffset }) => baseOffset < this.#start);
    for (const [i, segment] of clean.entries()) garbage[i] = await this.#weighClean(segment);
    return sealed.filter(({ baseOffset }) => baseOffset < this.#end).map((segment, i) => ({
      entry: segment.entry,
      garbage: garbage[i]!,
      isCut: this.#isRemoved(segment.nextOffset - 1),
    }));
  }

  /** How many records of a segment that was compacted before are replaced now, about. */
  async #weighClean(segment: SealedSegment): Promise<number> {
    const { keys } = this.#latest;
    if (keys === 0) return 0;
    const ask = keys <= segment.records ? segment.countHeld(this.#latest.names()) : undefined;
    if (ask !== undefined) {
      const isThorough = this.#task.garbageRatio === 0;
      return isThorough ? ask : Math.max(0, ask - Math.ceil(FALSE_POSITIVES * keys));
    }
    let garbage = 0;
    await this.#read(segment, ({ key, offset }) => {
      if (isCompacted(key) && this.#latest.of(key) > offset) garbage++;
    });
    return garbage;
  }

  /**
   * Writes a run of segments anew, and puts the new ones in their place.
   *
   * @param below segments of before that stay, and may hold what a tombstone hides
   */
  async #rewrite(run: readonly SealedSegment[], below: readonly SealedSegment[]): Promise<void> {
    const { place } = this.#state;
    const { segmentBytes, codec, nowMs, pace, exclusively } = this.#task;
    const { baseOffset } = run[0]!;
    const { nextOffset } = run.at(-1)!;
    const generation = 1 + Math.max(...run.map(({ generation }) => generation));
    const rewriter = new SegmentRewriter(place, {
      baseOffset,
      generation,
      segmentBytes,
      codec,
      nowMs,
    });
    let isPlaced = false;
    try {
      let records = 0;
      let written = 0;
      for (const segment of run) {
        await this.#read(segment, (record, epoch) => {
          if (this.#stays(record, below)) rewriter.add(record, epoch);
          else records++;
        }, async () => {
          await rewriter.drain();
          await pace(rewriter.bytes - written);
          written = rewriter.bytes;
        });
      }
      if (records === 0 && run.length === 1) return rewriter.discard(); // what was garbage is held
      const segments = await rewriter.finish(nextOffset);
      const before = run.reduce((sum, { bytes }) => sum + bytes, 0);
      await exclusively(async () => {
        await this.#state.replaceSegments(run, segments, this.#end);
        isPlaced = true;
        this.#state.removeFiles(run);
      });
      this.#segments += run.length;
      this.#records += records;
      this.#bytes += before - segments.reduce((sum, { entry }) => sum + entry.bytes, 0);
    } catch (error) {
      if (!isPlaced && this.#state.failure === undefined) rewriter.discard();
      throw error;
    }
  }

  /** Whether a record is needed, or may be. */
  #stays({ key, offset, value, timestamp }: LogRecord, below: readonly SealedSegment[]): boolean {
    if (this.#isRemoved(offset)) return false;
    if (!isCompacted(key)) return true;
    const latest = this.#latest.of(key);
    if (latest <= offset && value !== null) return true;
    const isNeeded = latest > offset
      ? this.#isSeen(key, offset) || isSeen(this.#heldSince, offset, latest)
      : latest < 0 || timestamp >= this.#task.tombstonesBeforeMs ||
        isSeen([...this.#heldFirst, ...this.#heldSince], 0, offset) ||
        below.some((segment) => segment.mayHold(key));
    if (isNeeded) this.#unsettled = Math.min(this.#unsettled, offset);
    return isNeeded;
  }

  /** Whether a snapshot that was open when the pass began sees a record that is replaced. */
  #isSeen(key: Uint8Array, offset: number): boolean {
    if (offset >= this.#start) return this.#seen.has(offset);
    return isSeen(this.#heldFirst, offset, this.#latest.firstOf(key));
  }

  /** Notes how far no key has two records. */
  async #settle(): Promise<void> {
    const cleanTo = Math.min(this.#end, this.#unsettled);
    if (cleanTo <= this.#state.cleanTo) return;
    await this.#task.exclusively(() => this.#state.markCompacted(cleanTo));
  }

  /** Whether a truncation removed the record at an offset. */
  #isRemoved(offset: number): boolean {
    const { logStartOffset, gaps } = this.#state;
    return offset < logStartOffset || gapAt(gaps, offset) !== undefined;
  }

  /** Reads the records of a segment, a batch at a time. @throws {SeglogError} `corrupt` */
  async #read(
    segment: SealedSegment,
    visit: (record: LogRecord, epoch: number) => void,
    afterBatch?: () => Promise<void>,
  ): Promise<void> {
    const start = { position: SEGMENT_HEADER_BYTES, offset: segment.baseOffset };
    const walk = new SegmentWalk(segment.source(), segment, start);
    for (;;) {
      this.#state.checkOpen();
      const found = walk.next();
      if (found === undefined) return;
      const damage = !(found instanceof BatchView)
        ? found
        : found.isIntact()
        ? undefined
        : damagedPayload(found, walk.position - found.bytes.length);
      if (damage !== undefined) throw damageError(this.#state, segment.path, damage);
      const batch = found as BatchView;
      this.#heldSince = this.#task.held().filter((offset) => !this.#heldFirst.includes(offset));
      for (const record of batch.records()) visit(record, batch.header.epoch);
      await afterBatch?.();
      await this.#task.pace(batch.bytes.length);
    }
  }
}

/** Whether one of the snapshots sees a record that another replaces, or one that a tombstone hides. */
function isSeen(snapshots: readonly number[], offset: number, replacedAt: number): boolean {
  return snapshots.some((snapshot) => snapshot >= offset && snapshot < replacedAt);
}
