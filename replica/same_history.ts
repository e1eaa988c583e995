/**
 * Looks whether a copy that is to go on has the same history as its source.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { LogRecord } from "../core/format/record.ts";
import { recordsOf } from "../core/format/records_of.ts";
import { type LostRange, readBatches } from "../core/reading.ts";
import { diverged } from "./diverged.ts";
import { isSameRecord } from "./same_record.ts";

/** A partition, in two backends. */
export interface PartitionPair {
  readonly source: Backend;
  /** The copy, to be read. */
  readonly copy: Pick<Backend, "bounds" | "batches">;
  readonly topic: string;
  readonly partition: number;
}

/** Records of the copy that are looked for in the source, at most, when compaction took the newest. */
const RECORDS_MAX = 10_000;
/** How often it is looked again when the source is truncated meanwhile. */
const LOOKS_MAX = 5;

/**
 * Compares the newest records that both have at the same offsets. Compaction on either side may have
 * taken some: then older ones are looked for.
 *
 * @throws {SeglogError} `condition-failed` with `diverged` in its details when the copy is longer than
 * its source, when the two have other records at an offset, or when a record of the copy was taken
 * away from the end of the source
 */
export async function checkSameHistory(pair: PartitionPair): Promise<void> {
  for (let look = 1;; look++) {
    try {
      return await checkOnce(pair);
    } catch (error) {
      if (look === LOOKS_MAX || !isOvertaken(error)) throw error;
    }
  }
}

async function checkOnce(pair: PartitionPair): Promise<void> {
  const { source, copy, topic, partition } = pair;
  const mine = await copy.bounds(topic, partition);
  const theirs = await source.bounds(topic, partition);
  if (mine.nextOffset > theirs.nextOffset) {
    throw diverged({
      ...pair,
      offset: theirs.nextOffset,
      how: `the copy ends at offset ${mine.nextOffset}, and its source at ${theirs.nextOffset}`,
    });
  }
  const start = Math.max(mine.logStartOffset, theirs.logStartOffset);
  let looked = 0;
  const range = { partition, from: start, until: mine.nextOffset, reverse: true };
  if (start >= mine.nextOffset) return;
  for await (const batch of readBatches(copy as Backend, topic, { ...range, onLost: ignored })) {
    const records = [...recordsOf(batch, { ...range, from: start })];
    if (records.length === 0) continue;
    if (await haveOneInCommon(pair, records)) return;
    looked += records.length;
    if (looked >= RECORDS_MAX) return;
  }
}

/** @param records of the copy, newest first */
async function haveOneInCommon(
  pair: PartitionPair,
  records: readonly LogRecord[],
): Promise<boolean> {
  const { source, topic, partition } = pair;
  const [newest, oldest] = [records[0]!, records.at(-1)!];
  const range = { from: oldest.offset, until: newest.offset + 1 };
  const theirs = new Map<number, LogRecord>();
  const lost: LostRange[] = [];
  const reading = { ...range, partition, onLost: (one: LostRange) => lost.push(one) };
  for await (const batch of readBatches(source, topic, reading)) {
    for (const record of recordsOf(batch, range)) theirs.set(record.offset, record);
  }
  const { compactedTo } = (await source.describeTopic(topic)).partitions[partition]!;
  const mayBeGone = ({ offset }: LogRecord) =>
    offset < compactedTo || lost.some(({ start, end }) => offset >= start && offset < end);
  for (const record of records) {
    const { offset } = record;
    const other = theirs.get(offset);
    if (other === undefined && !mayBeGone(record)) {
      throw diverged({
        ...pair,
        offset,
        how: `its source has taken away the record at offset ${offset}`,
      });
    }
    if (other !== undefined && !isSameRecord(record, other)) {
      throw diverged({ ...pair, offset, how: `its source has another record at offset ${offset}` });
    }
  }
  return theirs.size > 0;
}

/** Whether records were truncated while they were read. */
function isOvertaken(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "offset-out-of-range";
}

/** What a repair gave up says nothing of histories. */
function ignored(): void {}
