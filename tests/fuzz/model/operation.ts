/**
 * What can be done to a backend, as data: a sequence can be printed, run again, and made shorter.
 * Offsets are said relative to where a partition starts or ends, so that an operation still means
 * something when those before it are left out.
 *
 * @module
 */
import type { RecordInput, SyncMode, TopicConfig } from "../../../mod.ts";
import type { Codec } from "../../../core/format/compression.ts";
import type { Random } from "../../support/random.ts";

/** An offset, counted from an end of a partition as the model knows it. */
export interface Place {
  readonly from: "start" | "end";
  readonly delta: number;
}

/** One partition of one topic. */
interface Spot {
  readonly topic: string;
  readonly partition: number;
}

/** A record to append; its value tells which one it is. */
export interface RecordSpec {
  readonly name: number;
  readonly bytes: number;
  readonly key: string | null;
  readonly timestamp: number;
  readonly isTombstone: boolean;
}

/** What a producer does next, of all that it could. */
export type ProducerStep = "next" | "again" | "oldest" | "skipped" | "replaced" | "new epoch";

export type Operation =
  | {
    readonly kind: "append";
    readonly topic: string;
    /** Chosen by the key, or by the backend, unless given. */
    readonly partition?: number;
    readonly records: readonly RecordSpec[];
    readonly expected?: "right" | "wrong";
    readonly sync?: SyncMode;
    /** Encoded by the caller, so compressed. */
    readonly codec?: Codec;
  }
  | Spot & {
    readonly kind: "produce";
    readonly producer: string;
    readonly step: ProducerStep;
    readonly records: readonly RecordSpec[];
    readonly codec?: Codec;
  }
  | Spot & { readonly kind: "burst"; readonly appends: readonly (readonly RecordSpec[])[] }
  | Spot & { readonly kind: "truncate"; readonly side: "before" | "after"; readonly at: Place }
  | Spot & {
    readonly kind: "read";
    readonly from?: Place;
    readonly until?: Place;
    readonly reverse: boolean;
  }
  | Spot & { readonly kind: "read one"; readonly at: Place }
  | Spot & { readonly kind: "find time"; readonly timestamp: number }
  | Spot & { readonly kind: "follow"; readonly from: Place }
  | { readonly kind: "catch up" }
  | { readonly kind: "flush"; readonly topic: string }
  | { readonly kind: "ensure"; readonly topic: string; readonly config: Partial<TopicConfig> }
  | { readonly kind: "configure"; readonly topic: string; readonly config: Partial<TopicConfig> }
  | { readonly kind: "delete"; readonly topic: string }
  | { readonly kind: "maintain"; readonly laterMs: number }
  | { readonly kind: "reopen" }
  | { readonly kind: "crash" };

const TOPICS = ["orders", "a/b"];
const PARTITIONS = [0, 0, 0, 1, 2, 7];
const SYNCS: readonly SyncMode[] = ["always", "os", "interval:5s"];
const CODECS: readonly Codec[] = ["none", "gzip", "zstd"];
const STEPS: readonly ProducerStep[] = [
  ...["next", "next", "next", "next", "next", "next", "next", "next", "next"] as const,
  ...["again", "oldest", "oldest", "skipped", "replaced", "new epoch"] as const,
];
const TIME_MS = 1_000_000;

/** A sequence of operations, many of which touch each other. */
export function randomOperations(random: Random, count: number): Operation[] {
  const start: Operation = { kind: "ensure", topic: TOPICS[0]!, config: randomConfig(random) };
  return [start, ...Array.from({ length: count }, () => randomOperation(random))];
}

function randomOperation(random: Random): Operation {
  const topic = random.pick([TOPICS[0]!, TOPICS[0]!, TOPICS[0]!, TOPICS[1]!]);
  const spot = { topic, partition: random.pick(PARTITIONS) };
  const dice = random.below(100);
  if (dice < 24) return randomAppend(random, topic);
  if (dice < 42) return randomProduce(random);
  if (dice < 46) {
    const appends = Array.from({ length: 2 + random.below(5) }, () => specs(random));
    return { kind: "burst", ...spot, appends };
  }
  if (dice < 56) {
    return { kind: "truncate", ...spot, side: random.pick(["before", "after"]), at: place(random) };
  }
  if (dice < 66) {
    const range = {
      ...random.chance(0.7) ? { from: place(random) } : {},
      ...random.chance(0.7) ? { until: place(random) } : {},
    };
    return { kind: "read", ...spot, ...range, reverse: random.chance(0.4) };
  }
  if (dice < 71) return { kind: "read one", ...spot, at: place(random) };
  if (dice < 75) return { kind: "find time", ...spot, timestamp: time(random) };
  if (dice < 78) return { kind: "follow", ...spot, from: place(random) };
  if (dice < 82) return { kind: "catch up" };
  if (dice < 84) return { kind: "flush", topic };
  if (dice < 87) return { kind: "ensure", topic, config: randomConfig(random) };
  if (dice < 91) return { kind: "configure", topic, config: randomChanges(random) };
  if (dice < 92) return { kind: "delete", topic };
  if (dice < 95) return { kind: "maintain", laterMs: random.pick([0, 1, 50, 1000]) };
  return { kind: random.pick(["reopen", "crash"]) };
}

function randomAppend(random: Random, topic: string): Operation {
  const isChosen = random.chance(0.3);
  const key = random.pick([null, "k1", "k2", "k3"]);
  const records = specs(random).map((record) => isChosen ? { ...record, key } : record);
  return {
    kind: "append",
    topic,
    ...isChosen ? {} : { partition: random.pick(PARTITIONS) },
    records,
    ...!isChosen && random.chance(0.3) ? { expected: random.pick(["right", "wrong"]) } : {},
    ...random.chance(0.4) ? { sync: random.pick(SYNCS) } : {},
    ...codec(random),
  };
}

/** Mostly in one place: a producer has to do much before any of it is forgotten. */
function randomProduce(random: Random): Operation {
  return {
    kind: "produce",
    topic: TOPICS[0]!,
    partition: random.pick([0, 0, 0, 0, 1]),
    producer: random.pick(["p", "p", "p", "q"]),
    step: random.pick(STEPS),
    records: specs(random),
    ...codec(random),
  };
}

function specs(random: Random): RecordSpec[] {
  return Array.from({ length: random.pick([1, 1, 2, 3, 8]) }, () => ({
    name: random.below(1_000_000),
    bytes: random.pick([1, 20, 300, 1500]),
    key: random.pick([null, "k1", "k2"]),
    timestamp: time(random),
    isTombstone: random.chance(0.1),
  }));
}

function randomConfig(random: Random): Partial<TopicConfig> {
  return {
    ...random.chance(0.5) ? { partitions: random.pick([1, 2, 3]) } : {},
    ...random.chance(0.3) ? randomChanges(random) : {},
  };
}

function randomChanges(random: Random): Partial<TopicConfig> {
  return random.pick<Partial<TopicConfig>>([
    { retentionRecords: random.pick([null, 1, 5, 20]) },
    { retentionMs: random.pick([null, 100, 1000]) },
    { retentionBytes: random.pick([null, 1, 6000]) },
    { sync: random.pick(SYNCS) },
    { compression: random.pick(CODECS) },
    { segmentAgeMs: random.pick([1, 60_000]) },
    { segmentBytes: random.pick([4096, 8192]) },
    { partitions: random.pick([1, 2]) },
  ]);
}

function codec(random: Random): { codec?: Codec } {
  return random.chance(0.3) ? { codec: random.pick(CODECS) } : {};
}

/** Mostly within a partition, or just outside of it. */
function place(random: Random): Place {
  const from = random.pick(["start", "end"] as const);
  const delta = random.pick([-2, -1, 0, 0, 1, 2, random.below(30)]);
  return { from, delta: from === "start" ? delta : -delta };
}

function time(random: Random): number {
  return TIME_MS + random.below(2000);
}

/** The record that a backend is given. */
export function recordOf({ name, bytes, key, timestamp, isTombstone }: RecordSpec): RecordInput {
  const value = isTombstone ? null : `${name}.`.padEnd(bytes, "x");
  return { key, value, timestamp, headers: name % 3 === 0 ? { name: String(name) } : undefined };
}
