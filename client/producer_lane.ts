/**
 * The way of a producer's records to one partition: one batch is sent at a time, the next fills
 * meanwhile, and those that are full wait in between.
 *
 * @module
 */
import type { AppendResult } from "../core/backend.ts";
import type { ByteWriter } from "../core/base/bytes.ts";
import type { Clock } from "../core/base/clock.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { RecordInput } from "../core/format/record.ts";
import { OutgoingBatch, type Sender } from "./outgoing_batch.ts";

/** What all lanes of one producer share. */
export interface LaneContext {
  readonly topic: string;
  readonly id: string;
  readonly epoch: number;
  readonly batchBytes: number;
  readonly lingerMs: number;
  readonly clock: Clock;
  readonly append: (batch: BatchView, partition: number) => Promise<AppendResult>;
  /** Memory for another batch. */
  readonly memory: () => ByteWriter | undefined;
  /** Told of a batch that is acknowledged, whose memory is free again. */
  readonly onDone: (batch: OutgoingBatch, memory: ByteWriter) => void;
  /** Told of a batch that failed. */
  readonly onFailed: (batch: OutgoingBatch, error: unknown) => void;
}

/** Numbers the batches of one partition, and sends them in order. */
export class ProducerLane {
  readonly #partition: number;
  readonly #context: LaneContext;
  #epoch: number;
  #sequence = 0;
  #filling: OutgoingBatch | undefined;
  /** Whether the batch that fills has waited long enough for more. */
  #isDue = false;
  #cancelLinger: (() => void) | undefined;
  #full: OutgoingBatch[] = [];
  #underWay: OutgoingBatch | undefined;
  /** Offset after the last record that was acknowledged. */
  #end: number | undefined;
  /** Another producer has taken over the id. */
  #replaced: unknown;

  constructor(partition: number, context: LaneContext) {
    this.#partition = partition;
    this.#context = context;
    this.#epoch = context.epoch;
  }

  /** Whether the next record begins a batch. */
  get isEmpty(): boolean {
    return this.#filling === undefined;
  }

  /** Resolves when all that was added is acknowledged or has failed. */
  get settled(): Promise<void> | undefined {
    return (this.#filling ?? this.#full.at(-1) ?? this.#underWay)?.settled;
  }

  /**
   * Encodes a record into the batch that fills.
   *
   * @returns the bytes that it takes
   * @throws {SeglogError} `invalid-record`, `too-large`; `condition-failed` when another producer
   * has taken over the id
   */
  add(record: RecordInput, nowMs: number, sender: Sender | undefined): number {
    if (this.#replaced !== undefined) throw this.#replaced;
    const { batchBytes, memory } = this.#context;
    const batch = this.#filling ?? new OutgoingBatch(batchBytes, memory());
    const before = batch.bytes;
    batch.add(record, nowMs, sender);
    if (this.#filling === undefined) this.#begin(batch);
    if (batch.isFull) {
      this.#full.push(this.#takeFilling()!);
      this.#send();
    }
    return batch.bytes - before;
  }

  /** Sends what there is without waiting for more. */
  hurry(): void {
    if (this.#filling === undefined) return;
    this.#isDue = true;
    this.#send();
  }

  #begin(batch: OutgoingBatch): void {
    this.#filling = batch;
    this.#isDue = false;
    const { lingerMs, clock } = this.#context;
    const due = () => {
      if (this.#filling === batch) this.hurry();
    };
    if (lingerMs === 0) queueMicrotask(due);
    else this.#cancelLinger = clock.after(lingerMs, due);
  }

  #takeFilling(): OutgoingBatch | undefined {
    const batch = this.#filling;
    this.#filling = undefined;
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    return batch;
  }

  /** Sends one batch after another for as long as there is one to send. */
  async #send(): Promise<void> {
    if (this.#underWay !== undefined) return;
    for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
      this.#underWay = batch;
      try {
        await this.#append(batch);
      } finally {
        this.#underWay = undefined;
      }
    }
  }

  #next(): OutgoingBatch | undefined {
    return this.#full.shift() ?? (this.#isDue ? this.#takeFilling() : undefined);
  }

  async #append(batch: OutgoingBatch): Promise<void> {
    const { id, append, onDone } = this.#context;
    let result: AppendResult;
    try {
      const encoded = batch.seal({ id, epoch: this.#epoch, sequence: this.#sequence });
      result = await append(encoded, this.#partition);
    } catch (error) {
      return this.#fail(batch, error);
    }
    this.#sequence++;
    this.#end = result.end;
    onDone(batch, batch.resolve(result));
  }

  /**
   * What is behind a batch that failed fails with it, so that nothing overtakes what came before.
   * The log may have the batch, or may yet get it: under a higher epoch the numbers begin anew, and
   * the log turns away what is late.
   */
  #fail(failed: OutgoingBatch, error: unknown): void {
    const last = this.#takeFilling();
    const behind = last === undefined ? this.#full : [...this.#full, last];
    this.#full = [];
    if (isReplaced(error, this.#epoch)) this.#replaced = error;
    this.#epoch++;
    this.#sequence = 0;
    const { onFailed } = this.#context;
    this.#reject(failed, this.#told(failed, error), onFailed);
    const held = this.#heldBack(error);
    for (const batch of behind) this.#reject(batch, held, onFailed);
  }

  #reject(batch: OutgoingBatch, error: unknown, onFailed: LaneContext["onFailed"]): void {
    batch.reject(error);
    onFailed(batch, error);
  }

  /** An unknown outcome with what the caller can do about it; other errors say so by themselves. */
  #told({ recordCount }: OutgoingBatch, error: unknown): unknown {
    if (!(error instanceof SeglogError) || error.code !== "outcome-unknown") return error;
    const from = this.#end === undefined ? "" : ` from offset ${this.#end}`;
    return new SeglogError(
      "outcome-unknown",
      `Cannot say whether ${recordCount} records for partition ${this.#partition} of ` +
        `"${this.#context.topic}" are stored: ${messageOf(error)}. They are there whole, before ` +
        `what is sent from now on, or will never be: read the partition${from} to see, or send ` +
        "them again where a duplicate does no harm",
      {
        cause: error,
        details: {
          ...error.details,
          partition: this.#partition,
          ...this.#end === undefined ? {} : { from: this.#end },
        },
      },
    );
  }

  /** The error for what was never sent. */
  #heldBack(error: unknown): SeglogError {
    const code = error instanceof SeglogError && error.code !== "outcome-unknown"
      ? error.code
      : "unavailable";
    return new SeglogError(
      code,
      `Cannot send to partition ${this.#partition} of "${this.#context.topic}": records before ` +
        `these failed, and order is kept (${
          messageOf(error)
        }); these are not stored: send them again`,
      { cause: error },
    );
  }
}

/** Whether the log knows a producer with the same id and a higher epoch. */
function isReplaced(error: unknown, epoch: number): boolean {
  return error instanceof SeglogError && error.code === "condition-failed" &&
    typeof error.details.epoch === "number" && error.details.epoch > epoch;
}
