/**
 * A log that this process owns: its manifest, its segments, what of it is durable, and the steps
 * that change which records exist. Each step makes the new manifest durable before anything is
 * given up that the old one needs.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import type { DiskLock } from "../disk/disk.ts";
import { LOCK_IS_LOST, removeIfThere } from "../disk/files.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { addGap, type Gap, gapsFrom, outsideGaps, type Skip } from "./gaps.ts";
import { companionPaths } from "./companions.ts";
import { saveFilter } from "./filter_file.ts";
import { saveIndex } from "./index_file.ts";
import { cleanEnd, type Manifest, type SealedEntry, writeManifest } from "./manifest.ts";
import type { OpenFiles } from "./open_files.ts";
import type { ProducerTable } from "./producers.ts";
import type { LogPlace, ReadableSegment } from "./segment_file.ts";
import { type ActiveSegment, createActive, SealedSegment } from "./segments.ts";
import type { RewrittenSegment } from "./segment_rewriter.ts";
import { Tail } from "../base/tail.ts";
import type { LogView } from "./view.ts";

/** The state of a log that is open for writing. Only its {@linkcode LogWriter} calls what changes it. */
export class OwnedState implements LogView {
  readonly name: string;
  readonly place: LogPlace;
  readonly producers: ProducerTable;
  readonly #lock: DiskLock;
  readonly #files: OpenFiles;
  readonly #tail = new Tail();
  #manifest: Manifest;
  #sealed: readonly SealedSegment[];
  #active: ActiveSegment;
  #segments: readonly ReadableSegment[] = [];
  #durable: { bytes: number; offset: number };
  #failure: SeglogError | undefined;

  /** @param opened segments that agree with the manifest; all of the active one is durable */
  constructor(
    name: string,
    opened: {
      place: LogPlace;
      lock: DiskLock;
      files: OpenFiles;
      manifest: Manifest;
      active: ActiveSegment;
      producers: ProducerTable;
    },
  ) {
    this.name = name;
    this.place = opened.place;
    this.producers = opened.producers;
    this.#lock = opened.lock;
    this.#files = opened.files;
    this.#manifest = opened.manifest;
    this.#sealed = opened.manifest.sealed.map((entry) => this.#sealedSegment(entry));
    this.#active = opened.active;
    this.#durable = { bytes: opened.active.bytes, offset: opened.active.nextOffset };
    this.#listSegments();
  }

  get logStartOffset(): number {
    return this.#manifest.logStartOffset;
  }

  /** After a failed sync, only what is durable can still be read. */
  get nextOffset(): number {
    return this.#failure === undefined ? this.#active.nextOffset : this.#durable.offset;
  }

  get durableOffset(): number {
    return this.#durable.offset;
  }

  /** Bytes of the active segment that a returned sync covered. */
  get durableBytes(): number {
    return this.#durable.bytes;
  }

  get gaps(): readonly Gap[] {
    return this.#manifest.gaps;
  }

  get lost(): readonly Gap[] {
    return this.#manifest.lost;
  }

  /** Below it, compaction may have taken records that later ones replace. */
  get compactedTo(): number {
    return this.#manifest.compactedTo;
  }

  /** Below it, no key has two records. */
  get cleanTo(): number {
    return this.#manifest.cleanTo;
  }

  get sealed(): readonly SealedSegment[] {
    return this.#sealed;
  }

  get segments(): readonly ReadableSegment[] {
    return this.#segments;
  }

  get active(): ActiveSegment {
    return this.#active;
  }

  get epoch(): number {
    return this.#manifest.epoch;
  }

  /** Why nothing more can be appended, when that is so: `poisoned` or `closed`. */
  get failure(): SeglogError | undefined {
    return this.#failure;
  }

  /** Whether the disk can no longer be believed. */
  get isPoisoned(): boolean {
    return this.#failure?.code === "poisoned";
  }

  refresh(): void {}

  changed(signal?: AbortSignal): Promise<void> {
    return this.#tail.wait(signal);
  }

  checkOpen(): void {
    if (this.#failure?.code === "closed") throw this.#failure;
  }

  /** @throws {SeglogError} `closed` or `poisoned` */
  checkWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Whether its files may be touched, as far as can be told. */
  get isOwned(): boolean {
    return this.#failure?.code !== "poisoned" && this.#lock.isHeld();
  }

  /**
   * Makes sure that the log is still ours: asked before its files are touched, and after each wait.
   *
   * @throws {SeglogError} `closed`, or `poisoned`, also when it was not ours any more
   */
  checkOwned(): void {
    this.checkWritable();
    if (!this.#lock.isHeld()) throw this.poison(LOCK_IS_LOST, undefined);
  }

  /** Shows readers what is written, and wakes those who wait for it. */
  publish(): void {
    const before = this.#active.nextOffset;
    this.#active.publish();
    if (this.#active.nextOffset !== before) this.#tail.wake();
  }

  /** Notes that a returned sync of the active segment covered everything up to `end`. */
  markDurable(end: { bytes: number; nextOffset: number }): void {
    if (end.bytes <= this.#durable.bytes) return; // a later sync has returned before
    this.#durable = { bytes: end.bytes, offset: end.nextOffset };
  }

  /**
   * Gives the log up after a failure that leaves unknown what is on disk. Nothing more is
   * acknowledged; what is durable stays readable until the log is closed.
   */
  poison(why: string, cause: unknown): SeglogError {
    this.#failure ??= new SeglogError(
      "poisoned",
      `Cannot append to ${this.name}: ${why}. Nothing is acknowledged any more; ` +
        `offsets below ${this.#durable.offset} can be read. Close the log, look at the disk, and open it again`,
      { cause },
    );
    this.#tail.end(this.#failure);
    return this.#failure;
  }

  /**
   * Seals the active segment, which is synced and published, and starts a new one.
   *
   * A crash before the manifest is replaced leaves a new segment that no manifest lists and that
   * holds no records: opening puts it aside. After it, the new one is the active segment.
   *
   * @param skip offsets behind it without records: the new segment begins at their end. One that is
   * empty is given up then, and not sealed; where nothing is left that can be read, all are given up
   */
  async roll(nowMs: number, skip?: Skip): Promise<void> {
    const before = this.#active;
    const sealed = before.isEmpty ? [] : [before.seal()];
    const isAnew = skip !== undefined && this.#beginsBehind(skip);
    const baseOffset = skip?.end ?? before.written.nextOffset;
    if (!before.isEmpty) saveIndex(this.place, before);
    const active = await createActive(this.place, baseOffset, nowMs);
    try {
      await this.#replaceManifest({
        sealed: isAnew ? [] : [...this.#manifest.sealed, ...sealed],
        activeBaseOffset: baseOffset,
        producers: this.producers.snapshot(),
        ...skip === undefined ? {} : this.#without(skip),
      });
    } catch (error) {
      active.close();
      if (!this.isPoisoned) removeIfThere(this.place.disk, active.path);
      throw error;
    }
    this.#sealed = [...this.#sealed, ...sealed.map((entry) => this.#sealedSegment(entry))];
    this.#active = active;
    this.#durable = { bytes: SEGMENT_HEADER_BYTES, offset: baseOffset };
    this.#drop(() => isAnew);
    if (before.isEmpty) this.removeFiles([before]); // what stays goes at opening
    else before.close();
    if (skip !== undefined) this.#tail.wake();
  }

  /** Whether a log that holds nothing to be read begins behind offsets that are passed over. */
  #beginsBehind({ start, reason }: Skip): boolean {
    return reason === "removed" && this.#manifest.logStartOffset >= start;
  }

  /** What the manifest says of offsets without records. */
  #without(skip: Skip): Partial<Manifest> {
    const { start, end, reason } = skip;
    const { gaps, lost } = this.#manifest;
    if (this.#beginsBehind(skip)) {
      return { logStartOffset: end, gaps: gapsFrom(gaps, end), lost: gapsFrom(lost, end) };
    }
    if (reason === "lost") return { lost: addGap(lost, { start, end }) };
    return { gaps: addGap(gaps, { start, end }) };
  }

  /** Makes `offset`, which is durable, the first readable one, and drops segments wholly below it. */
  async truncateBefore(offset: number): Promise<void> {
    await this.#replaceManifest({
      logStartOffset: offset,
      sealed: this.#manifest.sealed.filter((entry) => entry.nextOffset > offset),
      gaps: gapsFrom(this.#manifest.gaps, offset),
      lost: gapsFrom(this.#manifest.lost, offset),
    });
    this.#drop((segment) => segment.nextOffset <= offset);
  }

  /** How often the last records were taken away: what they had replaced was the last again. */
  get truncations(): number {
    return this.#manifest.truncations;
  }

  /** Takes away the records of `[start, end)`; the active segment is empty and starts at `end`. */
  async removeRange(start: number, end: number): Promise<void> {
    const gaps = addGap(this.#manifest.gaps, { start, end });
    await this.#replaceManifest({
      sealed: this.#manifest.sealed.filter((entry) => entry.baseOffset < start),
      gaps,
      truncations: this.#manifest.truncations + 1,
      // What was lost there has been removed as well.
      lost: this.#manifest.lost.flatMap((range) => outsideGaps(range, gaps)),
    });
    this.#drop((segment) => segment.baseOffset >= start);
  }

  /**
   * Puts new segments in the place of others, which can be removed then. The new ones are whole, synced,
   * and under their names: a crash before the manifest is replaced leaves them listed nowhere, one after
   * it the old ones, and opening removes what is not listed.
   *
   * @param made with `end`, up to where compaction has looked for what replaces records of these
   * segments, and `truncations`, those that there had been when it began
   * @throws {SeglogError} `condition-failed` when they are not all there any more: a truncation came
   */
  async replaceSegments(
    old: readonly SealedSegment[],
    rewritten: readonly RewrittenSegment[],
    made: { readonly end: number; readonly truncations: number },
  ): Promise<void> {
    this.checkOwned();
    const { sealed, gaps, compactedTo } = this.#manifest;
    const at = this.#sealed.indexOf(old[0]!);
    const isThere = old.every((segment, i) => at >= 0 && this.#sealed[at + i] === segment);
    if (!isThere || made.truncations !== this.truncations) {
      throw new SeglogError(
        "condition-failed",
        `Cannot compact ${this.name}: records were truncated meanwhile; try again`,
      );
    }
    const entries = rewritten.map(({ entry }) => entry);
    const gone = { start: old[0]!.baseOffset, end: old.at(-1)!.nextOffset };
    await this.#replaceManifest({
      sealed: sealed.toSpliced(at, old.length, ...entries),
      gaps: entries.length > 0 ? gaps : gapsFrom(addGap(gaps, gone), this.logStartOffset),
      compactedTo: Math.max(compactedTo, made.end),
    });
    const segments = rewritten.map(({ entry }) => this.#sealedSegment(entry));
    this.#sealed = this.#sealed.toSpliced(at, old.length, ...segments);
    segments.forEach((segment, i) => {
      saveIndex(this.place, segment, rewritten[i]!.index);
      saveFilter(this.place, segment, rewritten[i]!.filter);
    });
    this.#listSegments();
  }

  /** Notes that below an offset records may be missing that later ones replace. */
  async noteCompacted(compactedTo: number): Promise<void> {
    if (compactedTo <= this.#manifest.compactedTo) return;
    this.checkOwned();
    await this.#replaceManifest({ compactedTo });
  }

  /** Notes that below an offset no key has two records. */
  async markCompacted(cleanTo: number): Promise<void> {
    this.checkOwned();
    await this.#replaceManifest({ cleanTo });
  }

  /** Says in the manifest that everything written is durable; opening then need not scan. */
  async markClean(): Promise<void> {
    saveIndex(this.place, this.#active);
    await this.#replaceManifest({
      clean: cleanEnd(this.#active.baseOffset, this.#active.written),
      producers: this.producers.snapshot(),
    });
  }

  /** Ends readers and followers, and closes all files. */
  close(): void {
    const closed = new SeglogError("closed", `Cannot use ${this.name}: the log is closed`);
    this.#tail.end(closed);
    this.#failure = closed;
    for (const segment of this.#segments) segment.close();
  }

  async #replaceManifest(changes: Partial<Manifest>): Promise<void> {
    const manifest = { ...this.#manifest, ...changes };
    try {
      await writeManifest(this.place.disk, this.place.folder, manifest, { lock: this.#lock });
    } catch (error) {
      this.checkOwned();
      if (!(error instanceof SeglogError) || error.code !== "outcome-unknown") throw error;
      throw this.poison("its manifest may or may not be the new one", error);
    }
    this.#manifest = manifest;
  }

  /** Removes sealed segments that the manifest no longer lists. What stays is removed at opening. */
  #drop(isDropped: (segment: SealedSegment) => boolean): void {
    const dropped = this.#sealed.filter(isDropped);
    this.#sealed = this.#sealed.filter((segment) => !isDropped(segment));
    this.#listSegments();
    this.removeFiles(dropped);
  }

  /** Removes the files of segments that the manifest does not list any more. */
  removeFiles(dropped: readonly ReadableSegment[]): void {
    for (const segment of dropped) segment.close();
    const { disk } = this.place;
    for (const segment of dropped) {
      removeIfThere(disk, segment.path);
      for (const path of companionPaths(this.place, segment)) removeIfThere(disk, path);
    }
  }

  #sealedSegment(entry: SealedEntry): SealedSegment {
    return new SealedSegment(this.place, entry, this.#files);
  }

  #listSegments(): void {
    this.#segments = [...this.#sealed, this.#active];
  }
}
