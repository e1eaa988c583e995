/**
 * What a consumer hands out.
 *
 * @module
 */
import type { BatchView } from "../core/format/batch.ts";
import type { LogRecord } from "../core/format/record.ts";
import { recordsOf } from "../core/format/records_of.ts";

/** Records of one partition that belong together: iterate over it without a promise for each. */
export class ConsumedBatch implements Iterable<LogRecord> {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition. */
  readonly partition: number;
  /** First offset. */
  readonly start: number;
  /** Offset after the last. */
  readonly end: number;
  /** As it was stored, which may begin before `start`. */
  readonly batch: BatchView;

  /** The part of a batch from `from` on. */
  constructor(
    place: { readonly topic: string; readonly partition: number },
    batch: BatchView,
    from: number,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.batch = batch;
    this.start = Math.max(from, batch.baseOffset);
    this.end = batch.nextOffset;
  }

  /** The records in offset order, each checked. @throws {SeglogError} `corrupt` */
  [Symbol.iterator](): Iterator<LogRecord> {
    return recordsOf(this.batch, { from: this.start, until: this.end })[Symbol.iterator]();
  }
}
