/**
 * Compares two backends record by record: what a copy is worth.
 *
 * @module
 */
import type { Backend, PartitionInfo, TopicInfo } from "../core/backend.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { LogRecord } from "../core/format/record.ts";
import { recordsOf } from "../core/format/records_of.ts";
import { readBatches } from "../core/reading.ts";
import { intact, isSameBatch, isSameRecord } from "./same_record.ts";

/** One place where a copy is not what its source is. */
export interface MirrorDifference {
  /** Its topic. */
  readonly topic: string;
  /** Its partition, from 0. */
  readonly partition: number;
  /** The offset of the record. */
  readonly offset: number;
  /** What is so, as a clause. */
  readonly complaint: string;
}

/** What comparing found. */
export interface MirrorVerification {
  /** Whether there is no difference. */
  readonly ok: boolean;
  /** Partitions that were compared. */
  readonly partitions: number;
  /** Records that were compared. */
  readonly records: number;
  /** The first differences, 100 at most. */
  readonly differences: readonly MirrorDifference[];
}

/** How it is compared. */
export interface VerifyMirrorOptions {
  /** The topics; all that the source has unless given. */
  readonly topics?: readonly string[];
  /** Ends it, with what was found so far. */
  readonly signal?: AbortSignal;
}

const DIFFERENCES_MAX = 100;

/**
 * Reads both sides, and compares every record of the copy with that of its source: offset, time, key,
 * value, headers. What compaction may have taken on one of the sides is no difference, and neither is
 * what the source got after the copy.
 *
 * @throws {SeglogError} `not-found` for a topic that the copy does not have; `corrupt`
 */
export async function verifyMirror(
  source: Backend,
  copy: Backend,
  { topics, signal }: VerifyMirrorOptions = {},
): Promise<MirrorVerification> {
  const found: MirrorDifference[] = [];
  let [partitions, records] = [0, 0];
  const wanted = topics ?? (await source.listTopics()).map(({ name }) => name);
  for (const topic of wanted) {
    const info = await source.describeTopic(topic);
    found.push(...settingsOf(info, await copy.describeTopic(topic)));
    for (let partition = 0; partition < info.config.partitions; partition++) {
      if (signal?.aborted) break;
      partitions++;
      records += await comparePartition({ source, copy, topic, partition }, found);
    }
  }
  return {
    ok: found.length === 0,
    partitions,
    records,
    differences: found.slice(0, DIFFERENCES_MAX),
  };
}

interface Pair {
  readonly source: Backend;
  readonly copy: Backend;
  readonly topic: string;
  readonly partition: number;
}

function settingsOf(one: TopicInfo, other: TopicInfo): MirrorDifference[] {
  const place = { topic: one.name, partition: 0, offset: 0 };
  if (one.id !== other.id) return [{ ...place, complaint: "the copy is another topic" }];
  const names = Object.keys(one.config) as (keyof typeof one.config)[];
  return names.filter((name) => one.config[name] !== other.config[name])
    .map((name) => ({ ...place, complaint: `the setting ${name} differs` }));
}

/** @returns how many records were compared */
async function comparePartition(pair: Pair, found: MirrorDifference[]): Promise<number> {
  const { source, copy, topic, partition } = pair;
  const [theirs, mine] = [
    await source.bounds(topic, partition),
    await copy.bounds(topic, partition),
  ];
  const from = theirs.logStartOffset;
  const until = Math.min(theirs.nextOffset, mine.nextOffset);
  const differs = (offset: number, complaint: string) => {
    if (found.length < DIFFERENCES_MAX) found.push({ topic, partition, offset, complaint });
  };
  if (mine.nextOffset > theirs.nextOffset) {
    differs(theirs.nextOffset, `the copy ends at offset ${mine.nextOffset}`);
  }
  if (from >= until) return 0;
  using left = new Walk(source, topic, { partition, from, until });
  // A copy may begin later, where its source has no records any more.
  const start = Math.min(until, Math.max(from, mine.logStartOffset));
  using right = new Walk(copy, topic, { partition, from: start, until });
  let count = 0;
  const alone: { readonly in: "source" | "copy"; readonly offset: number }[] = [];
  for (;;) {
    const same = await sameBatch(left, right);
    if (same > 0) {
      count += same;
      continue;
    }
    const [one, other] = [await left.peek(), await right.peek()];
    if (one === undefined && other === undefined) break;
    if (one?.offset === other?.offset) {
      count++;
      if (!isSameRecord(one!, other!)) differs(one!.offset, "the records differ");
      left.pass();
      right.pass();
    } else if (other === undefined || (one !== undefined && one.offset < other.offset)) {
      if (alone.length < DIFFERENCES_MAX) alone.push({ in: "source", offset: one!.offset });
      left.pass();
    } else {
      if (alone.length < DIFFERENCES_MAX) alone.push({ in: "copy", offset: other.offset });
      right.pass();
    }
  }
  if (alone.length === 0) return count;
  // Compaction may have gone on meanwhile: what it had reached is asked now.
  const { logStartOffset, compactedTo } = await measured(source, pair);
  const taken = { source: (await measured(copy, pair)).compactedTo, copy: compactedTo };
  for (const { in: side, offset } of alone) {
    if (offset < taken[side] || offset < logStartOffset) continue;
    differs(offset, side === "source" ? "the copy has no such record" : "the source has none");
  }
  return count;
}

async function measured(
  backend: Backend,
  { topic, partition }: Pair,
): Promise<Pick<PartitionInfo, "compactedTo" | "logStartOffset">> {
  return (await backend.describeTopic(topic)).partitions[partition]!;
}

/** Passes over a batch that both have. @returns how many records it has; 0 when they have to be read */
async function sameBatch(left: Walk, right: Walk): Promise<number> {
  const [one, other] = [await left.wholeBatch(), await right.wholeBatch()];
  if (one === undefined || other === undefined || !isSameBatch(one, other)) return 0;
  left.passBatch();
  right.passBatch();
  return one.header.recordCount;
}

/** A walk through the records of a range, by batches where that is enough. */
class Walk implements Disposable {
  readonly #range: { readonly from: number; readonly until: number };
  readonly #batches: AsyncIterator<BatchView>;
  #batch: BatchView | undefined;
  #records: Iterator<LogRecord> | undefined;
  #record: LogRecord | undefined;

  constructor(
    backend: Backend,
    topic: string,
    range: { readonly partition: number; readonly from: number; readonly until: number },
  ) {
    this.#range = range;
    this.#batches = readBatches(backend, topic, { ...range, onLost: () => {} });
  }

  /** The batch that comes next, checked, when all of it is in the range and none was read of it. */
  async wholeBatch(): Promise<BatchView | undefined> {
    if (this.#records !== undefined) return undefined;
    const batch = await this.#nextBatch();
    const { from, until } = this.#range;
    const isWhole = batch !== undefined && batch.baseOffset >= from && batch.nextOffset <= until;
    return isWhole ? batch : undefined;
  }

  passBatch(): void {
    this.#batch = undefined;
  }

  /** The record that comes next. */
  async peek(): Promise<LogRecord | undefined> {
    while (this.#record === undefined) {
      if (this.#records === undefined) {
        const batch = await this.#nextBatch();
        if (batch === undefined) return undefined;
        this.#records = recordsOf(batch, this.#range)[Symbol.iterator]();
      }
      const { value, done } = this.#records.next();
      if (!done) this.#record = value;
      else this.#records = this.#batch = undefined;
    }
    return this.#record;
  }

  pass(): void {
    this.#record = undefined;
  }

  [Symbol.dispose](): void {
    void this.#batches.return?.();
  }

  async #nextBatch(): Promise<BatchView | undefined> {
    if (this.#batch !== undefined) return this.#batch;
    const { value, done } = await this.#batches.next();
    this.#batch = done ? undefined : intact(value);
    return this.#batch;
  }
}
