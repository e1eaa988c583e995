/**
 * Appends that wait for the disk. Records are encoded when they come, straight into the buffer that
 * one positional write will take; callers who wait at the same time share batches, that write and
 * one sync.
 *
 * @module
 */
import { ByteWriter } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import { BATCH_SHARED_BYTES, PENDING_BYTES_MAX } from "../base/limits.ts";
import type { BatchView } from "../format/batch.ts";
import type { ProducerStamp } from "../format/producer_field.ts";
import { BatchBuilder, type BuiltBatch } from "../format/batch_builder.ts";
import { compressBatch } from "../format/compress_batch.ts";
import type { Codec } from "../format/compression.ts";
import type { RecordInput } from "../format/record.ts";
import type { SyncPolicy } from "../format/sync_mode.ts";
import type { GapReason } from "../format/gap_reason.ts";
import type { Skip } from "./gaps.ts";

/** Offsets `[start, end)`. */
export interface AppendedRange {
  /** Offset of the first record. */
  readonly start: number;
  /** Offset after the last record. */
  readonly end: number;
}

/** Someone who waits for an append. */
export interface Waiter {
  readonly range: AppendedRange;
  readonly sync: SyncPolicy;
  readonly resolve: (range: AppendedRange) => void;
  readonly reject: (error: Error) => void;
}

/** Appends that are taken to the disk together. */
export interface AppendWork {
  readonly buffer: ByteWriter;
  readonly batches: readonly BuiltBatch[];
  /** Offsets that are passed over before the batch that begins at their end, or behind all of them. */
  readonly skips: readonly Skip[];
  readonly waiters: readonly Waiter[];
}

const BUFFER_BYTES_KEPT = 4 * BATCH_SHARED_BYTES;

/** Collects appends, in the order in which they came. */
export class AppendQueue {
  #buffer = new ByteWriter(64 * 1024);
  #spare: ByteWriter | undefined = new ByteWriter(64 * 1024);
  #open: BatchBuilder | undefined;
  #batches: BuiltBatch[] = [];
  #skips: Skip[] = [];
  #waiters: Waiter[] = [];
  #nextOffset: number;
  /** Why a batch could not be finished: all that waits has to be turned away. */
  #failure: Error | undefined;
  readonly #codec: () => Codec;

  /** @param codec asked for each batch, since it may be configured anew */
  constructor(nextOffset: number, codec: () => Codec) {
    this.#nextOffset = nextOffset;
    this.#codec = codec;
  }

  /** The offset that the next record gets. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** The empty range behind everything that was added. */
  get end(): AppendedRange {
    return { start: this.#nextOffset, end: this.#nextOffset };
  }

  get isEmpty(): boolean {
    return this.#waiters.length === 0;
  }

  /**
   * Encodes records and gives them offsets. Nothing is kept of what the caller gave.
   *
   * @throws {SeglogError} `invalid-record`, `too-large`, also where offsets end, or `overloaded` when
   * too much waits already; then nothing is added
   */
  add(records: readonly RecordInput[], nowMs: number, producer?: ProducerStamp): AppendedRange {
    this.#checkRoom(records.length);
    if (producer !== undefined) this.#finishOpen();
    const length = this.#buffer.length;
    const builder = this.#open ?? new BatchBuilder(this.#buffer, this.#nextOffset);
    const start = builder.nextOffset;
    try {
      if (producer !== undefined) builder.setProducer(producer);
      builder.add(records, nowMs);
    } catch (error) {
      if (this.#open === undefined) this.#buffer.truncate(length);
      else if (isTooLarge(error)) {
        this.#finishOpen(); // it was too large beside what shares the batch: try it alone
        return this.add(records, nowMs, producer);
      }
      throw error;
    }
    this.#open = builder;
    this.#nextOffset = builder.nextOffset;
    if (producer !== undefined || builder.payloadBytes >= BATCH_SHARED_BYTES) this.#finishOpen();
    return { start, end: this.#nextOffset };
  }

  /** Adds a batch that is encoded already, under the next offsets. */
  addBatch(encoded: BatchView): AppendedRange {
    this.#checkRoom(encoded.header.recordCount);
    this.#finishOpen();
    return this.#place(compressBatch(encoded, this.#codec()));
  }

  /** The same as it is: its offsets, which begin with the next one, may have gaps. */
  addMirrored(batch: BatchView): AppendedRange {
    this.#checkRoom(batch.header.lastOffsetDelta + 1);
    this.#finishOpen();
    return this.#place(batch);
  }

  /** Lets the offsets below `end`, which is not below the next one, hold no records. */
  skipTo(end: number, reason: GapReason): AppendedRange {
    this.#finishOpen();
    if (end > this.#nextOffset) this.#skips.push({ start: this.#nextOffset, end, reason });
    this.#nextOffset = end;
    return this.end;
  }

  /** Resolves with the range when everything below its end is acknowledged as `sync` says. */
  wait(sync: SyncPolicy, range: AppendedRange): Promise<AppendedRange> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ range, sync, resolve, reject });
    });
  }

  /**
   * Takes everything that waits; what comes meanwhile is encoded into the other buffer.
   *
   * @throws what a batch could not be finished for, such as want of memory; then {@linkcode reset}
   */
  take(): AppendWork {
    this.#finishOpen();
    if (this.#failure !== undefined) throw this.#failure;
    const work = {
      buffer: this.#buffer,
      batches: this.#batches,
      skips: this.#skips,
      waiters: this.#waiters,
    };
    this.#buffer = this.#spare ?? new ByteWriter(64 * 1024);
    this.#spare = undefined;
    this.#batches = [];
    this.#skips = [];
    this.#waiters = [];
    return work;
  }

  /** Gives the buffer of finished work back. */
  release(buffer: ByteWriter): void {
    buffer.truncate(0);
    buffer.shrink(BUFFER_BYTES_KEPT);
    this.#spare = buffer;
  }

  /** Drops everything that waits, and goes on from `nextOffset`. Returns those who waited. */
  reset(nextOffset: number): readonly Waiter[] {
    const waiters = this.#waiters;
    this.#buffer.truncate(0);
    this.#open = undefined;
    this.#failure = undefined;
    this.#batches = [];
    this.#skips = [];
    this.#waiters = [];
    this.#nextOffset = nextOffset;
    return waiters;
  }

  /** Gives a batch the next offsets. */
  #place(batch: BatchView): AppendedRange {
    const start = this.#buffer.length;
    this.#buffer.bytes(batch.bytes);
    const header = { ...batch.header, baseOffset: this.#nextOffset };
    this.#batches.push({ start, end: this.#buffer.length, header });
    const range = { start: this.#nextOffset, end: this.#nextOffset + header.lastOffsetDelta + 1 };
    this.#nextOffset = range.end;
    return range;
  }

  #finishOpen(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    try {
      this.#batches.push(open.finish(this.#codec()));
    } catch (error) {
      this.#failure ??= error as Error;
    }
  }

  #checkRoom(count: number): void {
    if (!Number.isSafeInteger(this.#nextOffset + count)) {
      throw new SeglogError(
        "too-large",
        `Cannot append ${count} records at offset ${this.#nextOffset}: the last offset is ${
          Number.MAX_SAFE_INTEGER - 1
        }`,
      );
    }
    if (this.#buffer.length < PENDING_BYTES_MAX) return;
    throw new SeglogError(
      "overloaded",
      `Cannot append: ${this.#buffer.length} bytes wait for the disk already; wait for earlier appends first`,
      { details: { pendingBytes: this.#buffer.length } },
    );
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "too-large";
}
