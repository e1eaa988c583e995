/**
 * A producer: collects records into batches, and sends each batch once and no more.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Backend } from "../core/backend.ts";
import type { ByteWriter } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import { checkedProducer } from "../core/format/batch_builder.ts";
import type { RecordInput } from "../core/format/record.ts";
import { partitionOf } from "../core/partitioner.ts";
import { Intake, type Work } from "./intake.ts";
import type { OutgoingBatch, Sender, SentRecord } from "./outgoing_batch.ts";
import { type LaneContext, ProducerLane } from "./producer_lane.ts";
import { checkedOptions, type ProducerOptions } from "./producer_options.ts";

/** Waiting that can be ended. */
export interface SendOptions {
  /** Ends the waiting for room. A record that was taken is sent all the same. */
  readonly signal?: AbortSignal;
}

/** Memory of batches that is kept for later ones. */
const SPARES_MAX = 4;
/** Epochs of one millisecond: each failure of a producer takes one, and so does each producer. */
const EPOCHS_PER_MS = 1000;

/** The highest epoch that this process made of the time. */
let lastEpoch = 0;

/**
 * Sends records to one topic of any backend, many at a time.
 *
 * Records are encoded at once into the batch of their partition. One batch of a partition is under
 * way at a time while the next fills, so order within a partition is kept; partitions go side by
 * side. Batches are numbered: however often the connection is lost, and the backend tries again, a
 * batch is stored once. When a batch fails, what was taken behind it for that partition fails as
 * well, and nothing overtakes it.
 *
 * Memory is bounded by `bufferBytesMax`; beyond it `send` and `write` wait until there is room.
 *
 * @example
 * ```ts
 * import { Producer, Store } from "seglog";
 *
 * await using backend = await Store.memory(); // or connect("http://127.0.0.1:8080")
 * await using producer = await Producer.open(backend, "orders", { lingerMs: 5 });
 *
 * const { offset } = await producer.send({ key: "u1", value: "hello" }); // when it is stored
 * await producer.write([{ value: "a" }, { value: "b" }]); // when there is room
 * await producer.flush(); // when all is stored
 * console.assert(offset === 0 && (await backend.bounds("orders")).nextOffset === 3);
 * ```
 */
export class Producer implements AsyncDisposable {
  /** Name of the topic. */
  readonly topic: string;
  /** The name by which the log knows this producer. */
  readonly id: string;
  readonly #now: () => number;
  readonly #intake: Intake;
  readonly #lanes: readonly ProducerLane[];
  /** The partition of all records, when it was given. */
  readonly #partition: number | undefined;
  /** The partition of records without a key, until their batch is sent. */
  #turn: number;
  readonly #spares: ByteWriter[] = [];
  /** The first failure, and the number, of written records that nobody was told of yet. */
  #untold: { readonly error: unknown; records: number } | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    backend: Backend,
    place: { readonly topic: string; readonly partitions: number },
    options: ReturnType<typeof checkedOptions>,
  ) {
    const { topic, partitions } = place;
    const { clock, sync, lingerMs, batchBytes } = options;
    this.topic = topic;
    this.id = options.id ?? randomBytes(12).toString("base64url");
    this.#now = () => clock.now();
    this.#partition = options.partition;
    this.#turn = partitionOf(this.id, partitions);
    this.#intake = new Intake(options.bufferBytesMax, () => this.#hurry());
    const { epoch } = checkedProducer({
      id: this.id,
      epoch: options.epoch ?? newEpoch(clock.now()),
      sequence: 0,
    });
    const context: LaneContext = {
      topic,
      id: this.id,
      epoch,
      batchBytes,
      lingerMs,
      clock,
      append: async (batch, partition) =>
        await backend.appendBatch(topic, batch, { partition, sync }),
      memory: () => this.#spares.pop(),
      onDone: (batch, memory) => this.#done(batch, memory),
      onFailed: (batch, error) => this.#failed(batch, error),
    };
    this.#lanes = Array.from({ length: partitions }, (_, n) => new ProducerLane(n, context));
  }

  /**
   * A producer for one topic, which is made, as by `ensureTopic`, when it is not there.
   *
   * @throws {SeglogError} `invalid-argument` for an option; `not-found` for a partition; what the
   * backend throws
   */
  static async open(
    backend: Backend,
    topic: string,
    options: ProducerOptions = {},
  ): Promise<Producer> {
    const checked = checkedOptions(options);
    const partitions = await partitionsOf(backend, topic);
    const { partition = 0 } = options;
    if (Number.isInteger(partition) && partition >= 0 && partition < partitions) {
      return new Producer(backend, { topic, partitions }, checked);
    }
    throw new SeglogError(
      "not-found",
      `Cannot produce to partition ${partition} of "${topic}": it has partitions 0 to ${
        partitions - 1
      }`,
    );
  }

  /** Bytes of batches that are not acknowledged yet. */
  get bufferedBytes(): number {
    return this.#intake.bytes;
  }

  /**
   * Sends one record.
   *
   * @returns where it is, when it is acknowledged
   * @throws {SeglogError} `invalid-record` or `too-large`; what the backend says of its batch, or
   * of one before it in the partition; `outcome-unknown`, with the `partition` and the offset
   * `from` which to look for it in the details; `condition-failed` when another producer has taken
   * over the id; `closed`
   */
  send(record: RecordInput, { signal }: SendOptions = {}): Promise<SentRecord> {
    return new Promise((resolve, reject) => {
      const sender: Sender = { resolve, reject };
      const step = () => {
        this.#add(record, this.#now(), sender);
        return true;
      };
      this.#enter({ step, reject, signal });
    });
  }

  /**
   * Takes records without a promise for each. What became of them, `flush` tells.
   *
   * @returns when all are taken, which is when there is room for them
   * @throws {SeglogError} `invalid-record` or `too-large`: those before it are taken; `closed`;
   * what was written earlier and failed, which nobody was told of yet: then the rest is not taken
   */
  write(records: Iterable<RecordInput>, { signal }: SendOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const rest = records[Symbol.iterator]();
      const fail = (error: unknown) => {
        rest.return?.();
        reject(error);
      };
      let next = rest.next();
      const step = () => {
        this.#throwUntold();
        const nowMs = this.#now();
        for (; !next.done; next = rest.next()) {
          if (!this.#intake.hasRoom) return false;
          this.#add(next.value, nowMs, undefined);
        }
        resolve();
        return true;
      };
      this.#enter({ step, reject: fail, signal });
    });
  }

  /**
   * Sends everything that was given so far, without waiting for more.
   *
   * @returns when all of it is acknowledged, or has failed and those who sent it were told
   * @throws {SeglogError} why records that were written are not acknowledged, and how many
   * (`records` in the details), when nobody was told of them yet
   */
  async flush(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const step = () => {
        resolve(); // everything before it in the line is taken
        return true;
      };
      this.#intake.enter({ step, reject });
    });
    this.#hurry();
    await Promise.all(this.#lanes.map(({ settled }) => settled));
    this.#throwUntold();
  }

  /** Takes no more, and flushes. The backend stays open. Throws as {@linkcode Producer.flush}. */
  close(): Promise<void> {
    this.#closing ??= this.flush();
    return this.#closing;
  }

  /** Closes the producer at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #enter(work: Work): void {
    if (this.#closing === undefined) return this.#intake.enter(work);
    work.reject(
      new SeglogError("closed", `Cannot send to "${this.topic}": this producer is closed`),
    );
  }

  #add(record: RecordInput, nowMs: number, sender: Sender | undefined): void {
    this.#intake.take(this.#laneOf(record).add(record, nowMs, sender));
  }

  #laneOf({ key }: RecordInput): ProducerLane {
    const lanes = this.#lanes;
    if (this.#partition !== undefined) return lanes[this.#partition]!;
    if (key !== undefined && key !== null) return lanes[partitionOf(key, lanes.length)]!;
    if (lanes[this.#turn]!.isEmpty) this.#turn = (this.#turn + 1) % lanes.length;
    return lanes[this.#turn]!;
  }

  #hurry(): void {
    for (const lane of this.#lanes) lane.hurry();
  }

  #done(batch: OutgoingBatch, memory: ByteWriter): void {
    if (this.#spares.length < SPARES_MAX) this.#spares.push(memory);
    this.#intake.give(batch.bytes);
  }

  #failed(batch: OutgoingBatch, error: unknown): void {
    const { writtenCount } = batch;
    if (writtenCount > 0) {
      this.#untold ??= { error, records: 0 };
      this.#untold.records += writtenCount;
    }
    this.#intake.give(batch.bytes);
  }

  #throwUntold(): void {
    if (this.#untold === undefined) return;
    const { error, records } = this.#untold;
    this.#untold = undefined;
    if (!(error instanceof SeglogError)) throw error;
    throw new SeglogError(
      error.code,
      `${records} records that were written to "${this.topic}" are not acknowledged: ${error.message}`,
      { cause: error, details: { ...error.details, records } },
    );
  }
}

/**
 * Higher than that of every producer that this process made, and of those that others made before
 * this millisecond. Under an equal one the log would take what is new for a retry.
 */
function newEpoch(nowMs: number): number {
  lastEpoch = Math.max(lastEpoch + 1, EPOCHS_PER_MS * nowMs);
  return lastEpoch;
}

/** The number of partitions of a topic, which is made when it is not there. */
async function partitionsOf(backend: Backend, topic: string): Promise<number> {
  try {
    return (await backend.describeTopic(topic)).config.partitions;
  } catch (error) {
    if (!(error instanceof SeglogError) || error.code !== "not-found") throw error;
    return (await backend.ensureTopic(topic)).topic.config.partitions;
  }
}
