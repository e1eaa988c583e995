/**
 * A backend that is measured by who uses it, whatever the protocol: how long appends and reads take.
 *
 * @module
 */
import type { AppendOptions, AppendResult, Backend, ReadOptions } from "../../core/backend.ts";
import type { BatchView } from "../../core/format/batch.ts";
import type { LogRecord, RecordInput } from "../../core/format/record.ts";
import { LayeredBackend } from "../layered_backend.ts";
import type { Metrics } from "./metrics.ts";

/** Measures calls, not records: a batch costs what a record costs. Those that fail are not measured. */
export class MeasuredBackend extends LayeredBackend {
  readonly #metrics: Metrics;

  constructor(inner: Backend, metrics: Metrics) {
    super(inner);
    this.#metrics = metrics;
    const { reserve } = this;
    if (reserve === undefined) return;
    this.reserve = async (topic, partition) => {
      const reservation = await reserve(topic, partition);
      return {
        release: () => reservation.release(),
        appendBatch: (batch, options) =>
          this.#appending(() => reservation.appendBatch(batch, options)),
      };
    };
  }

  override append(
    topic: string,
    records: readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult> {
    return this.#appending(() => super.append(topic, records, options));
  }

  override appendBatch(
    topic: string,
    batch: BatchView,
    options?: Omit<AppendOptions, "producer">,
  ): Promise<AppendResult> {
    return this.#appending(() => super.appendBatch(topic, batch, options));
  }

  override read(topic: string, offset: number, partition?: number): Promise<LogRecord> {
    return this.#reading(() => super.read(topic, offset, partition));
  }

  override readAll(
    topic: string,
    offsets: readonly number[],
    partition?: number,
  ): Promise<LogRecord[]> {
    return this.#reading(() => super.readAll(topic, offsets, partition));
  }

  /** Whoever follows waits for records: that is no time that reading takes. */
  override batches(topic: string, options?: ReadOptions): AsyncIterableIterator<BatchView> {
    const batches = super.batches(topic, options);
    return options?.follow ? batches : new MeasuredBatches(batches, this.#metrics);
  }

  async #appending(append: () => Promise<AppendResult>): Promise<AppendResult> {
    const startMs = performance.now();
    const result = await append();
    this.#metrics.appendedSince(startMs);
    return result;
  }

  async #reading<Result>(read: () => Promise<Result>): Promise<Result> {
    const startMs = performance.now();
    const result = await read();
    this.#metrics.readSince("record", startMs);
    return result;
  }
}

/** Batches of which the first is waited for; the others pass at no cost. */
class MeasuredBatches implements AsyncIterableIterator<BatchView> {
  readonly #batches: AsyncIterableIterator<BatchView>;
  #metrics: Metrics | undefined;

  constructor(batches: AsyncIterableIterator<BatchView>, metrics: Metrics) {
    this.#batches = batches;
    this.#metrics = metrics;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<BatchView>> {
    const metrics = this.#metrics;
    if (metrics === undefined) return this.#batches.next();
    this.#metrics = undefined;
    return this.#first(metrics);
  }

  async return(): Promise<IteratorResult<BatchView>> {
    return await this.#batches.return?.() ?? { done: true, value: undefined };
  }

  async #first(metrics: Metrics): Promise<IteratorResult<BatchView>> {
    const startMs = performance.now();
    const result = await this.#batches.next();
    metrics.readSince("range", startMs);
    return result;
  }
}
