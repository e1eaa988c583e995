/**
 * Compaction: of each key the latest record stays, in sealed segments only.
 *
 * As the log cleaner of Kafka it goes through the part of the log that it has not been through, and notes
 * the last record of each key. Then it looks which segments hold records that those replace: of the ones
 * before, filters tell which have none of the keys, and these are not read. All segments that do are
 * written anew. Offsets stay what they were; readers pass over what is gone.
 *
 * ```text
 *   before   0 a=1   1 b=1   2 a=2 | 3 c=1   4 b=×   5 a=3 | 6 … active
 *   after                            3 c=1           5 a=3 | 6 … active    (the tombstone was old)
 * ```
 *
 * What an open snapshot sees stays. A tombstone goes when it is old and no snapshot is open before it:
 * all records that it hides go with it, or have gone.
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
import { recordMessages } from "../format/batch_records.ts";
import type { Codec } from "../format/compression.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { type CompactionLimits, planCompaction, type WeighedSegment } from "./compaction_plan.ts";
import { damagedPayload, damageError, presentOffsets } from "./damage.ts";
import { gapAt } from "./gaps.ts";
import type { OwnedState } from "./owned_state.ts";
import { SegmentRewriter } from "./segment_rewriter.ts";
import { SegmentWalk } from "./segment_walk.ts";
import type { SealedSegment } from "./segments.ts";
import { StayRule } from "./stay_rule.ts";

/** Keys that a filter is asked for before other tasks get their turn, and bytes that this counts as. */
const KEYS_PER_TURN = 16_384;
const BYTES_PER_KEY = 64;

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

/** What was left for later. */
export interface LeftForLater {
  /** Whether anything stays only because a snapshot sees it. */
  readonly isHeld: boolean;
  /** When the youngest tombstone was written that is not old yet: milliseconds since 1970; or -Infinity. */
  readonly youngestMs: number;
}

/** Compacts a log that this process owns. @throws {SeglogError} `corrupt`, `disk-full`, `closed`, … */
export async function compactLog(
  state: OwnedState,
  task: CompactionTask,
): Promise<{ readonly report: CompactionReport; readonly left: LeftForLater }> {
  let report: CompactionReport = { segments: 0, skipped: 0, records: 0, bytes: 0 };
  const limit = state.active.baseOffset;
  let left: LeftForLater = { isHeld: false, youngestMs: -Infinity };
  let unsettled = Infinity;
  for (let start = state.cleanTo;;) {
    const pass = new CompactionPass(state, task, { start, limit });
    const done = await pass.run();
    unsettled = Math.min(unsettled, pass.rule.unsettled);
    left = {
      isHeld: left.isHeld || pass.rule.isHeld,
      youngestMs: Math.max(left.youngestMs, pass.rule.youngestMs),
    };
    report = {
      segments: report.segments + done.segments,
      skipped: done.skipped,
      records: report.records + done.records,
      bytes: report.bytes + done.bytes,
    };
    if (done.isThorough) await settle(state, task, Math.min(pass.end, unsettled));
    if (pass.isLast) return { report, left };
    start = pass.end;
  }
}

/** Notes how far no key has two records. */
async function settle(state: OwnedState, task: CompactionTask, cleanTo: number): Promise<void> {
  if (cleanTo <= state.cleanTo) return;
  await task.exclusively(() => state.markCompacted(cleanTo));
}

/** One pass: through as many keys as there is memory for. */
class CompactionPass {
  readonly #state: OwnedState;
  readonly #task: CompactionTask;
  readonly #sealed: readonly SealedSegment[];
  readonly #start: number;
  readonly rule: StayRule;
  /** Truncations of the end that there had been when the pass began. */
  readonly #truncations: number;
  /** Where the part ends whose keys are known. */
  #end: number;

  /** @param range offsets that no pass has been through; segments from `limit` on came later */
  constructor(
    state: OwnedState,
    task: CompactionTask,
    range: { readonly start: number; readonly limit: number },
  ) {
    this.#state = state;
    this.#task = task;
    this.#sealed = state.sealed.filter(({ baseOffset }) => baseOffset < range.limit);
    const first = this.#sealed.find(({ nextOffset }) => nextOffset > range.start);
    this.#start = first?.baseOffset ?? range.limit;
    this.#end = this.#start;
    this.#truncations = state.truncations;
    const { held, tombstonesBeforeMs } = task;
    this.rule = new StayRule({ start: this.#start, held, tombstonesBeforeMs });
  }

  /** Where the next pass goes on. */
  get end(): number {
    return this.#end;
  }

  get isLast(): boolean {
    return this.#end >= (this.#sealed.at(-1)?.nextOffset ?? 0);
  }

  /** @returns with whether all garbage is gone, or there was too little of it for anything to be done */
  async run(): Promise<CompactionReport & { readonly isThorough: boolean }> {
    const weighed = await this.#weigh();
    const runs = planCompaction(weighed, this.#task);
    let records = 0;
    let bytes = 0;
    for (const run of runs) {
      const done = await this.#rewrite(run.map(({ segment }) => segment));
      records += done.records;
      bytes += done.bytes;
    }
    const segments = runs.reduce((sum, run) => sum + run.length, 0);
    const isThorough = runs.length > 0 || weighed.every(({ garbage }) => garbage === 0);
    return { segments, skipped: this.#sealed.length - segments, records, bytes, isThorough };
  }

  /** Finds the last record of each key, and how much garbage that makes where. */
  async #weigh(): Promise<WeighedSegment<SealedSegment>[]> {
    const sealed = this.#sealed;
    const rule = this.rule;
    const { keysBytes = COMPACTION_KEYS_BYTES } = this.#task;
    const garbage = sealed.map(() => 0);
    const count = (offset: number) => {
      garbage[lastIndexWhere(sealed.length, (i) => sealed[i]!.baseOffset <= offset)]!++;
    };
    for (const segment of sealed.filter(({ baseOffset }) => baseOffset >= this.#start)) {
      if (rule.keys > 0 && rule.bytes >= keysBytes) break;
      await this.#read(segment, (batch) => {
        for (const record of batch.records()) {
          const before = this.#isRemoved(record.offset) ? -1 : rule.note(record);
          if (before >= 0) count(before);
        }
      });
      this.#end = segment.nextOffset;
    }
    for (const offset of rule.oldTombstones()) count(offset);
    const clean = sealed.filter(({ baseOffset }) => baseOffset < this.#start);
    for (const [i, segment] of clean.entries()) garbage[i] = await this.#garbageIn(segment);
    return sealed.filter(({ baseOffset }) => baseOffset < this.#end).map((segment, i) => ({
      segment,
      entry: segment.entry,
      garbage: garbage[i]!,
      isCut: this.#isRemoved(segment.nextOffset - 1),
    }));
  }

  /** How many records of a segment that was compacted before are replaced now. */
  async #garbageIn(segment: SealedSegment): Promise<number> {
    if (await this.#holdsNone(segment)) return 0;
    let garbage = 0;
    await this.#read(segment, (batch) => {
      for (const record of batch.records()) {
        if (!this.#isRemoved(record.offset) && this.rule.isReplaced(record)) garbage++;
      }
    });
    return garbage;
  }

  /** Whether it is certain that a segment holds none of the keys. To ask has to cost less than to read. */
  async #holdsNone(segment: SealedSegment): Promise<boolean> {
    const { keys } = this.rule;
    if (keys === 0) return true;
    const filter = keys <= segment.records ? segment.loadFilter() : undefined;
    if (filter === undefined) return false;
    let asked = 0;
    for (const key of this.rule.names()) {
      if (filter.mayHold(key)) return false;
      if (++asked % KEYS_PER_TURN === 0) await this.#task.pace(KEYS_PER_TURN * BYTES_PER_KEY);
    }
    return true;
  }

  /** Writes a run of segments anew, and puts the new ones in their place. */
  async #rewrite(run: readonly SealedSegment[]): Promise<{ records: number; bytes: number }> {
    const { place } = this.#state;
    const { segmentBytes, codec, nowMs, pace, exclusively } = this.#task;
    const rewriter = new SegmentRewriter(place, {
      baseOffset: run[0]!.baseOffset,
      generation: 1 + Math.max(...run.map(({ generation }) => generation)),
      segmentBytes,
      codec,
      nowMs,
      checkOwned: () => this.#state.checkOwned(),
    });
    let isPlaced = false;
    try {
      let records = 0;
      let written = 0;
      for (const segment of run) {
        await this.#read(segment, async (batch) => {
          records += this.#copy(batch, rewriter);
          await rewriter.drain();
          await pace(rewriter.bytes - written);
          written = rewriter.bytes;
        });
      }
      const segments = await rewriter.finish(run.at(-1)!.nextOffset);
      await exclusively(async () => {
        const { end } = this;
        await this.#state.replaceSegments(run, segments, { end, truncations: this.#truncations });
        isPlaced = true;
        this.#state.removeFiles(run);
      });
      const before = run.reduce((sum, { bytes }) => sum + bytes, 0);
      return { records, bytes: before - segments.reduce((sum, { entry }) => sum + entry.bytes, 0) };
    } catch (error) {
      if (!isPlaced) rewriter.discard(this.#state.isOwned);
      throw error;
    }
  }

  /** Copies the records of a batch that stay. @returns how many do not */
  #copy(batch: BatchView, rewriter: SegmentRewriter): number {
    const rule = this.rule;
    rule.lookAtSnapshots();
    const messages = recordMessages(batch.payload());
    let removed = 0;
    let i = 0;
    for (const record of batch.records()) {
      const stays = !this.#isRemoved(record.offset) && rule.stays(record);
      if (stays) rewriter.add(record, messages[i]!, batch.header.epoch);
      else removed++;
      i++;
    }
    return removed;
  }

  /** Whether a truncation removed the record at an offset. */
  #isRemoved(offset: number): boolean {
    const { logStartOffset, gaps } = this.#state;
    return offset < logStartOffset || gapAt(gaps, offset) !== undefined;
  }

  /** Reads a segment batch by batch. @throws {SeglogError} `corrupt` when records are lost to damage */
  async #read(
    segment: SealedSegment,
    visit: (batch: BatchView) => void | Promise<void>,
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
      if (damage === undefined) {
        const batch = found as BatchView;
        await visit(batch);
        await this.#task.pace(batch.bytes.length);
        continue;
      }
      const { start, end } = presentOffsets(this.#state, damage);
      if (start < end) throw damageError(this.#state, segment.path, damage);
    }
  }
}
