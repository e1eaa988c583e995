/**
 * One topic of a store: its settings and the logs of its partitions, opened when first used.
 *
 * @module
 */
import { join } from "node:path";
import type {
  AppendResult,
  CompactionTotals,
  PartitionInfo,
  PartitionSegments,
  Reservation,
  TopicInfo,
} from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import type { DiskLock } from "../disk/disk.ts";
import { partitionFolderName } from "../format/file_names.ts";
import { type LogSettings, NO_RETENTION } from "../format/log_settings.ts";
import type { RecordInput } from "../format/record.ts";
import type { LogCaches } from "../log/caches.ts";
import type { AppendedRange } from "../log/append_queue.ts";
import type { CompactionReport } from "../log/compaction.ts";
import { Log } from "../log/log.ts";
import type { LogOptions } from "../log/options.ts";
import { hasRetention } from "../topic_config.ts";
import { checkPartition } from "../topic_errors.ts";
import { commonPartition, partitionOf } from "../partitioner.ts";
import { describeSegments } from "./describe_segments.ts";
import { HeldOffsets } from "./held_offsets.ts";

/** What all topics of a store share. */
export interface TopicContext {
  readonly folder: string;
  /** Whether another backend says which records go: retention does not. */
  readonly isReplica: boolean;
  /** The store's; none when it is open for reading. */
  readonly lock: DiskLock | undefined;
  readonly logOptions: Pick<LogOptions, "disk" | "clock" | "readOnly"> & {
    readonly caches: LogCaches;
  };
  /** Takes what is to be said, and whether it is a matter of concern. */
  readonly onNotice: (notice: string, level: "info" | "warn") => void;
}

/** A topic that is open. */
export class Topic {
  #info: TopicInfo;
  readonly #context: TopicContext;
  readonly #logs: (Promise<Log> | undefined)[];
  /** Those of them that are open. */
  readonly #open: Log[] = [];
  /** Logs that could not be opened for writing, open for reading. */
  readonly #readers: (Promise<Log> | undefined)[];
  readonly #held = new Map<number, HeldOffsets>();
  /** Partitions whose end is reserved, until when. */
  readonly #reserved = new Map<number, Promise<void>>();
  readonly #compacted = new Map<number, CompactionTotals>();
  #turn = 0;
  #isClosed = false;

  constructor(info: TopicInfo, context: TopicContext) {
    this.#info = info;
    this.#context = context;
    this.#logs = new Array(info.config.partitions);
    this.#readers = new Array(info.config.partitions);
  }

  get info(): TopicInfo {
    return this.#info;
  }

  /** The log of a partition. @throws {SeglogError} `not-found`, or what opening it finds */
  // deno-lint-ignore require-await -- what it throws itself comes as a rejection, too
  async log(partition = 0): Promise<Log> {
    if (this.#isClosed) {
      throw new SeglogError("closed", `Cannot use topic "${this.#info.name}": it is closed`);
    }
    checkPartition(this.#info.name, partition, this.#logs.length);
    this.#logs[partition] ??= this.#opening(partition);
    return this.#logs[partition];
  }

  /** The log of a partition to append to, when nobody has reserved its end. Throws as {@linkcode Topic.log}. */
  async appendable(partition: number): Promise<Log> {
    const log = await this.log(partition);
    for (let held; (held = this.#reserved.get(partition)) !== undefined;) await held;
    return log;
  }

  /** What is told of an append to a partition, as it is now. */
  appended(
    { partition, log }: { readonly partition: number; readonly log: Log },
    range: AppendedRange,
  ): AppendResult {
    const durable = log.durableOffset >= range.end;
    return { topic: this.#info.name, partition, ...range, durable };
  }

  /** Makes those wait who ask for {@linkcode Topic.appendable}, when nobody else does. */
  async reserve(partition: number): Promise<Reservation> {
    const log = await this.log(partition);
    for (let held; (held = this.#reserved.get(partition)) !== undefined;) await held;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reserved.set(partition, promise); // in the turn that saw it free
    return {
      appendBatch: async (batch, options) =>
        this.appended({ partition, log }, await log.appendBatch(batch, options)),
      release: () => {
        if (this.#reserved.get(partition) === promise) this.#reserved.delete(partition); // once only
        resolve();
      },
    };
  }

  /**
   * The log of a partition, to read it: damage that keeps writers out keeps nobody from reading what
   * is whole. Throws as {@linkcode Topic.log} for all else.
   */
  async readable(partition = 0): Promise<Log> {
    const known = this.#readers[partition];
    if (known !== undefined) return await known;
    try {
      return await this.log(partition);
    } catch (error) {
      if (!(error instanceof SeglogError) || error.code !== "corrupt") throw error;
      this.#readers[partition] ??= this.#openReader(partition, error);
      return await this.#readers[partition];
    }
  }

  /** The same at once, when it is open for writing: single reads are many. */
  openReadable(partition: number): Log | undefined {
    return this.#isClosed ? undefined : this.#open[partition];
  }

  /** Partitions whose log is open, or being opened. */
  get openPartitions(): number[] {
    return [...this.#logs.keys()].filter((partition) => this.#logs[partition] !== undefined);
  }

  /** Those of which segments may have to be rolled or dropped. */
  get maintained(): number[] {
    return hasRetention(this.#settings) ? [...this.#logs.keys()] : this.openPartitions;
  }

  /**
   * Where records go: by the hash of their key. Without a key, those of a producer by its id, since
   * a retry has to find the first try, and others to the partitions in turn.
   */
  choosePartition(records: Iterable<RecordInput>, producerId?: string): number {
    const partitions = this.#logs.length;
    const byKey = commonPartition(records, partitions);
    if (byKey !== undefined) return byKey;
    return producerId === undefined
      ? this.#turn++ % partitions
      : partitionOf(producerId, partitions);
  }

  /** What snapshots read at in a partition, which compaction keeps. */
  held(partition: number): HeldOffsets {
    let held = this.#held.get(partition);
    if (held === undefined) this.#held.set(partition, held = new HeldOffsets());
    return held;
  }

  /** Takes settings that another process made. */
  adopt(info: TopicInfo): void {
    this.#info = info;
  }

  /** Counts what a compaction removed. With another codec, segments may even take more then. */
  countCompaction(partition: number, { segments, records, bytes }: CompactionReport): void {
    if (segments === 0) return;
    const before = this.#compactedOf(partition);
    this.#compacted.set(partition, {
      runs: before.runs + 1,
      records: before.records + records,
      bytes: before.bytes + Math.max(0, bytes),
    });
  }

  /** All partitions, measured. */
  async measure(): Promise<PartitionInfo[]> {
    const partitions: PartitionInfo[] = [];
    for (let partition = 0; partition < this.#logs.length; partition++) {
      const log = await this.readable(partition);
      const { segments } = log;
      const { tornBytes, quarantinePath } = log.recovery;
      partitions.push({
        partition,
        logStartOffset: log.logStartOffset,
        durableOffset: log.durableOffset,
        nextOffset: log.nextOffset,
        records: log.recordCount,
        bytes: log.bytes,
        segments: segments.length,
        compactedTo: log.compactedTo,
        truncations: log.truncations,
        ...this.#context.logOptions.readOnly ? {} : { compacted: this.#compactedOf(partition) },
        ...quarantinePath === undefined
          ? {}
          : { recovered: { bytes: tornBytes, path: quarantinePath } },
        oldestSegment: segments[0]!.baseOffset,
        activeSegment: segments.at(-1)!.baseOffset,
      });
    }
    return partitions;
  }

  #compactedOf(partition: number): CompactionTotals {
    return this.#compacted.get(partition) ?? { runs: 0, records: 0, bytes: 0 };
  }

  /** The segments of all partitions. */
  async segments(): Promise<PartitionSegments[]> {
    const partitions: PartitionSegments[] = [];
    for (let partition = 0; partition < this.#logs.length; partition++) {
      const segments = await describeSegments(await this.readable(partition));
      partitions.push({ partition, segments });
    }
    return partitions;
  }

  /** Takes new settings, for logs that are open and for those opened later. */
  async configure(info: TopicInfo): Promise<void> {
    this.#info = info;
    for (const opening of this.#logs) (await opening)?.configure(this.#settings);
  }

  /** The settings of its logs. */
  get #settings(): LogSettings {
    const { partitions: _, ...settings } = this.#info.config;
    return this.#context.isReplica ? { ...settings, ...NO_RETENTION } : settings;
  }

  /** Closes the logs that are open. @throws what closing one of them threw, when all are closed */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = [...this.#logs, ...this.#readers].map(async (opening) => {
      const log = await opening?.catch(() => undefined); // its opener was told
      await log?.close();
    });
    for (const result of await Promise.allSettled(closing)) {
      if (result.status === "rejected") throw result.reason;
    }
  }

  #opening(partition: number): Promise<Log> {
    const opening = this.#openLog(partition);
    opening.then((log) => this.#open[partition] = log, (error) => {
      this.#logs[partition] = undefined; // what is wrong may be put right before the next try
      if (!(error instanceof SeglogError) || error.code !== "corrupt") return;
      this.#context.logOptions.caches.observers.tell((observer) => observer.damaged?.());
    });
    return opening;
  }

  /** @param cause why the log could not be opened for writing: thrown when it cannot be read, too */
  async #openReader(partition: number, cause: SeglogError): Promise<Log> {
    try {
      const { disk, clock, caches } = this.#context.logOptions;
      return await Log.openLocked(this.#folderOf(partition), {
        disk,
        clock,
        caches,
        name: this.#nameOf(partition),
      });
    } catch {
      this.#readers[partition] = undefined;
      throw cause;
    }
  }

  /** Once the log is open for writing again, that is where it is read. */
  #forgetReader(partition: number): void {
    const reader = this.#readers[partition];
    this.#readers[partition] = undefined;
    reader?.then((log) => log.close()).catch(() => {});
  }

  #folderOf(partition: number): string {
    return join(this.#context.folder, partitionFolderName(this.#info.name, partition));
  }

  #nameOf(partition: number): string {
    const { name, config } = this.#info;
    return config.partitions === 1 ? `"${name}"` : `"${name}" partition ${partition}`;
  }

  async #openLog(partition: number): Promise<Log> {
    const { name } = this.#info;
    const log = await Log.openLocked(this.#folderOf(partition), {
      ...this.#settings,
      ...this.#context.logOptions,
      lock: this.#context.lock,
      create: false,
      name: this.#nameOf(partition),
    });
    this.#forgetReader(partition);
    const { tornBytes, quarantinePath } = log.recovery;
    if (tornBytes > 0) {
      const { onNotice, logOptions: { caches } } = this.#context;
      caches.observers.tell((observer) => observer.tornTail?.(tornBytes));
      onNotice(
        `recovered "${name}" partition ${partition}: cut ${tornBytes} bytes at its end that are no whole append; they are kept in ${quarantinePath}`,
        "warn",
      );
    }
    return log;
  }
}
