/**
 * A log: records in order, appended at one end.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { systemClock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import { absent, checkOffset } from "../base/offset_errors.ts";
import { endOfTurn } from "../base/turn.ts";
import type { DiskLock } from "../disk/disk.ts";
import { makeFolderDurably } from "../disk/files.ts";
import { MemoryDisk } from "../disk/memory_disk.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import type { BatchView } from "../format/batch.ts";
import { MANIFEST_FILE } from "../format/file_names.ts";
import { recordsOf } from "../format/records_of.ts";
import type { LogSettings } from "../format/log_settings.ts";
import type { LogRecord, RecordInput } from "../format/record.ts";
import type { CompactionReport } from "./compaction.ts";
import type { CompactOptions } from "./compactor.ts";
import type { AppendedRange } from "./append_queue.ts";
import { LogCaches } from "./caches.ts";
import { countRecords } from "./count_records.ts";
import { gapAt } from "./gaps.ts";
import { Cursor } from "./cursor.ts";
import { type LogBounds, LogMirror } from "./log_mirror.ts";
import { LogWriter } from "./log_writer.ts";
import { noLog } from "./no_log.ts";
import { lockLog, openOwnedLog } from "./open_log.ts";
import { type LogOptions, settingsOf, type WriteOptions } from "./options.ts";
import { OutsideView } from "./outside_view.ts";
import type { OwnedState } from "./owned_state.ts";
import type { RecoveryReport } from "./recovery.ts";
import { PointReader } from "./point_reader.ts";
import { type LogReadOptions, readBatches } from "./read_batches.ts";
import { offsetAtTime } from "./time_lookup.ts";
import { type TruncatedRange, truncateLog } from "./truncation.ts";
import type { SegmentFacts } from "./segment_file.ts";
import type { LogView } from "./view.ts";

/** Single records that are read before other tasks get their turn. */
const READS_PER_TURN = 1000;
/** Read at once for a single record: an index interval and some of the next. */
const POINT_READ_BYTES = 8 * 1024;

/**
 * A segmented, append-only log.
 *
 * What `append` has acknowledged survives a kill of the process and, with the default
 * `sync: "always"`, a loss of power. Offsets are dense and never used again. A batch is stored whole
 * or not at all, and every record that is returned has passed its checksum: on that read, or, for a
 * single one, on the read that brought it into a bounded cache.
 *
 * @example
 * ```ts
 * import { Log } from "seglog";
 *
 * await using log = await Log.memory(); // or Log.open("./data/orders")
 * const offset = await log.append({ key: "u1", value: "hello" });
 * const record = await log.read(offset);
 * console.assert(record.text === "hello");
 * ```
 */
export class Log implements AsyncDisposable {
  /** What opening had to repair; nothing when the log was closed well. */
  readonly recovery: RecoveryReport;
  readonly #view: OwnedState | OutsideView;
  readonly #points: PointReader;
  readonly #writer: LogWriter | undefined;
  readonly #lock: DiskLock | undefined;
  #settings: LogSettings;
  #closing: Promise<void> | undefined;

  private constructor(
    parts: {
      view: OwnedState | OutsideView;
      caches: LogCaches;
      writer?: LogWriter;
      lock?: DiskLock;
      recovery: RecoveryReport;
    },
    settings: LogSettings,
  ) {
    this.#view = parts.view;
    this.#points = new PointReader(parts.view, parts.caches.blocks);
    this.#writer = parts.writer;
    this.#lock = parts.lock;
    this.recovery = parts.recovery;
    this.#settings = settings;
  }

  /**
   * Opens the log in a folder, making it when there is none.
   *
   * @param folder one log's folder: by itself, or one partition of a store
   * @throws {SeglogError} `locked` when another process owns it; `corrupt` when acknowledged data is
   * damaged, with nothing changed; `unsupported` for a later format; `invalid-argument`
   */
  static async open(folder: string, options: LogOptions = {}): Promise<Log> {
    const disk = options.disk ?? nodeDisk;
    const path = resolve(folder);
    if (options.readOnly) return Log.openLocked(path, options);
    if (options.create === false && disk.sizeOf(join(path, MANIFEST_FILE)) === undefined) {
      throw noLog(disk, path); // before a lock is left in a folder that is not ours
    }
    if (disk.list(path) === undefined) await makeFolderDurably(disk, path);
    const lock = lockLog(disk, path);
    try {
      return await Log.openLocked(path, { ...options, lock, releasesLock: true });
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Opens a log whose lock the caller holds, as a store does for all of its logs.
   *
   * @param options with the `lock`, and whether the log shall release it when it is closed; without
   * a lock, the log is opened for reading. With the caches that it shares, or it has its own
   */
  static async openLocked(
    folder: string,
    options: LogOptions & {
      readonly lock?: DiskLock;
      readonly releasesLock?: boolean;
      readonly caches?: LogCaches;
    },
  ): Promise<Log> {
    const { disk = nodeDisk, clock = systemClock, create = true, name = folder, lock } = options;
    const { caches = new LogCaches() } = options;
    const settings = settingsOf(options);
    if (lock === undefined) {
      const view = new OutsideView(name, folder, { disk, files: caches.files });
      const recovery = { tornBytes: 0, quarantinePath: undefined };
      return new Log({ view, caches, recovery }, settings);
    }
    const opening = { disk, lock, ...caches, name, nowMs: clock.now(), create };
    const { state, report } = await openOwnedLog(folder, opening);
    const writer = new LogWriter(state, settings, clock);
    const parts = { view: state, caches, writer, recovery: report };
    return new Log(options.releasesLock ? { ...parts, lock } : parts, settings);
  }

  /** A log in memory, gone when the process ends. Otherwise it is like any other. */
  static memory(options: Omit<LogOptions, "disk" | "readOnly"> = {}): Promise<Log> {
    return Log.open("/memory", { name: "the log in memory", ...options, disk: new MemoryDisk() });
  }

  /** First offset that can be read. */
  get logStartOffset(): number {
    return this.#fresh().logStartOffset;
  }

  /** Everything below survives a loss of power. */
  get durableOffset(): number {
    return Math.min(this.#fresh().durableOffset, this.#view.nextOffset);
  }

  /** The offset that the next record gets, when nothing else is on its way. */
  get nextOffset(): number {
    return this.#fresh().nextOffset;
  }

  /** Where it starts and ends. */
  get bounds(): LogBounds {
    const { logStartOffset, durableOffset, nextOffset } = this;
    return { logStartOffset, durableOffset, nextOffset };
  }

  /** Records that can be read: fewer than there are offsets, once some were removed or lost. */
  get recordCount(): number {
    return countRecords(this.#fresh());
  }

  /** Below it, records may be gone that later ones with the same key replaced. */
  get compactedTo(): number {
    return this.#fresh().compactedTo;
  }

  /** How often `truncate({ after })` took records away. */
  get truncations(): number {
    return this.#fresh().truncations;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#fresh().segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Number of segments. */
  get segmentCount(): number {
    return this.#fresh().segments.length;
  }

  /** The segments as they are now, the active one last. */
  get segments(): readonly SegmentFacts[] {
    return this.#fresh().segments;
  }

  /** The settings that hold now. */
  get settings(): LogSettings {
    return this.#settings;
  }

  /**
   * Appends one record.
   *
   * @returns its offset, when it is acknowledged as the sync mode says
   * @throws {SeglogError} rejected, it will never appear: `condition-failed`, `invalid-record`,
   * `too-large`, `overloaded`, `disk-full`, `poisoned`, `closed`; unknown, it appears whole or not at
   * all: `outcome-unknown`
   */
  async append(record: RecordInput, options: WriteOptions = {}): Promise<number> {
    return (await this.#writable().append([record], options)).start;
  }

  /**
   * Appends records as one atomic batch.
   *
   * @param records at least one, 32 MiB together at most
   * @returns their offsets `[start, end)`; throws as {@linkcode Log.append}
   */
  async appendAll(
    records: readonly RecordInput[],
    options: WriteOptions = {},
  ): Promise<AppendedRange> {
    return await this.#writable().append(records, options);
  }

  /** Appends a batch that is encoded already. Its base offset is not looked at. */
  async appendBatch(batch: BatchView, options: WriteOptions = {}): Promise<AppendedRange> {
    return await this.#writable().appendBatch(batch, options);
  }

  /**
   * The record at one offset.
   *
   * @throws {SeglogError} `offset-out-of-range`; `not-found` where a truncation removed it; `lost`
   * where a repair gave it up; `corrupt`
   */
  // deno-lint-ignore require-await -- asynchronous for its callers, whatever the disk is
  async read(offset: number): Promise<LogRecord> {
    return this.#readOne(this.#fresh(), offset);
  }

  /** The records at some offsets, in that order. Throws as {@linkcode Log.read} for one that is not there. */
  async readAll(offsets: readonly number[]): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    for (let start = 0; start < offsets.length; start += READS_PER_TURN) {
      if (start > 0) await endOfTurn();
      const view = this.#fresh();
      for (const offset of offsets.slice(start, start + READS_PER_TURN)) {
        records.push(this.#readOne(view, offset));
      }
    }
    return records;
  }

  #readOne(view: LogView, offset: number): LogRecord {
    checkOffset(view.name, offset, view);
    const isThere = gapAt(view.gaps, offset) === undefined &&
      gapAt(view.lost, offset) === undefined;
    const known = isThere ? this.#points.find(offset) : undefined;
    if (known !== undefined) return known;
    const batch = new Cursor(view, offset, { blockBytes: POINT_READ_BYTES }).next(offset + 1);
    if (batch !== undefined) {
      for (const record of recordsOf(batch, { from: offset, until: offset + 1 })) return record;
    }
    throw absent(view.name, offset);
  }

  /**
   * Records one by one. With `follow`, waits at the end for more.
   *
   * @throws {SeglogError} `offset-out-of-range`, also when a truncation overtakes the reader;
   * `corrupt`, naming the offsets; `lost` at offsets that a repair gave up, with `start` and `end`
   * of them in its details; `closed` when the log is closed meanwhile
   *
   * @example
   * ```ts
   * import { Log } from "seglog";
   *
   * await using log = await Log.memory();
   * await log.appendAll([{ value: "a" }, { value: "b" }]);
   * const texts: string[] = [];
   * for await (const record of log.records({ reverse: true })) texts.push(record.text);
   * console.assert(texts.join() === "b,a");
   * ```
   */
  async *records(options: LogReadOptions = {}): AsyncGenerator<LogRecord, void, undefined> {
    const { from = 0, until = Infinity, reverse = false, key } = options;
    for await (const batch of this.batches(options)) {
      yield* recordsOf(batch, { from, until, reverse, key });
    }
  }

  /** The batches that overlap the range, whole; each has passed its checksums. */
  batches(options: LogReadOptions = {}): AsyncGenerator<BatchView, void, undefined> {
    return readBatches(() => this.#fresh(), options);
  }

  /** The first offset whose record is as young as `timestampMs`; the end when none is. */
  offsetAt(timestampMs: number): number {
    return offsetAtTime(this.#fresh(), timestampMs);
  }

  /**
   * Removes records from one end. `{ before: n }` makes `n` the first readable offset at once, and
   * deletes segments wholly below it. `{ after: n }` makes `n` the last record; the next one still
   * gets the offset that it would have got before. Both are durable when the promise resolves.
   *
   * @throws {SeglogError} `offset-out-of-range`
   */
  async truncate(range: TruncatedRange): Promise<void> {
    await truncateLog(this.#writable(), this.#view, range);
  }

  /** Resolves when everything appended so far survives a loss of power. */
  async flush(): Promise<void> {
    await this.#writable().flush();
  }

  /** Its side that takes in what another log has, offsets and all. @throws {SeglogError} `read-only` */
  mirror(): LogMirror {
    return new LogMirror(this.#writable(), () => this.bounds);
  }

  /** Rolls a segment that is old enough, and drops what retention no longer keeps. */
  async maintain(): Promise<void> {
    await this.#writable().maintain();
  }

  /**
   * Seals what was appended so far, and removes each record that a later one with the same key replaces.
   * Offsets stay what they are: those of what was removed hold nothing. Records without a key, or with
   * one of more than 1 KiB, stay. A tombstone stays for `tombstoneMs`, and as long as it hides anything.
   * Reading, following and appending go on meanwhile.
   *
   * @returns what it did
   * @throws {SeglogError} `corrupt` when a segment cannot be read: it stays as it is; `disk-full`;
   * `condition-failed` when records were truncated meanwhile; `closed`
   */
  async compact(options: CompactOptions = {}): Promise<CompactionReport> {
    const writer = this.#writable();
    await writer.roll();
    return await writer.compactor.compact(options);
  }

  /** The same where settings say so and there may be garbage enough; `undefined` when nothing is due. */
  async compactIfDue(options: CompactOptions = {}): Promise<CompactionReport | undefined> {
    return await this.#writable().compactor.compactIfDue(options);
  }

  /** Changes settings from now on. @throws {SeglogError} `invalid-argument` */
  configure(changes: Partial<LogSettings>): void {
    this.#settings = settingsOf({ ...this.#settings, ...changes });
    this.#writable().configure(this.#settings);
  }

  /** Finishes appends under way, ends followers with `closed`, and gives the log to the next owner. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes the log at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    try {
      if (this.#writer !== undefined) await this.#writer.close();
      else this.#view.close();
    } finally {
      this.#lock?.release();
    }
  }

  #fresh(): LogView {
    this.#view.checkOpen();
    this.#view.refresh();
    return this.#view;
  }

  #writable(): LogWriter {
    if (this.#writer !== undefined) return this.#writer;
    throw new SeglogError(
      "read-only",
      `Cannot change ${this.#view.name}: it was opened for reading`,
    );
  }
}
