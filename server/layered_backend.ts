/**
 * A backend before another one, which looks at who comes by: the names of topics, and what is told
 * of errors, can be others on its two sides.
 *
 * @module
 */
import type {
  AppendOptions,
  AppendResult,
  Backend,
  Bounds,
  Capabilities,
  CompactResult,
  CompactTopicOptions,
  Hints,
  ReadOptions,
  Reservation,
  TopicDetails,
  TopicInfo,
  TruncateOptions,
} from "../core/backend.ts";
import type { Following } from "../core/following_contract.ts";
import type { Election } from "../core/election_contract.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { LogRecord, RecordInput } from "../core/format/record.ts";
import type { TopicConfig } from "../core/topic_config.ts";
import type { Scope } from "./access/grant.ts";

/** What a layer does with what comes by. What it does not say passes as it is. */
export interface Passage {
  /**
   * Called first, with a topic as the caller names it and what is to be done with it.
   *
   * @returns the name that the backend below knows
   * @throws whatever refuses it
   */
  enter?(topic: string, use: Scope | "see"): string;
  /** What a topic of the backend below is called here; `undefined` is not shown. */
  shownName?(topic: string): string | undefined;
  /** What a duty is called below, among those of all who use the backend there. */
  dutyName?(duty: string): string;
  /** What is told of an error of the backend below. */
  told?(error: unknown): unknown;
}

/** Passes everything on, by way of its passage. Closing it closes nothing: it is a view. */
export class LayeredBackend implements Backend {
  readonly #inner: Backend;
  readonly #passage: Passage;
  /** Views keep what they know beside the topics of the backend below. */
  readonly hints?: Hints;
  readonly election?: Election;
  readonly hold?: Backend["hold"];
  readonly segments?: Backend["segments"];
  /** Of a class that changes what is appended, its own. */
  reserve?: Backend["reserve"];

  constructor(inner: Backend, passage: Passage = {}) {
    this.#inner = inner;
    this.#passage = passage;
    const { hints, election } = inner;
    if (election !== undefined) this.election = this.#layeredElection(election);
    if (hints !== undefined) this.hints = this.#layeredHints(hints);
    if (inner.hold !== undefined) {
      this.hold = (topic, offset, partition) =>
        inner.hold!(this.#enter(topic, "consume"), offset, partition);
    }
    if (inner.segments !== undefined) {
      this.segments = (topic) => this.#pass(topic, "see", (name) => inner.segments!(name));
    }
    if (inner.reserve !== undefined) {
      this.reserve = (topic, partition) =>
        this.#pass(
          topic,
          "produce",
          async (name) =>
            this.#layeredReservation(topic, name, await inner.reserve!(name, partition)),
        );
    }
  }

  get capabilities(): Capabilities {
    return this.#inner.capabilities;
  }

  /** Of the topics that are shown. */
  get following(): Following | undefined {
    const { following } = this.#inner;
    const { shownName, enter } = this.#passage;
    if (following === undefined || (shownName ?? enter) === undefined) return following;
    const shown = () =>
      following.partitions.flatMap((each) => {
        const topic = this.#shownName(each.topic);
        return topic === undefined ? [] : [{ ...each, topic }];
      });
    const { origin, source, ready } = following;
    return {
      ...origin && { origin: new LayeredBackend(origin, this.#passage) },
      ...{ source, ready },
      get isReady() {
        return following.isReady;
      },
      get wasWhole() {
        return following.wasWhole;
      },
      get isConnected() {
        return following.isConnected;
      },
      get partitions() {
        return shown();
      },
    };
  }

  async listTopics(): Promise<TopicInfo[]> {
    return (await this.#inner.listTopics()).flatMap((info) => {
      const name = this.#shownName(info.name);
      return name === undefined ? [] : [{ ...info, name }];
    });
  }

  describeTopic(topic: string): Promise<TopicDetails> {
    return this.#pass(topic, "see", async (name) => ({
      ...await this.#inner.describeTopic(name),
      name: topic,
    }));
  }

  ensureTopic(
    topic: string,
    config?: Partial<TopicConfig>,
  ): Promise<{ created: boolean; topic: TopicInfo }> {
    return this.#pass(topic, "admin", async (name) => {
      const made = await this.#inner.ensureTopic(name, config);
      return { ...made, topic: { ...made.topic, name: topic } };
    });
  }

  configureTopic(topic: string, changes: Partial<TopicConfig>): Promise<TopicInfo> {
    return this.#pass(topic, "admin", async (name) => ({
      ...await this.#inner.configureTopic(name, changes),
      name: topic,
    }));
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#pass(topic, "admin", (name) => this.#inner.deleteTopic(name));
  }

  append(
    topic: string,
    records: readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult> {
    return this.#pass(
      topic,
      "produce",
      (name) => named(topic, name, this.#inner.append(name, records, options)),
    );
  }

  appendBatch(
    topic: string,
    batch: BatchView,
    options?: Omit<AppendOptions, "producer">,
  ): Promise<AppendResult> {
    return this.#pass(
      topic,
      "produce",
      (name) => named(topic, name, this.#inner.appendBatch(name, batch, options)),
    );
  }

  bounds(topic: string, partition?: number): Promise<Bounds> {
    return this.#pass(topic, "see", (name) => this.#inner.bounds(name, partition));
  }

  read(topic: string, offset: number, partition?: number): Promise<LogRecord> {
    return this.#pass(topic, "consume", (name) => this.#inner.read(name, offset, partition));
  }

  readAll(topic: string, offsets: readonly number[], partition?: number): Promise<LogRecord[]> {
    return this.#pass(topic, "consume", (name) => this.#inner.readAll(name, offsets, partition));
  }

  offsetAt(topic: string, timestampMs: number, partition?: number): Promise<number> {
    return this.#pass(
      topic,
      "consume",
      (name) => this.#inner.offsetAt(name, timestampMs, partition),
    );
  }

  batches(topic: string, options?: ReadOptions): AsyncIterableIterator<BatchView> {
    const batches = this.#inner.batches(this.#enter(topic, "consume"), options);
    return this.#passage.told === undefined ? batches : this.#toldBatches(batches);
  }

  truncate(topic: string, options: TruncateOptions): Promise<Bounds> {
    return this.#pass(topic, "admin", (name) => this.#inner.truncate(name, options));
  }

  compact(topic: string, options?: CompactTopicOptions): Promise<CompactResult> {
    return this.#pass(topic, "admin", async (name) => ({
      ...await this.#inner.compact(name, options),
      topic,
    }));
  }

  flush(topic: string): Promise<void> {
    return this.#pass(topic, "produce", (name) => this.#inner.flush(name));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #enter(topic: string, use: Scope | "see"): string {
    return this.#passage.enter?.(topic, use) ?? topic;
  }

  #shownName(topic: string): string | undefined {
    return this.#passage.shownName === undefined ? topic : this.#passage.shownName(topic);
  }

  /** Whatever refuses or fails is a promise that is rejected, and told in the words of this side. */
  #pass<Result>(
    topic: string,
    use: Scope | "see",
    run: (name: string) => Promise<Result>,
  ): Promise<Result> {
    try {
      return this.#told(run(this.#enter(topic, use)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async *#toldBatches(
    batches: AsyncIterableIterator<BatchView>,
  ): AsyncGenerator<BatchView, void, undefined> {
    try {
      yield* batches;
    } catch (error) {
      throw this.#passage.told!(error);
    }
  }

  #layeredElection(election: Election): Election {
    const { dutyName } = this.#passage;
    if (dutyName === undefined) return election;
    return {
      campaign: (duty, candidate) => election.campaign(dutyName(duty), candidate),
      request: (duty, question, options) => election.request(dutyName(duty), question, options),
    };
  }

  #layeredHints(hints: Hints): Hints {
    return {
      open: (topic, name) => hints.open(this.#enter(topic, "consume"), name),
      pathOf: (topic, name) => hints.pathOf?.(this.#enter(topic, "consume"), name),
      keep: (topic, name, pieces) =>
        this.#pass(topic, "consume", (below) => hints.keep(below, name, pieces)),
    };
  }

  #layeredReservation(topic: string, name: string, reservation: Reservation): Reservation {
    return {
      release: () => reservation.release(),
      appendBatch: (batch, options) =>
        this.#told(named(topic, name, reservation.appendBatch(batch, options))),
    };
  }

  #told<Result>(running: Promise<Result>): Promise<Result> {
    const { told } = this.#passage;
    return told === undefined ? running : running.catch((error) => {
      throw told(error);
    });
  }
}

/** Where records went, with the topic as it is called here. */
function named(
  topic: string,
  below: string,
  appending: Promise<AppendResult>,
): Promise<AppendResult> {
  return topic === below ? appending : appending.then((result) => ({ ...result, topic }));
}
