/**
 * Writes to one partition: one message at a time is on its way, and what comes meanwhile goes with the
 * next. That is group commit. Others may write to the same stream from anywhere: whoever is first has
 * the place, and the rest look again.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { PRODUCERS_MAX } from "../core/base/limits.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { Codec } from "../core/format/compression.ts";
import type { ProducerState } from "../core/format/producer_state.ts";
import type { RecordInput } from "../core/format/record.ts";
import {
  AppendQueue,
  type AppendTerms,
  type QueuedControl,
  type WrittenRange,
} from "./append_queue.ts";
import type { Connection } from "./connection.ts";
import type { PartitionStream, Tip } from "./partition_stream.ts";
import { planMessage } from "./plan_message.ts";
import { findProducerState } from "./producer_states.ts";
import { Publisher } from "./publisher.ts";

/** Appends to one partition, and changes it. */
export class PartitionWriter {
  readonly #stream: PartitionStream;
  readonly #publisher: Publisher;
  readonly #queue: AppendQueue;
  /** The end behind our last message, until somebody else turns out to have written. */
  #tip: Tip | undefined;
  /** Producers as they are at that end, as far as they were asked for. */
  readonly #producers = new Map<string, ProducerState | undefined>();
  #pumping: Promise<void> | undefined;
  #isClosed = false;

  constructor(stream: PartitionStream, connection: Connection) {
    this.#stream = stream;
    this.#publisher = new Publisher(stream, connection);
    this.#queue = new AppendQueue(stream.what);
  }

  /** Appends records as one atomic batch. */
  append(records: readonly RecordInput[], terms: AppendTerms): Promise<WrittenRange> {
    this.#checkOpen();
    return this.#pumped(this.#queue.add(records, terms));
  }

  /** Appends a batch that is encoded, and checked. */
  appendBatch(
    batch: BatchView,
    options: { readonly codec: Codec; readonly expectedOffset?: number | undefined },
  ): Promise<WrittenRange> {
    this.#checkOpen();
    return this.#pumped(this.#queue.addBatch(batch, options));
  }

  /** Takes in a batch of another log, at its own offset or not at all. */
  mirror(batch: BatchView): Promise<WrittenRange> {
    this.#checkOpen();
    const { baseOffset: expectedOffset } = batch;
    const options = { codec: "none", expectedOffset, isMirrored: true } as const;
    return this.#pumped(this.#queue.addBatch(batch, options));
  }

  /** Changes the log without records, as the state says that it then has. */
  control(decide: QueuedControl["decide"]): Promise<void> {
    this.#checkOpen();
    return this.#pumped(this.#queue.addControl(decide));
  }

  /** Resolves when all that waits now has been acknowledged, or turned away; later ones are not waited for. */
  async settled(): Promise<void> {
    if (this.#pumping === undefined) return;
    await this.#queue.addControl(() => undefined).catch(() => {}); // turned away with those before it
  }

  /** Finishes what waits, and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pumping;
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new SeglogError("closed", `Cannot append to ${this.#stream.what}: the backend is closed`);
  }

  #pumped<T>(done: Promise<T>): Promise<T> {
    this.#pumping ??= Promise.resolve().then(() => this.#pump());
    return done;
  }

  /** Callers of one turn share the first message. */
  async #pump(): Promise<void> {
    while (!this.#queue.isEmpty) {
      try {
        await this.#publishNext();
      } catch (error) { // the end cannot be found: nobody who waits can be served
        this.#forget();
        this.#queue.rejectAll(error);
      }
    }
    this.#pumping = undefined;
  }

  async #publishNext(): Promise<void> {
    const isFresh = this.#tip === undefined;
    const tip = this.#tip ??= await this.#stream.tip();
    const { first } = this.#queue;
    const producer = first?.kind === "batch" && first.producer !== undefined
      ? await this.#producerState(first.producer.id)
      : undefined;
    const message = planMessage(this.#queue, {
      what: this.#stream.what,
      state: tip.state,
      isFresh,
      producer,
      bytesMax: this.#publisher.bytesMax,
    });
    if (message === "look") return this.#forget();
    if (message === undefined) return;
    let stored: Tip | undefined;
    try {
      stored = await this.#publisher.publish(message, tip);
    } catch (error) {
      this.#forget();
      this.#stream.doubtTip();
      for (const queued of message.taken) queued.reject(error);
      return this.#giveUp(error);
    }
    if (stored === undefined) {
      this.#forget();
      this.#queue.putBack(message.taken);
      return;
    }
    this.#tip = stored;
    this.#stream.noteTip(stored);
    if (message.producer !== undefined) this.#note(message.producer);
    message.settle();
  }

  /** Where the cluster is away, or the stream is gone, what waits behind it need not try. */
  #giveUp(error: unknown): void {
    const { code } = error as SeglogError;
    if (code === "not-found" || code === "unavailable") return this.#queue.rejectAll(error);
    if (code !== "outcome-unknown") return;
    this.#queue.rejectAll(
      new SeglogError(
        "unavailable",
        `Cannot append to ${this.#stream.what}: an append before it got no answer in time; try again`,
        { cause: error },
      ),
    );
  }

  async #producerState(id: string): Promise<ProducerState | undefined> {
    if (!this.#producers.has(id)) {
      this.#producers.set(id, await findProducerState(this.#stream, id));
    }
    return this.#producers.get(id);
  }

  #note(state: ProducerState): void {
    this.#producers.delete(state.id); // put back as the most recently seen
    this.#producers.set(state.id, state);
    if (this.#producers.size > PRODUCERS_MAX) {
      this.#producers.delete(this.#producers.keys().next().value!);
    }
  }

  /** Somebody else may have written: all is looked at anew. */
  #forget(): void {
    this.#tip = undefined;
    this.#producers.clear();
  }
}
