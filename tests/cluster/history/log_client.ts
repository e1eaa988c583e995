/** A client that does one thing after another, chosen by a seed, and writes down what it was told. */
import {
  type Backend,
  type ErrorCode,
  type ProducerStamp,
  readRecords,
  type SeglogError,
} from "../../../mod.ts";
import type { Random } from "../../support/random.ts";
import type { Append, History, Operation, Read } from "./history.ts";
import { inTime } from "./in_time.ts";
import { nameOf, valueOf } from "./values.ts";

/** What clients do, and how. */
export interface Load {
  readonly topic: string;
  readonly partitions: number;
  /** What is never waited for longer: then it is a complaint. */
  readonly limitMs: number;
  /** Bytes that a value may have beside its name; now and then ten times as many. */
  readonly paddingMax: number;
  /** Between two operations of a client; nothing unless given. */
  readonly paceMs?: number;
}

/** A client's name, and what it is connected by. */
export interface Member {
  readonly name: string;
  readonly backend: Backend;
}

const TRIES_MAX = 6;
const WINDOW = 40;

/** What says that nothing was appended for now. */
const NOT_NOW: readonly ErrorCode[] = ["unavailable", "overloaded", "disk-full", "closed"];

export class LogClient {
  readonly #name: string;
  readonly #member: Member;
  readonly #history: History;
  readonly #random: Random;
  readonly #load: Load;
  /** Where it believes that the partitions end. */
  readonly #ends: number[];
  /** Its number at each partition. */
  readonly #sequences: number[];
  #epoch = 0;
  #operations = 0;

  constructor(
    name: string,
    { member, history, random, load }: {
      member: Member;
      history: History;
      random: Random;
      load: Load;
    },
  ) {
    this.#name = name;
    this.#member = member;
    this.#history = history;
    this.#random = random;
    this.#load = load;
    this.#ends = Array.from({ length: load.partitions }, () => 0);
    this.#sequences = Array.from({ length: load.partitions }, () => 0);
  }

  /** Goes on until it is told that it is over. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#step();
      await new Promise((resolve) => setTimeout(resolve, this.#load.paceMs));
    }
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const partition = random.below(this.#load.partitions);
    const die = random.below(100);
    if (die < 25) return await this.#appendAsProducer(partition);
    if (die < 45) return await this.#appendPlain(partition);
    if (die < 60) return await this.#appendAtEnd(partition);
    if (die < 75) return await this.#readPoint(partition);
    if (die < 88) return await this.#readRange(partition);
    if (die < 98) return await this.#readBounds(partition);
    await this.#truncate(partition);
  }

  /** Again and again under one number, until it is known; who gives up goes on with a new epoch. */
  async #appendAsProducer(partition: number): Promise<void> {
    const sequence = this.#sequences[partition]!;
    const producer = { id: this.#name, epoch: this.#epoch, sequence };
    const append = this.#beginAppend(partition, { producer });
    await this.#tryAgain(append);
    append.copiesMax = 1;
    if (append.outcome.kind === "acknowledged") this.#sequences[partition] = sequence + 1;
    else {
      this.#epoch++;
      this.#sequences.fill(0);
    }
  }

  async #appendPlain(partition: number): Promise<void> {
    const append = this.#beginAppend(partition, {});
    if (this.#random.chance(0.3)) await this.#tryAgain(append);
    else await this.#try(append);
    this.#endAppend(append);
  }

  async #appendAtEnd(partition: number): Promise<void> {
    if (this.#random.chance(0.7)) await this.#readBounds(partition);
    const off = this.#random.chance(0.1) ? this.#random.below(3) - 1 : 0;
    const expectedOffset = Math.max(0, this.#ends[partition]! + off);
    const append = this.#beginAppend(partition, { expectedOffset });
    await this.#try(append);
    this.#endAppend(append);
  }

  async #readPoint(partition: number): Promise<void> {
    const from = this.#someOffset(partition);
    const read = this.#beginRead("point", partition, from);
    await this.#note(read, async (backend, topic) => {
      const { offset, text } = await backend.read(topic, from, partition);
      this.#see(read, offset, text);
    });
  }

  async #readRange(partition: number): Promise<void> {
    const from = this.#random.chance(0.05) ? undefined : this.#someOffset(partition);
    const until = this.#random.chance(0.5) && from !== undefined
      ? from + 1 + this.#random.below(WINDOW)
      : undefined;
    const read = this.#beginRead("range", partition, from);
    await this.#note(read, async (backend, topic) => {
      const range = {
        partition,
        ...from === undefined ? {} : { from },
        ...until === undefined ? {} : { until },
      };
      for await (const { offset, text } of readRecords(backend, topic, range)) {
        this.#see(read, offset, text);
      }
      if (from === undefined && read.seen.length === 0) return; // the log may begin anywhere
      const end = Math.max(from ?? 0, read.endMin);
      read.endMin = end;
      if (until === undefined || end < until) read.endMax = end;
    });
  }

  async #readBounds(partition: number): Promise<void> {
    const read = this.#beginRead("bounds", partition);
    await this.#note(read, async (backend, topic) => {
      const bounds = await backend.bounds(topic, partition);
      const { logStartOffset, durableOffset, nextOffset } = bounds;
      read.endMin = read.endMax = this.#ends[partition] = nextOffset;
      read.startMin = logStartOffset;
      if (logStartOffset <= durableOffset && durableOffset <= nextOffset) return;
      this.#history.complaints.push(`${read.name} got the bounds ${JSON.stringify(bounds)}`);
    });
  }

  async #truncate(partition: number): Promise<void> {
    const before = Math.max(0, this.#ends[partition]! - this.#random.below(2 * WINDOW));
    const truncation = { ...this.#begin(partition), before, isAcknowledged: false };
    this.#history.truncations.push(truncation);
    try {
      await this.#inTime(truncation, (backend, topic) => {
        return backend.truncate(topic, { partition, before });
      });
      truncation.isAcknowledged = true;
    } catch (error) {
      this.#history.failureOf(truncation, error);
    }
    truncation.endedAt = this.#history.tick();
  }

  /**
   * Follows a partition from its start, past truncations and until it is told to end. Nobody follows
   * what is broken.
   */
  async follow(partition: number, { signal, reached }: {
    signal: AbortSignal;
    reached: (nextOffset: number) => void;
  }): Promise<void> {
    let from = 0;
    while (!signal.aborted) {
      const read = this.#beginRead("follow", partition, from);
      await this.#note(read, async (backend, topic) => {
        const range = { partition, from, follow: true, signal };
        for await (const { offset, text } of readRecords(backend, topic, range)) {
          this.#see(read, offset, text);
          from = offset + 1;
          reached(from);
        }
      }, Infinity);
      if (read.failure !== undefined && !NOT_NOW.includes(read.failure.code)) return;
      from = Math.max(from, read.startMin);
      await new Promise((resolve) => setTimeout(resolve, this.#load.paceMs));
    }
  }

  #beginAppend(
    partition: number,
    options: { expectedOffset?: number; producer?: ProducerStamp },
  ): Append {
    const operation = this.#begin(partition);
    const values = Array.from(
      { length: 1 + this.#random.below(3) },
      (_, i) => `${operation.name}.${i}`,
    );
    const append: Append = {
      ...operation,
      ...options,
      values,
      outcome: { kind: "unknown" },
      copiesMax: 0,
    };
    this.#history.appends.push(append);
    return append;
  }

  #endAppend(append: Append): void {
    append.copiesMax = Math.max(append.copiesMax, append.outcome.kind === "rejected" ? 0 : 1);
  }

  async #tryAgain(append: Append): Promise<void> {
    for (let tries = 1;; tries++) {
      await this.#try(append);
      const { outcome } = append;
      const isOver = outcome.kind === "acknowledged" ||
        (outcome.kind === "rejected" && !NOT_NOW.includes(outcome.code));
      if (isOver || tries === TRIES_MAX) return;
      await new Promise((resolve) => setTimeout(resolve, this.#load.paceMs));
    }
  }

  /** One try. What one left unknown, only an acknowledgement makes known again. */
  async #try(append: Append): Promise<void> {
    const { partition, expectedOffset, producer, copiesMax } = append;
    const records = append.values.map((name) => ({ value: valueOf(name, this.#padding()) }));
    try {
      const options = {
        partition,
        ...expectedOffset === undefined ? {} : { expectedOffset },
        ...producer === undefined ? {} : { producer },
      };
      const { start, end } = await this.#inTime(append, (backend, topic) => {
        return backend.append(topic, records, options);
      });
      append.outcome = { kind: "acknowledged", start, end };
      append.copiesMax++;
      this.#ends[partition] = end;
    } catch (error) {
      const failure = this.#history.failureOf(append, error);
      const isUnknown = failure === undefined || failure.code === "outcome-unknown";
      if (isUnknown) append.copiesMax++;
      if (!isUnknown && copiesMax === 0) {
        const { code } = failure;
        const { actual } = (error as SeglogError).details;
        const isEnd = producer === undefined && typeof actual === "number";
        append.outcome = { kind: "rejected", code, ...isEnd ? { actual } : {} };
        if (isEnd) this.#ends[partition] = actual;
      } else append.outcome = { kind: "unknown" };
    }
    append.endedAt = this.#history.tick();
  }

  #beginRead(kind: Read["kind"], partition: number, from?: number): Read {
    const read: Read = {
      ...this.#begin(partition),
      kind,
      ...from === undefined ? {} : { from },
      seen: [],
      endMin: 0,
      endMax: Infinity,
      startMin: 0,
    };
    this.#history.reads.push(read);
    return read;
  }

  #see(read: Read, offset: number, text: string): void {
    read.seen.push({ offset, value: nameOf(text), at: this.#history.tick() });
    read.endMin = Math.max(read.endMin, offset + 1);
  }

  /** Runs a read to its end. To be told that an offset is not there is an answer like another. */
  async #note(
    read: Read,
    run: (backend: Backend, topic: string) => Promise<void>,
    limitMs?: number,
  ): Promise<void> {
    try {
      await this.#inTime(read, run, limitMs);
    } catch (error) {
      const failure = this.#history.failureOf(read, error);
      if (failure?.code === "offset-out-of-range") {
        const { offset, logStartOffset, nextOffset } = (error as SeglogError).details;
        const isBelow = Number(offset) < Number(logStartOffset);
        if (isBelow) read.startMin = Number(logStartOffset);
        else read.endMin = read.endMax = Number(nextOffset);
      } else if (failure !== undefined) read.failure = failure;
    }
    read.endedAt = this.#history.tick();
  }

  #inTime<T>(
    { name }: Operation,
    run: (backend: Backend, topic: string) => Promise<T>,
    limitMs = this.#load.limitMs,
  ): Promise<T> {
    return inTime(() => run(this.#member.backend, this.#load.topic), { name, limitMs });
  }

  #begin(partition: number): Operation {
    return {
      name: `${this.#name}#${this.#operations++}`,
      client: this.#name,
      backend: this.#member.name,
      partition,
      startedAt: this.#history.tick(),
      endedAt: Infinity,
    };
  }

  #someOffset(partition: number): number {
    return Math.max(0, this.#ends[partition]! + 2 - this.#random.below(WINDOW));
  }

  #padding(): number {
    const most = this.#load.paddingMax * (this.#random.chance(0.02) ? 10 : 1);
    return this.#random.below(most + 1);
  }
}
