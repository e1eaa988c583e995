/**
 * A backend whose appends and reads are spans of the request that they are part of.
 *
 * @module
 */
import { type Context, context, type Span, SpanKind, trace } from "@opentelemetry/api";
import type { AppendOptions, AppendResult, Backend, ReadOptions } from "../../core/backend.ts";
import type { BatchView } from "../../core/format/batch.ts";
import type { LogRecord, RecordInput } from "../../core/format/record.ts";
import { messagingSpan, noteAppended } from "../../tracing/messaging.ts";
import { inSpan, isRecorded, noteError, startSpan } from "../../tracing/spans.ts";
import { LayeredBackend } from "../layered_backend.ts";

/** Passes everything on; what belongs to no span that is recorded, at the cost of that look. */
export class TracedBackend extends LayeredBackend {
  constructor(inner: Backend) {
    super(inner);
    const { reserve } = this;
    if (reserve === undefined) return;
    this.reserve = async (topic, partition) => {
      const reservation = await reserve(topic, partition);
      return {
        release: () => reservation.release(),
        appendBatch: (batch, options) =>
          appending({ topic, partition }, () => reservation.appendBatch(batch, options)),
      };
    };
  }

  override append(
    topic: string,
    records: readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult> {
    if (!isRecorded()) return super.append(topic, records, options);
    return appending(
      { topic, partition: options?.partition },
      () => super.append(topic, records, options),
    );
  }

  override appendBatch(
    topic: string,
    batch: BatchView,
    options?: Omit<AppendOptions, "producer">,
  ): Promise<AppendResult> {
    if (!isRecorded()) return super.appendBatch(topic, batch, options);
    return appending(
      { topic, partition: options?.partition },
      () => super.appendBatch(topic, batch, options),
    );
  }

  override read(topic: string, offset: number, partition?: number): Promise<LogRecord> {
    if (!isRecorded()) return super.read(topic, offset, partition);
    return reading({ topic, partition }, 1, () => super.read(topic, offset, partition));
  }

  override readAll(
    topic: string,
    offsets: readonly number[],
    partition?: number,
  ): Promise<LogRecord[]> {
    if (!isRecorded()) return super.readAll(topic, offsets, partition);
    return reading(
      { topic, partition },
      offsets.length,
      () => super.readAll(topic, offsets, partition),
    );
  }

  /** Whoever follows does so for hours, which is no operation of a trace. */
  override batches(topic: string, options?: ReadOptions): AsyncIterableIterator<BatchView> {
    const batches = super.batches(topic, options);
    if (options?.follow || !isRecorded()) return batches;
    return new TracedBatches(batches, { topic, partition: options?.partition });
  }
}

interface Place {
  readonly topic: string;
  readonly partition: number | undefined;
}

function appending(place: Place, append: () => Promise<AppendResult>): Promise<AppendResult> {
  if (!isRecorded()) return append();
  return inSpan(messagingSpan("append", place, SpanKind.INTERNAL), async (span) => {
    const result = await append();
    noteAppended(span, result);
    return result;
  });
}

function reading<Result>(
  { topic, partition = 0 }: Place,
  records: number,
  read: () => Promise<Result>,
): Promise<Result> {
  return inSpan(messagingSpan("read", { topic, partition }, SpanKind.INTERNAL), async (span) => {
    const result = await read();
    span.setAttribute("messaging.batch.message_count", records);
    return result;
  });
}

/** Batches that are read within one span, from the first that is asked for to the end. */
class TracedBatches implements AsyncIterableIterator<BatchView> {
  readonly #batches: AsyncIterableIterator<BatchView>;
  readonly #place: Place;
  readonly #parent: Context = context.active();
  #span: Span | undefined;
  #records = 0;

  constructor(batches: AsyncIterableIterator<BatchView>, place: Place) {
    this.#batches = batches;
    this.#place = place;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<BatchView>> {
    const { topic, partition = 0 } = this.#place;
    const span = this.#span ??= startSpan(
      messagingSpan("read", { topic, partition }, SpanKind.INTERNAL),
      this.#parent,
    );
    try {
      const within = trace.setSpan(this.#parent, span);
      const result = await context.with(within, () => this.#batches.next());
      if (result.done) this.#end();
      else this.#records += result.value.header.recordCount;
      return result;
    } catch (error) {
      noteError(span, error);
      this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<BatchView>> {
    this.#end();
    return await this.#batches.return?.() ?? { done: true, value: undefined };
  }

  #end(): void {
    this.#span?.setAttribute("messaging.batch.message_count", this.#records);
    this.#span?.end();
    this.#span = undefined;
  }
}
