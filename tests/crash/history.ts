/**
 * What was asked of a store and what it answered, against the count of disk operations at that
 * moment: enough to say, for a crash after any operation, what has to be there.
 */
import type { ProducerStamp, RecordInput } from "../../mod.ts";

/** A call: it began before operation `startedAt`, and had returned before operation `doneAt`. */
export interface Span {
  readonly startedAt: number;
  /** Infinity until it has returned well. */
  doneAt: number;
}

/** Records that were given to one append. */
export interface AppendEvent extends Span {
  readonly values: readonly string[];
  /** The key of each record, if it has one. */
  readonly keys: readonly (string | undefined)[];
  readonly producer: ProducerStamp | undefined;
  /** Offset of the first record, once it is known. */
  start: number | undefined;
  /** Whether the answer said that a loss of power takes nothing of it. */
  isDurable: boolean;
}

/** One partition of a topic, as long as the topic is the same. */
export interface PartitionLife {
  readonly appends: AppendEvent[];
  /** The first readable offset moved, in steps, `from` one `to` another. */
  readonly starts: (Span & { readonly from: number; readonly to: number })[];
  /** Offsets `[start, end)` whose records were taken away. */
  readonly gaps: (Span & { readonly start: number; readonly end: number })[];
  /** When records that later ones with the same key replace may have been removed. */
  readonly compactions: Span[];
  /** What the log said was durable: everything below `offset`, before operation `at`. */
  readonly durable: { readonly at: number; readonly offset: number }[];
}

/** A topic from its creation to its deletion; one of the same name is another. */
export interface TopicLife {
  readonly name: string;
  readonly created: Span;
  deleted: Span | undefined;
  readonly partitions: readonly PartitionLife[];
}

/** Bytes at the end of a segment, or a whole one, that recovery does not believe: it keeps them. */
export interface CutBytes {
  readonly topic: TopicLife;
  /** Path of the segment. */
  readonly path: string;
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Everything that happened to a store. */
export class History {
  readonly topics: TopicLife[] = [];
  /** What the first opening has to cut off, and to keep. */
  readonly cut: CutBytes[] = [];
  /** Which append a value belongs to, and its place in it. */
  readonly values = new Map<string, { readonly append: AppendEvent; readonly index: number }>();
  #valueCount: number;

  /** @param valueCount values that were given before: none is given twice */
  constructor(valueCount = 0) {
    this.#valueCount = valueCount;
  }

  get valueCount(): number {
    return this.#valueCount;
  }

  /** A value that no other record has. */
  newValue(padding: string): string {
    return `${this.#valueCount++}|${padding}`;
  }

  /** Notes a topic; it is there for sure once its creation is done. */
  addTopic(name: string, partitions: number, startedAt: number): TopicLife {
    const topic: TopicLife = {
      name,
      created: { startedAt, doneAt: Infinity },
      deleted: undefined,
      partitions: Array.from(
        { length: partitions },
        () => ({ appends: [], starts: [], gaps: [], compactions: [], durable: [] }),
      ),
    };
    this.topics.push(topic);
    return topic;
  }

  /** Notes an append that is about to be made. */
  addAppend(
    partition: PartitionLife,
    records: readonly RecordInput[],
    options: { readonly startedAt: number; readonly producer?: ProducerStamp },
  ): AppendEvent {
    const values = records.map(({ value }) => value as string);
    const keys = records.map(({ key }) => key as string | undefined);
    const append: AppendEvent = {
      values,
      keys,
      producer: options.producer,
      startedAt: options.startedAt,
      doneAt: Infinity,
      start: undefined,
      isDurable: false,
    };
    partition.appends.push(append);
    values.forEach((value, index) => this.values.set(value, { append, index }));
    return append;
  }
}
