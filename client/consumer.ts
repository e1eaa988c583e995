/**
 * A consumer: follows the partitions of a topic, reads ahead while the caller works, and knows how
 * far it came.
 *
 * @module
 */
import type { Backend, TopicDetails } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import { type LostRange, readBatches } from "../core/reading.ts";
import { checkWhole } from "./check_whole.ts";
import { ConsumedBatch } from "./consumed_batch.ts";
import { type Arrival, MergedBatches } from "./merged_batches.ts";

/** What a consumer reads, and from where. */
export interface ConsumerOptions {
  /** The partitions; all of the topic unless given. */
  readonly partitions?: readonly number[];
  /**
   * Where to go on, by partition: a map, such as the `positions` of an earlier consumer.
   */
  readonly positions?: Iterable<readonly [partition: number, offset: number]>;
  /** Where to begin in partitions without a position: at the `start` unless given, or the `end`. */
  readonly from?: "start" | "end";
  /** Wait at the end for more; true unless given. */
  readonly follow?: boolean;
  /** Bytes that are read ahead, over all partitions; 32 MiB unless given. */
  readonly bufferBytesMax?: number;
  /** Ends it quietly. */
  readonly signal?: AbortSignal;
  /** Told of offsets that a repair gave up, which are passed over; without it they are an error. */
  readonly onLost?: (range: LostRange & { readonly partition: number }) => void;
}

const MIB = 1024 * 1024;
const BUFFER_BYTES_DEFAULT = 32 * MIB;

/**
 * Reads a topic of any backend, all partitions or some, from where the caller says.
 *
 * Order is that of the partition; partitions take turns. While the caller works, one batch of each
 * partition is read ahead, and over HTTP the next page of batches; a caller that takes its time is
 * waited for, and misses nothing. Positions are the caller's to keep.
 *
 * @example
 * ```ts
 * import { Consumer, Store } from "seglog";
 *
 * await using backend = await Store.memory(); // or connect("http://127.0.0.1:8080")
 * await backend.append("orders", [{ value: "a" }, { value: "b" }]);
 *
 * await using consumer = await Consumer.open(backend, "orders", { follow: false });
 * for await (const batch of consumer.batches()) {
 *   for (const record of batch) console.assert(record.offset < 2);
 *   // What is done is done: store consumer.positions here.
 * }
 * console.assert(consumer.positions.get(0) === 2);
 * ```
 */
export class Consumer implements AsyncDisposable {
  /** Name of the topic. */
  readonly topic: string;
  readonly #positions: Map<number, number>;
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal | undefined;
  /** What comes, by partition. */
  readonly #merged = new MergedBatches<number>();
  #failure: unknown;

  private constructor(
    backend: Backend,
    topic: string,
    places: readonly Place[],
    options: ConsumerOptions,
  ) {
    const { follow = true, bufferBytesMax = BUFFER_BYTES_DEFAULT, onLost } = options;
    this.topic = topic;
    this.#positions = new Map(places.map(({ partition, position }) => [partition, position]));
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#end, { once: true });
    const readAheadBytes = Math.ceil(bufferBytesMax / places.length);
    const { signal } = this.#ending;
    for (const { partition, from } of places) {
      const lost = (range: LostRange) => onLost?.({ ...range, partition });
      const batches = readBatches(backend, topic, {
        partition,
        from,
        follow,
        readAheadBytes,
        signal,
        ...onLost === undefined ? {} : { onLost: lost },
      });
      this.#merged.add(partition, batches);
    }
  }

  /**
   * A consumer of one topic, which begins to read at once.
   *
   * @throws {SeglogError} `not-found` for a topic or partition that is not there;
   * `invalid-argument`
   */
  static async open(
    backend: Backend,
    topic: string,
    options: ConsumerOptions = {},
  ): Promise<Consumer> {
    const { bufferBytesMax = BUFFER_BYTES_DEFAULT, signal } = options;
    checkWhole("bufferBytesMax", bufferBytesMax, [1, Number.MAX_SAFE_INTEGER]);
    signal?.throwIfAborted();
    const places = placesOf(await backend.describeTopic(topic), options);
    signal?.throwIfAborted();
    return new Consumer(backend, topic, places, options);
  }

  /**
   * The offset after the last record that was handed out, by partition. Stored when a batch is done,
   * and given to a later consumer, each record is seen once at least.
   */
  get positions(): ReadonlyMap<number, number> {
    return this.#positions;
  }

  /**
   * Batches as they come. Ends when the consumer is closed, its signal is aborted, or, where it does
   * not follow, everything was read. Leaving the loop loses nothing: another one goes on behind it;
   * several at a time share the batches between them.
   *
   * @throws {SeglogError} as `Backend.batches`, with the `partition` in the details, when everything
   * before it in the partition was handed out; the consumer is then at its end
   */
  async *batches(): AsyncGenerator<ConsumedBatch, void, undefined> {
    for (;;) {
      const arrival = await this.#next();
      if (arrival === undefined) break;
      const { source, batch } = arrival;
      const partition = source.place;
      if (batch === undefined) {
        this.#failure = this.#told(partition, arrival.error);
        this.#end();
        break;
      }
      this.#merged.readOn(source); // while the caller works
      const place = { topic: this.topic, partition };
      const consumed = new ConsumedBatch(place, batch, this.#positions.get(partition)!);
      this.#positions.set(partition, consumed.end);
      yield consumed;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the reading, and resolves when nothing of it is left. The backend stays open. */
  async close(): Promise<void> {
    this.#end();
    await this.#merged.close();
  }

  /** Closes the consumer at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #end = (): void => {
    this.#signal?.removeEventListener("abort", this.#end);
    this.#ending.abort();
    this.#merged.clear();
    this.#merged.wake();
  };

  async #next(): Promise<Arrival<number> | undefined> {
    for (;;) {
      if (this.#ending.signal.aborted) return undefined;
      const arrival = this.#merged.take();
      if (arrival !== undefined || this.#merged.isEmpty) return arrival;
      await this.#merged.wait();
    }
  }

  #told(partition: number, error: unknown): unknown {
    if (!(error instanceof SeglogError)) return error;
    return new SeglogError(
      error.code,
      `Cannot go on in partition ${partition} of "${this.topic}": ${error.message}`,
      { cause: error, details: { ...error.details, partition } },
    );
  }
}

/** Where a partition is read from. */
interface Place {
  readonly partition: number;
  /** The offset that comes next. */
  readonly position: number;
  /** The same, but `undefined` for the start, which may move until it is read. */
  readonly from: number | undefined;
}

/** @throws {SeglogError} `not-found`, `invalid-argument` */
function placesOf(topic: TopicDetails, options: ConsumerOptions): Place[] {
  const all = topic.partitions.map(({ partition }) => partition);
  const { partitions = all, from = "start" } = options;
  const positions = new Map(options.positions);
  const strange = [...partitions, ...positions.keys()].find((number) => !all.includes(number));
  if (strange !== undefined) {
    throw new SeglogError(
      "not-found",
      `Cannot consume partition ${strange} of "${topic.name}": it has partitions 0 to ${
        all.length - 1
      }`,
    );
  }
  if (partitions.length === 0 || new Set(partitions).size < partitions.length) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot consume partitions ${partitions.join(", ")} of "${topic.name}": name each once`,
    );
  }
  return partitions.map((partition) => {
    const { logStartOffset, nextOffset } = topic.partitions[partition]!;
    const given = positions.get(partition) ?? (from === "end" ? nextOffset : undefined);
    return { partition, position: given ?? logStartOffset, from: given };
  });
}
