/**
 * Changes of one partition that wait to be published, in the order in which they came. Records without
 * a producer and without a condition share batches.
 *
 * @module
 */
import { ByteWriter } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import { BATCH_SHARED_BYTES, PENDING_BYTES_MAX } from "../core/base/limits.ts";
import type { BatchView } from "../core/format/batch.ts";
import { BatchBuilder } from "../core/format/batch_builder.ts";
import type { BatchHeader } from "../core/format/batch_header.ts";
import { compressBatch } from "../core/format/compress_batch.ts";
import type { Codec } from "../core/format/compression.ts";
import type { ProducerStamp } from "../core/format/producer_field.ts";
import type { RecordInput } from "../core/format/record.ts";
import type { GapReason } from "../core/mirror_contract.ts";
import type { LogState } from "./log_state.ts";

/** Offsets `[start, end)`. */
export interface WrittenRange {
  readonly start: number;
  readonly end: number;
}

/** How records are appended. */
export interface AppendTerms {
  readonly nowMs: number;
  readonly codec: Codec;
  readonly producer?: ProducerStamp | undefined;
  readonly expectedOffset?: number | undefined;
}

/** A batch that waits. */
export interface QueuedBatch {
  readonly kind: "batch";
  /** The header and bytes, whose header is to be written anew. */
  finish(): { readonly header: BatchHeader; readonly bytes: Uint8Array };
  readonly producer: ProducerStamp | undefined;
  /** The offset at which it is to be, or not at all. */
  readonly expectedOffset: number | undefined;
  /** Whether it comes from another log, which has accepted it: its producer is noted alone. */
  readonly isMirrored: boolean;
  /** About what it will take. */
  readonly bytes: number;
  /** Tells all who wait, of whom each appended some of its records. */
  resolve(range: WrittenRange): void;
  reject(error: unknown): void;
}

/** What a change of the log without records is. */
export interface Control {
  readonly state: LogState;
  readonly gap?: GapReason;
  readonly data?: Uint8Array;
}

/** A change without records that waits. */
export interface QueuedControl {
  readonly kind: "control";
  /** What it does to a log; `undefined` where there is nothing to do. Throws when it cannot be. */
  readonly decide: (state: LogState) => Control | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

export type Queued = QueuedBatch | QueuedControl;

/** What waits. */
export class AppendQueue {
  readonly #what: string;
  #waiting: Queued[] = [];
  #open: SharedBatch | undefined;
  #bytes = 0;

  /** @param what names the log in errors */
  constructor(what: string) {
    this.#what = what;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** What waits longest. */
  get first(): Queued | undefined {
    return this.#waiting[0];
  }

  /**
   * Encodes records. Nothing is kept of what the caller gave.
   *
   * @throws {SeglogError} `invalid-record`, `too-large`, or `overloaded`; then nothing is added
   */
  add(records: readonly RecordInput[], terms: AppendTerms): Promise<WrittenRange> {
    this.#checkRoom();
    const isPlain = terms.producer === undefined && terms.expectedOffset === undefined;
    const batch = isPlain && this.#open?.codec === terms.codec && this.#open.hasRoom
      ? this.#open
      : new SharedBatch(terms);
    const before = batch.bytes;
    let range: Promise<WrittenRange>;
    try {
      range = batch.add(records, terms.nowMs);
    } catch (error) {
      if (batch !== this.#open) throw error;
      this.#open = undefined; // it may be too large only beside what shares the batch: try it alone
      return this.add(records, terms);
    }
    this.#bytes += batch.bytes - before;
    if (batch !== this.#open) this.#waiting.push(batch);
    this.#open = isPlain ? batch : undefined;
    return range;
  }

  /** Adds a batch that is encoded. */
  addBatch(
    batch: BatchView,
    { codec, expectedOffset, isMirrored = false }: {
      readonly codec: Codec;
      readonly expectedOffset?: number | undefined;
      readonly isMirrored?: boolean;
    },
  ): Promise<WrittenRange> {
    this.#checkRoom();
    const { promise, resolve, reject } = Promise.withResolvers<WrittenRange>();
    const { header, bytes: packed } = compressBatch(batch, codec);
    const bytes = new Uint8Array(packed); // the caller's are the caller's, and change for all we know
    this.#push({
      kind: "batch",
      finish: () => ({ header, bytes }),
      producer: batch.producer(),
      expectedOffset,
      isMirrored,
      bytes: bytes.length,
      resolve,
      reject,
    });
    return promise;
  }

  /** Adds a change without records. */
  addControl(decide: QueuedControl["decide"]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#push({ kind: "control", decide, resolve, reject });
    return promise;
  }

  /** Takes the first that waits, of which {@linkcode AppendQueue.first} told. */
  take(): void {
    const taken = this.#waiting.shift();
    if (taken === this.#open) this.#open = undefined;
    if (taken?.kind === "batch") this.#bytes -= taken.bytes;
  }

  /** Puts back what was taken, to be tried again before all else. */
  putBack(taken: readonly Queued[]): void {
    this.#waiting = [...taken, ...this.#waiting];
    for (const queued of taken) if (queued.kind === "batch") this.#bytes += queued.bytes;
  }

  /** Turns everything away that waits. */
  rejectAll(error: unknown): void {
    const all = this.#waiting;
    this.#waiting = [];
    this.#open = undefined;
    this.#bytes = 0;
    for (const queued of all) queued.reject(error);
  }

  #push(queued: Queued): void {
    this.#open = undefined;
    this.#waiting.push(queued);
    if (queued.kind === "batch") this.#bytes += queued.bytes;
  }

  #checkRoom(): void {
    if (this.#bytes <= PENDING_BYTES_MAX) return;
    throw new SeglogError(
      "overloaded",
      `Cannot append to ${this.#what}: ${this.#bytes} bytes are waiting already; try again later`,
    );
  }
}

/** A batch that takes in records until it is published. */
class SharedBatch implements QueuedBatch {
  readonly kind = "batch";
  readonly codec: Codec;
  readonly producer: ProducerStamp | undefined;
  readonly expectedOffset: number | undefined;
  readonly isMirrored = false;
  readonly #writer = new ByteWriter(1024);
  readonly #builder = new BatchBuilder(this.#writer, 0);
  readonly #waiters: {
    readonly range: WrittenRange;
    readonly settle: PromiseWithResolvers<WrittenRange>;
  }[] = [];
  #finished: { readonly header: BatchHeader; readonly bytes: Uint8Array } | undefined;

  constructor({ codec, producer, expectedOffset }: AppendTerms) {
    this.codec = codec;
    this.producer = producer;
    this.expectedOffset = expectedOffset;
    if (producer !== undefined) this.#builder.setProducer(producer);
  }

  get bytes(): number {
    return this.#finished?.bytes.length ?? this.#writer.length;
  }

  get hasRoom(): boolean {
    return this.#finished === undefined && this.#builder.payloadBytes < BATCH_SHARED_BYTES;
  }

  /** @throws {SeglogError} `invalid-record` or `too-large`; the batch is as it was before */
  add(records: readonly RecordInput[], nowMs: number): Promise<WrittenRange> {
    const start = this.#builder.nextOffset;
    this.#builder.add(records, nowMs);
    const settle = Promise.withResolvers<WrittenRange>();
    this.#waiters.push({ range: { start, end: this.#builder.nextOffset }, settle });
    return settle.promise;
  }

  finish(): { readonly header: BatchHeader; readonly bytes: Uint8Array } {
    if (this.#finished === undefined) {
      const { end, header } = this.#builder.finish(this.codec);
      this.#finished = { header, bytes: this.#writer.subarray(0, end) };
    }
    return this.#finished;
  }

  resolve({ start }: WrittenRange): void {
    for (const { range, settle } of this.#waiters) {
      settle.resolve({ start: start + range.start, end: start + range.end });
    }
  }

  reject(error: unknown): void {
    for (const { settle } of this.#waiters) settle.reject(error);
  }
}
