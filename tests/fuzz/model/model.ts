/**
 * What a backend is, without files: arrays of records, and the few rules that the contract has for
 * them.
 *
 * @module
 */
import {
  type Bounds,
  DEFAULT_TOPIC_CONFIG,
  type ErrorCode,
  type ProducerStamp,
  type RecordInput,
  type TopicConfig,
} from "../../../mod.ts";

/** A record of which only what is compared is kept. */
export interface ModelRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Offsets `[start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** That something is refused, with this code. */
export class Refusal extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

interface Append extends Range {
  readonly producer: ProducerStamp | undefined;
}

const PRODUCER_WINDOW = 5;

/** One partition. */
export class ModelPartition {
  start = 0;
  next = 0;
  /** Everything below must survive a crash. */
  durable = 0;
  /** What can be read, in offset order. */
  records: ModelRecord[] = [];
  /** Everything that was ever acknowledged, by offset. */
  readonly history = new Map<number, ModelRecord>();
  #appends: Append[] = [];

  get bounds(): Pick<Bounds, "logStartOffset" | "nextOffset"> {
    return { logStartOffset: this.start, nextOffset: this.next };
  }

  /** Where records go, or went at the first try of a producer. @throws {Refusal} */
  append(
    records: readonly RecordInput[],
    options: { producer?: ProducerStamp; expectedOffset?: number; isSynced: boolean },
  ): Range {
    const { producer, expectedOffset, isSynced } = options;
    const done = producer === undefined ? undefined : this.#check(producer);
    if (done !== undefined) {
      if (isSynced) this.durable = Math.max(this.durable, done.end);
      return { start: done.start, end: done.end };
    }
    if (expectedOffset !== undefined && expectedOffset !== this.next) {
      throw new Refusal("condition-failed");
    }
    const range = { start: this.next, end: this.next + records.length };
    for (const [i, record] of records.entries()) {
      const added = modelRecord(record, this.next + i);
      this.records.push(added);
      this.history.set(added.offset, added);
    }
    this.next = range.end;
    this.#appends.push({ ...range, producer });
    if (isSynced) this.durable = this.next;
    return range;
  }

  /** The last appends of a producer and epoch, oldest first. */
  recent(id: string): (Range & ProducerStamp)[] {
    const all = this.#appends.flatMap(({ start, end, producer }) =>
      producer?.id === id ? [{ ...producer, start, end }] : []
    );
    const epoch = all.at(-1)?.epoch;
    return all.filter((append) => append.epoch === epoch).slice(-PRODUCER_WINDOW);
  }

  truncateBefore(offset: number): void {
    if (offset > this.next) throw new Refusal("offset-out-of-range");
    if (offset <= this.start) return;
    this.start = offset;
    this.records = this.records.filter((record) => record.offset >= offset);
    this.durable = Math.max(this.durable, offset);
  }

  truncateAfter(offset: number): void {
    const start = offset + 1;
    if (start < this.start || start > this.next) throw new Refusal("offset-out-of-range");
    if (start === this.next) return;
    if (start === this.start) return this.truncateBefore(this.next);
    this.records = this.records.filter((record) => record.offset < start);
    this.durable = this.next; // the log rolled, or was synced before that
  }

  read(from = this.start, until = Infinity): ModelRecord[] {
    if (from < this.start || from > this.next) throw new Refusal("offset-out-of-range");
    return this.records.filter(({ offset }) => offset >= from && offset < until);
  }

  readOne(offset: number): ModelRecord {
    if (offset < this.start || offset >= this.next) throw new Refusal("offset-out-of-range");
    const record = this.records.find((record) => record.offset === offset);
    if (record === undefined) throw new Refusal("not-found");
    return record;
  }

  offsetAt(timestamp: number): number {
    return this.records.find((record) => record.timestamp >= timestamp)?.offset ?? this.next;
  }

  /** The start that retention by count and by age comes to. */
  retained({ retentionRecords, retentionMs }: TopicConfig, nowMs: number): number {
    const beyond = retentionRecords === null ? undefined : this.records.at(-retentionRecords - 1);
    const byCount = beyond === undefined ? 0 : this.#after(beyond.offset);
    const byAge = retentionMs === null ? 0 : this.offsetAt(nowMs - retentionMs);
    return Math.max(this.start, byCount, byAge);
  }

  /** Forgets what a crash took: everything from `next` on. */
  cutBack(next: number): void {
    this.records = this.records.filter(({ offset }) => offset < next);
    for (const offset of this.history.keys()) if (offset >= next) this.history.delete(offset);
    this.#appends = this.#appends.filter(({ end }) => end <= next);
    this.next = next;
    this.durable = next;
  }

  /** Whether an append ends here, so that a crash may have left just what is before. */
  isBoundary(offset: number): boolean {
    return offset === this.durable || offset === this.next ||
      this.#appends.some(({ end }) => end === offset);
  }

  #after(offset: number): number {
    return this.records.find((record) => record.offset > offset)?.offset ?? this.next;
  }

  #check(producer: ProducerStamp): Range | undefined {
    const recent = this.recent(producer.id);
    const last = recent.at(-1);
    if (last === undefined || producer.epoch > last.epoch) return undefined;
    const done = recent.find(({ sequence }) => sequence === producer.sequence);
    if (producer.epoch < last.epoch) throw new Refusal("condition-failed");
    if (done !== undefined) return done;
    if (producer.sequence === last.sequence + 1) return undefined;
    throw new Refusal("condition-failed");
  }
}

/** One topic. */
export interface ModelTopic {
  config: TopicConfig;
  readonly partitions: readonly ModelPartition[];
}

/** All topics by name. */
export class Model {
  readonly topics = new Map<string, ModelTopic>();
  readonly #defaults: Partial<TopicConfig>;

  constructor(defaults: Partial<TopicConfig>) {
    this.#defaults = defaults;
  }

  topic(name: string): ModelTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw new Refusal("not-found");
    return topic;
  }

  partition(name: string, partition: number): ModelPartition {
    const found = this.topic(name).partitions[partition];
    if (found === undefined) throw new Refusal("not-found");
    return found;
  }

  /** @returns whether it was made */
  ensure(name: string, asked: Partial<TopicConfig>): boolean {
    const known = this.topics.get(name);
    if (known === undefined) {
      const config = { ...DEFAULT_TOPIC_CONFIG, ...this.#defaults, ...asked };
      const partitions = Array.from({ length: config.partitions }, () => new ModelPartition());
      this.topics.set(name, { config, partitions });
      return true;
    }
    for (const [setting, value] of Object.entries(asked)) {
      if (known.config[setting as keyof TopicConfig] !== value) throw new Refusal("exists");
    }
    return false;
  }

  configure(name: string, asked: Partial<TopicConfig>): TopicConfig {
    const topic = this.topic(name);
    const { partitions = topic.config.partitions } = asked;
    if (partitions !== topic.config.partitions) throw new Refusal("invalid-argument");
    topic.config = { ...topic.config, ...asked };
    return topic.config;
  }
}

function modelRecord(record: RecordInput, offset: number): ModelRecord {
  const { key = null, value, timestamp, headers = {} } = record;
  return {
    offset,
    timestamp: timestamp!,
    key: key as string | null,
    value: value as string | null,
    headers: { ...headers },
  };
}
