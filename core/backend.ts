/**
 * The contract that everything above is written against: topics that can be appended to, read,
 * followed and truncated. A store on disk is one implementation, one in memory is another, a
 * server reached over HTTP a third.
 *
 * @module
 */
import type { Observer } from "./base/observer.ts";
import type { Following } from "./following_contract.ts";
import type { Election } from "./election_contract.ts";
import type { BatchView } from "./format/batch.ts";
import type { ProducerStamp } from "./format/producer_field.ts";
import type { LogRecord, RecordInput } from "./format/record.ts";
import type { SyncMode } from "./format/sync_mode.ts";
import type { Groups } from "./group_contract.ts";
import type { Hints } from "./hint_contract.ts";
import type { MirrorTarget } from "./mirror_contract.ts";
import type { TopicConfig } from "./topic_config.ts";

export type { Hints, OpenHint } from "./hint_contract.ts";

/** What an implementation can do beyond the contract, and what it is. */
export interface Capabilities {
  /** Where records are kept: `disk`, `memory`, `http`, `jetstream`, `node`. */
  readonly kind: string;
  /** Whether appends, truncations and changes of topics are possible at all. */
  readonly canWrite: boolean;
  /** Whether `truncate({ after })` is possible. */
  readonly canTruncateAfter: boolean;
  /** Why something is not possible, as the end of a sentence; by what is not. */
  readonly why?: { readonly [Name in "canWrite" | "canTruncateAfter"]?: string };
}

/** Where one partition starts and ends: `logStartOffset <= durableOffset <= nextOffset`. */
export interface Bounds {
  /** First offset that can be read. */
  readonly logStartOffset: number;
  /** Everything below survives a loss of power. */
  readonly durableOffset: number;
  /** The offset that the next record gets. */
  readonly nextOffset: number;
}

/** A topic: its name, a name that is never used again, and its settings. */
export interface TopicInfo {
  /** Its name, 1 to 200 bytes of UTF-8. */
  readonly name: string;
  /** 32 hexadecimal digits; a topic that is made anew has another. */
  readonly id: string;
  /** Its settings. */
  readonly config: TopicConfig;
}

/** One partition, measured. */
export interface PartitionInfo extends Bounds {
  /** Its number, from 0. */
  readonly partition: number;
  /** Records that can be read. */
  readonly records: number;
  /** Bytes of its segments on disk. */
  readonly bytes: number;
  /** Segments, the active one included. */
  readonly segments: number;
  /** Below it, records may be gone that later ones with the same key replaced. */
  readonly compactedTo: number;
  /** How often `truncate({ after })` took records away: what was read before may be gone. */
  readonly truncations: number;
  /** What compaction removed since the log was opened, where it is known. */
  readonly compacted?: CompactionTotals;
  /** What opening it cut off at its end; nothing when it was closed well. */
  readonly recovered?: RecoveredTail;
  /** The first offset of the first segment, where segments are files. */
  readonly oldestSegment?: number;
  /** The first offset of the segment that is written to, likewise. */
  readonly activeSegment?: number;
}

/** What opening a log cut off at its end: bytes of an append that was never acknowledged. */
export interface RecoveredTail {
  /** How many there were. */
  readonly bytes: number;
  /** Where they are kept, in a file of the folder. */
  readonly path: string;
}

/** One segment of a partition. */
export interface SegmentInfo {
  /** Its first offset, which names its file. */
  readonly baseOffset: number;
  /** The offset after its last record. */
  readonly nextOffset: number;
  /** Records in it: fewer than there are offsets once it was compacted. */
  readonly records: number;
  /** Bytes of whole batches. */
  readonly bytes: number;
  /** How often compaction wrote it anew. */
  readonly generation: number;
  /** Whether it is complete: only the last one is not. */
  readonly isSealed: boolean;
  /** The timestamp of its first record; nothing where there is none that can be read. */
  readonly firstTimestampMs?: number;
  /** The largest timestamp in it, where that is known. */
  readonly maxTimestampMs?: number;
}

/** The segments of one partition, in the order of their offsets. */
export interface PartitionSegments {
  /** Its number. */
  readonly partition: number;
  /** All of them, the one that is written to last. */
  readonly segments: readonly SegmentInfo[];
}

/** What compactions removed that came to their end, by hand and by themselves. */
export interface CompactionTotals {
  /** Compactions that removed something. */
  readonly runs: number;
  /** Records that were removed. */
  readonly records: number;
  /** Bytes that the segments take less. */
  readonly bytes: number;
}

/** A topic with its partitions, measured. */
export interface TopicDetails extends TopicInfo {
  /** All of its partitions, in order. */
  readonly partitions: readonly PartitionInfo[];
}

/** How to append. */
export interface AppendOptions {
  /** The partition; by the hash of the key unless given, and in turn where there is no key. */
  readonly partition?: number;
  /** Append only when the first record would get exactly this offset. */
  readonly expectedOffset?: number;
  /** Makes a retry with the same sequence answer like the first try. */
  readonly producer?: ProducerStamp;
  /** Acknowledge by this mode instead of the topic's own. */
  readonly sync?: SyncMode;
}

/** Where records went: offsets `[start, end)` of one partition. */
export interface AppendResult {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition. */
  readonly partition: number;
  /** Offset of the first record. */
  readonly start: number;
  /** Offset after the last record. */
  readonly end: number;
  /** Whether they already survive a loss of power. */
  readonly durable: boolean;
}

/** What to read: offsets `[from, until)` of one partition. */
export interface ReadOptions {
  /** 0 unless given. */
  readonly partition?: number;
  /** First offset; the first readable one unless given. */
  readonly from?: number;
  /** Offset after the last; the end at the time of the call unless given, or none when following. */
  readonly until?: number;
  /** Newest first. Cannot be combined with `follow`. */
  readonly reverse?: boolean;
  /** Wait for records to come instead of stopping at the end. */
  readonly follow?: boolean;
  /** Only batches that hold a record with this key; segments that surely do not are not read. */
  readonly key?: Uint8Array | undefined;
  /**
   * Begin only when the end of the partition has passed this offset, `nextOffset >= minOffset`: what
   * an append told as its `end` is seen then, whichever backend it went through. When that does not
   * come in time, reading ends with `unavailable`, and `minOffset` and `nextOffset` in its details.
   */
  readonly minOffset?: number;
  /** How long to wait for that at the most; 5000 unless given. */
  readonly minOffsetWaitMs?: number;
  /**
   * Bytes that may be held ahead of the caller, where reading ahead is worth it: over HTTP, where it
   * is 8 MiB unless given, 128 KiB at the least, and a batch that is larger by itself.
   */
  readonly readAheadBytes?: number;
  /** Ends the reading quietly, waiting included. */
  readonly signal?: AbortSignal;
}

/** Which partition of a topic to compact. */
export interface CompactTopicOptions {
  /** All unless given. */
  readonly partition?: number;
  /** Ends it, with `closed`; what was done stays done. */
  readonly signal?: AbortSignal;
}

/** The end of a partition, to which nobody else appends. Appends that began before may still end. */
export interface Reservation {
  /** As `Backend.appendBatch`. */
  appendBatch(
    batch: BatchView,
    options?: Omit<AppendOptions, "producer" | "partition">,
  ): Promise<AppendResult>;
  /** Lets others append again. */
  release(): void;
}

/** What a compaction did. */
export interface CompactResult {
  /** Name of the topic. */
  readonly topic: string;
  /** Segments that were written anew or removed. */
  readonly segments: number;
  /** Sealed segments that were left as they are. */
  readonly skipped: number;
  /** Records that were removed. */
  readonly records: number;
  /** Bytes that the topic takes less. */
  readonly bytes: number;
}

/** What to remove: all records below `before`, or all above `after`. */
export type TruncateOptions =
  & { readonly partition?: number }
  & (
    | { readonly before: number; readonly after?: undefined }
    | { readonly after: number; readonly before?: undefined }
  );

/**
 * Topics that can be appended to, read, followed and truncated. All methods throw
 * `SeglogError`s: `not-found` for a topic or partition that is not there, `closed` after `close`,
 * `read-only` where `capabilities.canWrite` is false.
 */
export interface Backend extends AsyncDisposable {
  /** What this backend is, and what it can do. */
  readonly capabilities: Capabilities;
  /** Where views keep hints; nothing where there is no place for them. */
  readonly hints?: Hints;
  /** How far it is behind what it follows; absent where it is no copy. */
  readonly following?: Following | undefined;
  /** Consumer groups, where somebody else coordinates them: the server. */
  readonly groups?: Groups;
  /**
   * Counts leaderships, from 1: a replica that is promoted has a higher epoch than what it followed.
   * Over HTTP, the highest that was seen; nothing where there is no such thing.
   */
  readonly epoch?: number | undefined;
  /** Whom it follows, by the name that people know; nothing where it is written to by itself. */
  readonly follows?: { readonly source: string } | undefined;
  /**
   * Elections among all processes that have these topics; absent, this process is the only one, and
   * does everything.
   */
  readonly election?: Election;
  /** Takes in what another backend has, offsets and all; nothing where that is not possible. */
  readonly mirrorTarget?: MirrorTarget;

  /**
   * Asks compaction to keep what a reader at an offset sees: of each key the last record up to it.
   * Where compaction cannot be asked, nothing is there to call.
   *
   * @returns ends that
   */
  hold?(topic: string, offset: number, partition?: number): () => void;

  /**
   * Makes everybody else who appends to a partition through this backend wait until it is released:
   * whoever was overtaken again and again can look at what came, and append behind it. Where that
   * cannot be asked for, nothing is there to call.
   *
   * @throws {SeglogError} as `append`
   */
  reserve?(topic: string, partition?: number): Promise<Reservation>;

  /**
   * Tells somebody from now on what is written and synced, and what opening logs finds. Where nothing
   * is known of that, nothing is there to call.
   *
   * @returns ends that
   */
  observe?(observer: Observer): () => void;

  /**
   * The segments of a topic's partitions. Where there are none to be told of, nothing is there to
   * call.
   */
  segments?(topic: string): Promise<PartitionSegments[]>;

  /** All topics, ordered by name. */
  listTopics(): Promise<TopicInfo[]>;

  /** One topic with its partitions measured. */
  describeTopic(topic: string): Promise<TopicDetails>;

  /**
   * Makes a topic, or finds that it is there.
   *
   * @throws {SeglogError} `exists` when it is there with other settings than those asked for;
   * `invalid-argument` for a bad name or setting
   */
  ensureTopic(
    topic: string,
    config?: Partial<TopicConfig>,
  ): Promise<{ created: boolean; topic: TopicInfo }>;

  /** Changes settings of a topic, all but `partitions`. @throws {SeglogError} `invalid-argument` */
  configureTopic(topic: string, changes: Partial<TopicConfig>): Promise<TopicInfo>;

  /** Removes a topic with all its records. */
  deleteTopic(topic: string): Promise<void>;

  /**
   * Appends records as one atomic batch to one partition, making the topic when needed.
   *
   * @param records at least one; keys that hash to different partitions are refused unless
   * `partition` is given
   * @returns when they are acknowledged as the sync mode says
   * @throws {SeglogError} rejected, it will never appear: `condition-failed`, `invalid-record`,
   * `too-large`, `overloaded`, `disk-full`, `poisoned`; unknown, it appears whole or not at all:
   * `outcome-unknown`
   */
  append(
    topic: string,
    records: readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult>;

  /**
   * Appends a batch that is encoded already. Its own base offset is not looked at. When it was
   * appended, its bytes are the caller's again.
   */
  appendBatch(
    topic: string,
    batch: BatchView,
    options?: Omit<AppendOptions, "producer">,
  ): Promise<AppendResult>;

  /** Where a partition starts and ends. */
  bounds(topic: string, partition?: number): Promise<Bounds>;

  /**
   * One record.
   *
   * @throws {SeglogError} `offset-out-of-range`; `not-found` where a truncation left a gap; `lost`
   * where a repair gave it up; `corrupt`
   */
  read(topic: string, offset: number, partition?: number): Promise<LogRecord>;

  /** The records at some offsets, in that order. Throws as `read` for one that is not there. */
  readAll(topic: string, offsets: readonly number[], partition?: number): Promise<LogRecord[]>;

  /** The first offset whose record is as old as `timestampMs` or younger; the end if none is. */
  offsetAt(topic: string, timestampMs: number, partition?: number): Promise<number>;

  /**
   * The batches that overlap the range, whole; `recordsOf` cuts them to it. Each has passed its
   * checksums.
   *
   * @throws {SeglogError} `offset-out-of-range` when `from` is below the first readable offset,
   * also when a truncation overtakes the reader, or past the end; `corrupt`, naming the offsets;
   * `lost` at offsets that a repair gave up, with `start` and `end` of them in its details;
   * `unavailable` when the end does not pass `minOffset` in time
   */
  batches(topic: string, options?: ReadOptions): AsyncIterableIterator<BatchView>;

  /**
   * Removes records from one end. Offsets are never used again: after `{ after }` the next record
   * gets the same offset that it would have got before.
   */
  truncate(topic: string, options: TruncateOptions): Promise<Bounds>;

  /**
   * Removes each record that a later one with the same key replaces. Offsets stay what they are, and
   * readers pass over what is gone. Tombstones go when they are as old as the topic's `tombstoneMs`.
   *
   * @throws {SeglogError} `corrupt` when a segment cannot be read: it stays as it is; `disk-full`
   */
  compact(topic: string, options?: CompactTopicOptions): Promise<CompactResult>;

  /** Resolves when everything acknowledged survives a loss of power. */
  flush(topic: string): Promise<void>;

  /** Ends followers with `closed`, finishes appends under way, and gives everything back. */
  close(): Promise<void>;
}
