/**
 * Work that never ends, for a process that will be killed: many callers on topics of every sync
 * mode, batches, a producer that tries again, truncations, compaction, a topic that comes and goes. What
 * it does is told as it happens, so that whoever kills it knows what was acknowledged.
 */
import { type Backend, SeglogError } from "../../mod.ts";

/** What the workload tells: before what takes something away, and after everything. */
export type Told =
  | { readonly did: "append"; topic: string; values: readonly string[]; start: number; end: number }
  | { readonly did: "truncating" | "truncate"; readonly topic: string; readonly before: number }
  | { readonly did: "create" | "deleting" | "delete"; readonly topic: string }
  /** It cannot go on: something threw. */
  | { readonly did: "fail"; readonly why: string };

/** Where a workload goes on. */
export interface WorkloadOptions {
  /** No other workload on the same store has this name. */
  readonly name: string;
  /** The number of the producer's next append: the first one that was not acknowledged. */
  readonly sequence: number;
}

/** Topics that stay, and how they sync. */
export const SYNCS = {
  ...{ a: "always", i: "interval:20ms", o: "os", p: "always", c: "always" } as const,
};
/** The topic that is compacted all the time. */
export const COMPACTED = "c";
/** The topic that comes and goes. */
export const FLEETING = "x";
/** The topic of the producer, whose values only depend on the number. */
export const PRODUCED = "p";
const SEGMENT_BYTES = 8192;
const CALLERS = 2;
const KEPT = 40;

/** The key of all records with a label: some have the same. */
export function keyOf(label: string): string {
  return "k".repeat(label.length * 37 % 400);
}

/** Works on a store, or on a server, until something throws. */
export async function workload(
  backend: Backend,
  options: WorkloadOptions,
  tell: (told: Told) => void,
): Promise<void> {
  let hasFailed = false;
  const untilItFails = async (step: (n: number) => Promise<void>) => {
    try {
      for (let n = 0; !hasFailed; n++) await step(n);
    } catch (error) {
      hasFailed = true;
      const isOurs = error instanceof SeglogError;
      tell({ did: "fail", why: isOurs ? `${error.code}: ${error.message}` : `${error}` });
    }
  };
  const append = async (topic: string, label: string, count: number, settings = {}) => {
    const values = Array.from({ length: count }, (_, i) => `${topic}.${label}.${i}.${count}`);
    const key = keyOf(label);
    const records = values.map((value) => ({ key, value }));
    const { start, end } = await backend.append(topic, records, settings);
    tell({ did: "append", topic, values, start, end });
  };

  const { name } = options;
  let { sequence } = options;
  const topics = Object.keys(SYNCS) as (keyof typeof SYNCS)[];
  const makeTopics = async () => {
    for (const topic of topics) {
      const compaction = topic === COMPACTED ? "keys" : "none";
      const settings = { sync: SYNCS[topic], segmentBytes: SEGMENT_BYTES, compaction } as const;
      await backend.ensureTopic(topic, settings);
    }
  };
  const call = (topic: string, caller: number) => (n: number) =>
    append(topic, `${name}/${caller}/${n}`, 1 + n % 4);
  const produce = async (n: number) => {
    const settings = { producer: { id: "producer", epoch: 0, sequence } };
    await append(PRODUCED, `${sequence}`, 1, settings);
    if (n % 3 === 0) await append(PRODUCED, `${sequence}`, 1, settings); // was it heard?
    sequence++;
  };
  const truncate = async (n: number) => {
    const topic = topics[n % topics.length]!;
    const { logStartOffset, nextOffset } = await backend.bounds(topic);
    const before = Math.max(logStartOffset, nextOffset - KEPT);
    tell({ did: "truncating", topic, before });
    await backend.truncate(topic, { before });
    tell({ did: "truncate", topic, before });
    for (let i = 0; i < 5; i++) await append("a", `${name}/truncate/${n}/${i}`, 1);
  };
  const compact = async (n: number) => {
    await backend.compact(COMPACTED);
    await append("a", `${name}/compact/${n}`, 1);
  };
  const comeAndGo = async (n: number) => {
    await backend.ensureTopic(FLEETING);
    tell({ did: "create", topic: FLEETING });
    for (let i = 0; i < 3; i++) await append(FLEETING, `${name}/${n}/${i}`, 2);
    tell({ did: "deleting", topic: FLEETING });
    await backend.deleteTopic(FLEETING);
    tell({ did: "delete", topic: FLEETING });
  };

  const called = topics.filter((topic) => topic !== PRODUCED);
  await untilItFails(async (n) => {
    if (n === 0) return await makeTopics();
    const callers = called.flatMap((topic) =>
      Array.from({ length: CALLERS }, (_, caller) => untilItFails(call(topic, caller)))
    );
    await Promise.all([...callers, ...[produce, truncate, compact, comeAndGo].map(untilItFails)]);
  });
}
