/**
 * The life of a store on a disk of which one operation, or all of one kind for a while, fails. What
 * each call answered is noted, and compared with what is there: at the end, and after opening again.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { type ErrorCode, type RecordInput, SeglogError, Store, verify } from "../../mod.ts";
import type { Random } from "../support/random.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ShortWrite, TrickDisk } from "../support/trick_disk.ts";
import { findIn, type Found, type NotedAppend, type Outcome, TopicOracle } from "./oracle.ts";

/** Which operation fails, and how. */
export interface Fault {
  /**
   * An operation of the disk. A `short write` writes a part, and then fails; a `stuck write` does so
   * and cannot be taken back.
   */
  readonly kind: string;
  /** The first one that fails, from 1 on. */
  readonly nth: number;
  readonly code: "io" | "disk-full";
  /** Whether all later ones of its kind fail, too, until two more steps were taken. */
  readonly isLasting: boolean;
}

/** How a life ends before the store is opened again. */
export type Ending = "close" | "crash";

const FOLDER = "/store";
const STEPS_OF_A_LASTING_FAULT = 2;
const RETENTION_RECORDS = 6;
const BIG = "x".repeat(1500);
/** The only key of the topic that is compacted: no longer than compaction looks at. */
const KEY = "k".repeat(1000);

/** Operations that can fail. */
export const KINDS = [
  "write",
  "short write",
  "stuck write",
  "sync",
  "syncFolder",
  "open",
  "create",
  "rename",
  "removeFile",
  "removeFolder",
  "makeFolder",
  "list",
  "sizeOf",
  "size",
  "read",
] as const;

type Step = (life: FaultyLife) => Promise<void>;

const FIRST_STEPS: readonly Step[] = [
  (life) => life.ensure("t"),
  (life) => life.ensure("o", { sync: "os" }),
  (life) => life.ensure("i", { sync: "interval:100ms" }),
  (life) => life.ensure("c", { compaction: "keys" }),
  (life) => life.ensure("r", { retentionRecords: RETENTION_RECORDS, sync: "os" }),
];

/** What may come then; in this order it meets every kind of change. */
const STEPS: readonly Step[] = [
  (life) => life.append("t", 1),
  (life) => life.append("t", 3),
  (life) => life.appendTogether("t", 4),
  (life) => life.append("o", 2),
  (life) => life.append("i", 2),
  (life) => life.pass(100),
  (life) => life.produce("t", 2),
  (life) => life.produce("t", 1),
  (life) => life.append("t", 2, BIG),
  (life) => life.append("t", 2, BIG), // rolls
  (life) => life.append("o", 2, BIG),
  (life) => life.append("o", 2, BIG), // rolls, and syncs what was not synced
  (life) => life.appendTogether("t", 5, BIG), // rolls on the way
  (life) => life.produce("t", 1),
  (life) => life.truncateBefore("t", 4),
  (life) => life.append("t", 1),
  (life) => life.truncateAfter("t", 2),
  (life) => life.append("t", 2),
  (life) => life.flush("o"),
  (life) => life.append("r", 5, BIG),
  (life) => life.append("r", 5, BIG),
  (life) => life.maintain(),
  (life) => life.append("c", 3, KEY),
  (life) => life.append("c", 3, KEY), // rolls
  (life) => life.compact("c"),
  (life) => life.append("c", 2, KEY),
  (life) => life.compact("c"), // what is left of the first is removed
  (life) => life.ensure("u"),
  (life) => life.append("u", 1),
  (life) => life.configure("u"),
  (life) => life.append("u", 1),
  (life) => life.delete("u"),
  (life) => life.ensure("u"),
  (life) => life.append("u", 1),
  (life) => life.reopen(),
  (life) => life.produce("t", 1),
  (life) => life.append("t", 1),
  (life) => life.append("o", 1),
  (life) => life.truncateBefore("t", 1),
  (life) => life.append("i", 1),
  (life) => life.pull(),
  (life) => life.append("t", 1),
  (life) => life.append("o", 1),
  (life) => life.delete("u"),
];

/**
 * Lives through all steps, or through as many that `random` chooses, and checks what comes of it.
 *
 * @returns how many operations of each kind there were
 */
export async function liveThrough(
  fault: Fault | undefined,
  ending: Ending,
  random?: Random,
): Promise<Readonly<Record<string, number>>> {
  const life = new FaultyLife(fault);
  const steps = random === undefined ? STEPS : STEPS.map(() => random.pick(STEPS));
  for (const step of [...FIRST_STEPS, ...steps]) await life.take(step);
  await life.end(ending);
  return life.counts;
}

class FaultyLife {
  readonly counts: Record<string, number> = {};
  readonly #disk = new TrickDisk();
  readonly #clock = new FakeClock();
  readonly #topics = new Map<string, TopicOracle>();
  #fault: Fault | undefined;
  #stepsLeft = Infinity;
  /** Whether the last operation was a write that cannot be taken back. */
  #isStuck = false;
  #store: Store | undefined;
  /** The code of the last error that was not of an append. */
  #lastCode: ErrorCode | undefined;
  /** Topics whose deletion ended as unknown. */
  readonly #maybeDeleted = new Set<string>();
  #value = 0;
  #sequence = 0;
  /** An append of the producer that was not acknowledged yet. */
  #producing: { append: { values: string[]; outcome: Outcome }; topic: string } | undefined;

  constructor(fault: Fault | undefined) {
    this.#fault = fault;
    this.#disk.onOperation = (operation) => this.#operate(operation);
    this.#disk.onQuestion = (operation) => this.#operate(operation);
  }

  async take(step: (life: FaultyLife) => Promise<void>): Promise<void> {
    await this.#open();
    await step(this);
    if (--this.#stepsLeft <= 0) this.#fault = undefined;
    if (this.#fault === undefined) await this.#leavePoisoned();
  }

  async ensure(topic: string, config = {}): Promise<void> {
    const isNew = !this.#topics.has(topic);
    if (await this.#try((store) => store.ensureTopic(topic, { segmentBytes: 4096, ...config }))) {
      if (isNew) this.#topics.set(topic, new TopicOracle());
    }
  }

  async append(topic: string, count: number, padding = ""): Promise<void> {
    await this.#append(topic, this.#values(count), padding);
  }

  async appendTogether(topic: string, callers: number, padding = ""): Promise<void> {
    const batches = Array.from({ length: callers }, () => this.#values(2));
    await Promise.all(batches.map((values) => this.#append(topic, values, padding)));
  }

  /** Appends as a producer does that is not sure: again with the same number until it is told. */
  async produce(topic: string, count: number): Promise<void> {
    if (!this.#topics.has(topic)) return;
    for (const isRetry of [true, false]) {
      if (isRetry && this.#producing === undefined) continue;
      if (!isRetry) {
        const append = { values: this.#values(count), outcome: { kind: "rejected" } as Outcome };
        this.#producing = { append, topic };
        this.#topics.get(topic)!.appends.push(append);
      }
      const { append } = this.#producing!;
      for (let tries = 0; tries < 2; tries++) { // the second one also when the first was acknowledged
        const producer = { id: "p", epoch: 0, sequence: this.#sequence };
        const records = append.values.map((value) => ({ value }));
        const outcome = await this.#outcomeOf((store) =>
          store.append(topic, records, { producer })
        );
        if (outcome.kind === "acknowledged" && append.outcome.kind === "acknowledged") {
          assert.deepEqual(outcome, append.outcome, "a retry is answered as the first try");
        }
        append.outcome = worse(append.outcome, outcome);
      }
      if (append.outcome.kind !== "acknowledged") return;
      this.#sequence++;
      this.#producing = undefined;
    }
  }

  /** Makes `keep` the number of offsets that stay. */
  async truncateBefore(topic: string, keep: number): Promise<void> {
    const bounds = await this.#bounds(topic);
    if (bounds === undefined) return;
    const before = Math.max(bounds.logStartOffset, bounds.nextOffset - keep);
    const removal = { start: 0, end: before, isSure: false };
    this.#topics.get(topic)!.removed.push(removal);
    const after = await this.#try((store) => store.truncate(topic, { before }));
    if (after === undefined) return;
    removal.isSure = true;
    assert.equal(after.logStartOffset, before);
  }

  async truncateAfter(topic: string, cut: number): Promise<void> {
    const bounds = await this.#bounds(topic);
    if (bounds === undefined) return;
    const after = Math.max(bounds.logStartOffset - 1, bounds.nextOffset - 1 - cut);
    const removal = { start: after + 1, end: bounds.nextOffset, isSure: false };
    this.#topics.get(topic)!.removed.push(removal);
    removal.isSure = await this.#try((store) => store.truncate(topic, { after })) !== undefined;
  }

  async flush(topic: string): Promise<void> {
    if (await this.#try((store) => store.flush(topic).then(() => true)) === undefined) return;
    const bounds = await this.#bounds(topic);
    if (bounds !== undefined) assert.equal(bounds.durableOffset, bounds.nextOffset);
  }

  async maintain(): Promise<void> {
    await this.#try((store) => store.maintain());
  }

  async compact(topic: string): Promise<void> {
    const bounds = await this.#bounds(topic);
    if (bounds === undefined) return;
    // The last one stays, and all others may be gone, also when it fails on its way.
    const end = Math.max(0, bounds.nextOffset - 1);
    this.#topics.get(topic)!.removed.push({ start: 0, end, isSure: false });
    await this.#try((store) => store.compact(topic));
  }

  async configure(topic: string): Promise<void> {
    await this.#try((store) => store.configureTopic(topic, { segmentBytes: 8192 }));
  }

  async delete(topic: string): Promise<void> {
    const isDeleted = await this.#try((store) => store.deleteTopic(topic).then(() => true));
    if (isDeleted || await this.#isListed(topic) === false) this.#topics.delete(topic);
    else if (this.#lastCode === "outcome-unknown") this.#maybeDeleted.add(topic);
  }

  /** Lets time pass, for what is due then. */
  async pass(ms: number): Promise<void> {
    this.#clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async reopen(): Promise<void> {
    await this.#try((store) => store.close());
    this.#store = undefined;
  }

  /** Loses the power. */
  async pull(): Promise<void> {
    for (const [topic, oracle] of this.#topics) {
      const bounds = await this.#bounds(topic);
      const isSynced = !["o", "i", "r"].includes(topic);
      if (isSynced && bounds === undefined) continue; // it is not open, and loses nothing
      loseFrom(oracle, bounds?.durableOffset ?? 0, { isSynced });
    }
    const old = this.#store;
    this.#store = undefined;
    this.#disk.crash();
    await old?.close().catch(isOurs); // its lock is lost: it changes nothing
  }

  /** Without the fault, everything goes on; then the store ends, and the next one has it all. */
  async end(ending: Ending): Promise<void> {
    this.#fault = undefined;
    await this.#open();
    await this.#leavePoisoned();
    const before = new Map<string, Found>();
    for (const topic of this.#topics.keys()) {
      const { nextOffset } = await this.#store!.bounds(topic);
      const outcome = await this.#append(topic, this.#values(1));
      assert.deepEqual(outcome, { kind: "acknowledged", start: nextOffset, end: nextOffset + 1 });
    }
    await this.#store!.maintain(); // retention would overtake the reader
    for (const topic of this.#topics.keys()) before.set(topic, await this.#check(topic));
    if (ending === "crash") await this.pull();
    else await this.#store!.close();
    this.#store = await Store.open(FOLDER, this.#options);
    assert.deepEqual(
      (await this.#store.listTopics()).map(({ name }) => name),
      [...this.#topics.keys()].toSorted(),
    );
    for (const topic of this.#topics.keys()) {
      const after = await this.#check(topic);
      if (ending === "close") assert.deepEqual(after, without(before.get(topic)!, after.bounds));
    }
    await this.#store.close();
    const { ok, problems } = verify(FOLDER, { disk: this.#disk });
    assert.ok(ok, JSON.stringify(problems));
  }

  get #options() {
    return { disk: this.#disk, clock: this.#clock, autoCreateTopics: false };
  }

  /** Opens the store when it is not; without a fault that must be possible. */
  async #open(): Promise<void> {
    if (this.#store !== undefined) return;
    try {
      this.#store = await Store.open(FOLDER, this.#options);
    } catch (error) {
      isOurs(error);
      if (this.#fault === undefined) throw error;
    }
    if (this.#store === undefined) return;
    // What a change of the catalogue that failed came to is seen now.
    const listed = new Set((await this.#store.listTopics()).map(({ name }) => name));
    for (const topic of this.#topics.keys()) {
      if (listed.has(topic)) continue;
      assert.ok(this.#maybeDeleted.has(topic), `${topic} is lost`);
      this.#topics.delete(topic);
    }
    this.#maybeDeleted.clear();
    for (const topic of listed) {
      if (!this.#topics.has(topic)) this.#topics.set(topic, new TopicOracle());
    }
  }

  /** What the disk made unsure is closed and opened again, as its message says. */
  async #leavePoisoned(): Promise<void> {
    try {
      await this.#store?.maintain(); // asks the store itself
      for (const topic of this.#topics.keys()) await this.#store?.flush(topic);
    } catch (error) {
      isOurs(error);
      assert.equal((error as SeglogError).code, "poisoned", String(error));
      await this.reopen();
      await this.#open();
    }
  }

  async #check(topic: string): Promise<Found> {
    const found = await findIn(this.#store!, topic);
    this.#topics.get(topic)!.check(found);
    return found;
  }

  async #append(topic: string, values: string[], key = ""): Promise<Outcome> {
    const records: RecordInput[] = values.map((value) => ({ key, value }));
    const outcome = await this.#outcomeOf((store) => store.append(topic, records));
    const noted: NotedAppend = { values, outcome };
    const oracle = this.#topics.get(topic);
    oracle?.appends.push(noted);
    if (topic === "r" && outcome.kind === "acknowledged") {
      oracle!.removed.push({ start: 0, end: outcome.end - RETENTION_RECORDS, isSure: false });
    }
    return outcome;
  }

  async #outcomeOf(
    append: (store: Store) => Promise<{ start: number; end: number }>,
  ): Promise<Outcome> {
    if (this.#store === undefined) return { kind: "rejected" };
    try {
      const { start, end } = await append(this.#store);
      return { kind: "acknowledged", start, end };
    } catch (error) {
      isOurs(error);
      const isUnknown = (error as SeglogError).code === "outcome-unknown";
      return { kind: isUnknown ? "unknown" : "rejected" };
    }
  }

  async #try<T>(run: (store: Store) => Promise<T>): Promise<T | undefined> {
    if (this.#store === undefined) return undefined;
    try {
      return await run(this.#store);
    } catch (error) {
      isOurs(error);
      this.#lastCode = (error as SeglogError).code;
      return undefined;
    }
  }

  #bounds(topic: string) {
    if (!this.#topics.has(topic)) return Promise.resolve(undefined);
    return this.#try((store) => store.bounds(topic));
  }

  async #isListed(topic: string): Promise<boolean | undefined> {
    const topics = await this.#try((store) => store.listTopics());
    return topics?.some(({ name }) => name === topic);
  }

  #values(count: number): string[] {
    return Array.from({ length: count }, () => `${this.#value++}`);
  }

  #operate(operation: string): void {
    if (operation === "truncate" && this.#isStuck) throw new SeglogError("io", "truncate fails");
    this.#isStuck = false;
    this.#count(operation);
    if (operation !== "write") return;
    this.#count("short write");
    this.#count("stuck write");
  }

  #count(kind: string): void {
    const count = this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    const fault = this.#fault;
    if (fault?.kind !== kind) return;
    if (fault.isLasting ? count < fault.nth : count !== fault.nth) return;
    this.#stepsLeft = Math.min(this.#stepsLeft, STEPS_OF_A_LASTING_FAULT + 1);
    this.#isStuck = kind === "stuck write";
    if (kind.endsWith(" write")) throw new ShortWrite(0.5);
    throw new SeglogError(fault.code, `${kind} ${count} fails`);
  }
}

/** Every failure is told as an error of ours, and none is taken for damage. */
function isOurs(error: unknown): void {
  if (!(error instanceof SeglogError) || error.code === "corrupt") throw error;
}

/** What was found, less what retention took since. */
function without({ bounds, values }: Found, { logStartOffset }: Found["bounds"]): Found {
  return {
    bounds: { ...bounds, logStartOffset, durableOffset: bounds.nextOffset },
    values: new Map([...values].filter(([offset]) => offset >= logStartOffset)),
  };
}

function worse(before: Outcome, now: Outcome): Outcome {
  if (before.kind === "acknowledged") return before;
  if (now.kind === "acknowledged") return now;
  return before.kind === "unknown" ? before : now;
}

/** What a loss of power may take: under `always` nothing, else what no sync covered. */
function loseFrom(oracle: TopicOracle, durable: number, { isSynced }: { isSynced: boolean }): void {
  oracle.appends.forEach((append, i) => {
    const { outcome, values } = append;
    if (outcome.kind !== "acknowledged" || outcome.end <= durable) return;
    assert.equal(isSynced, false, `offset ${outcome.start} was acknowledged and is not durable`);
    oracle.appends[i] = { values, outcome: { kind: "unknown" } };
  });
}
