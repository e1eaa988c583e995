/**
 * A cluster that is used while something happens to it: clients append, read, follow and move money
 * through several backends, and afterwards the histories are checked.
 */
import { setTimeout as delay } from "node:timers/promises";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { type Backend, type ErrorCode, NodeBackend, SeglogError, Store } from "../../mod.ts";
import type { NatsCluster } from "../support/nats.ts";
import { checkLog } from "./history/check_log.ts";
import type { Scope } from "./history/check_reads.ts";
import { checkTransactions } from "./history/check_transactions.ts";
import { type Append, History, type Operation, type Read } from "./history/history.ts";
import { runLog } from "./history/log_run.ts";
import { runTransactions, type Transaction } from "./history/transactions.ts";

/** What clients are connected by, and what it promises. */
export interface LoadedMember extends AsyncDisposable {
  readonly name: string;
  readonly backend: Backend;
  readonly sees: Scope;
}

export interface LoadOptions {
  /** Names topic and bucket: not used before. */
  readonly name: string;
  readonly seed: number;
  readonly members: readonly LoadedMember[];
  /** The longest that an operation may take. */
  readonly limitMs: number;
}

const PARTITIONS = 2;
const CLIENTS = 6;
const TELLERS = 3;
const PACE_MS = 10;
const PADDING_MAX = 2000;
const LOOK_MS = 20;
/** An election takes some seconds, a restart may cost two of them, and a busy machine many times that. */
const WAIT_MS = 180_000;
const PROBE_MS = 3000;
/** What may happen to a read while servers are away. */
const TOLERATED: readonly ErrorCode[] = ["unavailable"];

/** A backend right on the cluster. */
export async function directMember(
  name: string,
  { url, sees = "everybody", timeoutMs }: { url: string; sees?: Scope; timeoutMs: number },
): Promise<LoadedMember> {
  const backend = await JetStreamBackend.open(`${url}/?replicas=3`, { timeoutMs });
  return { name, backend, sees, [Symbol.asyncDispose]: () => backend.close() };
}

/** A node that has a copy of what the cluster has: it promises that whoever writes through it sees that. */
export async function nodeMember(
  name: string,
  { url, timeoutMs }: { url: string; timeoutMs: number },
): Promise<LoadedMember> {
  const source = await JetStreamBackend.open(`${url}/?replicas=3`, { timeoutMs });
  const backend = new NodeBackend(source, await Store.memory(), { waitMs: timeoutMs });
  return { name, backend, sees: "backend", [Symbol.asyncDispose]: () => backend.close() };
}

/** What can be waited for while clients are busy. */
export class Busy {
  readonly #history: History;
  readonly #transactions: readonly Transaction[];

  constructor(history: History, transactions: readonly Transaction[]) {
    this.#history = history;
    this.#transactions = transactions;
  }

  /** Resolves when appends and transactions that began from now on were acknowledged. */
  async writesGoOn(members: readonly LoadedMember[]): Promise<void> {
    const since = this.#history.tick();
    const begun = this.#transactions.length;
    const isMade = ({ startedAt, outcome }: Append) =>
      startedAt > since && outcome.kind === "acknowledged";
    await until("writes go on", () => [
      ...this.#without(members, this.#history.appends, isMade),
      ...this.#transactions.slice(begun).some(({ kind, outcome }) =>
          kind !== "look" && outcome.kind === "committed"
        )
        ? []
        : ["transactions"],
    ]);
  }

  /** Resolves when reads that began from now on have ended well. */
  async readsGoOn(members: readonly LoadedMember[]): Promise<void> {
    const since = this.#history.tick();
    const isRead = ({ startedAt, endedAt, failure, kind }: Read) =>
      startedAt > since && endedAt < Infinity && kind === "range" && failure === undefined;
    await until("reads go on", () => this.#without(members, this.#history.reads, isRead));
  }

  /** Resolves when appends that began from now on have failed, or nobody knows. */
  async writesFail(members: readonly LoadedMember[]): Promise<void> {
    const since = this.#history.tick();
    const isFailed = ({ startedAt, endedAt, outcome }: Append) =>
      startedAt > since && endedAt < Infinity &&
      (outcome.kind === "unknown" ||
        (outcome.kind === "rejected" && outcome.code === "unavailable"));
    await until("writes fail", () => this.#without(members, this.#history.appends, isFailed));
  }

  /** The members of which there is no such operation. */
  #without<Kind extends Operation>(
    members: readonly LoadedMember[],
    operations: readonly Kind[],
    isIt: (operation: Kind) => boolean,
  ): string[] {
    return members.map(({ name }) => name)
      .filter((name) => !operations.some((one) => one.backend === name && isIt(one)));
  }
}

/**
 * Runs clients while `act` does what it does, until it is over and writes go on.
 *
 * @returns what is wrong, by the histories
 */
export async function underLoad(
  cluster: NatsCluster,
  { name, seed, members, limitMs }: LoadOptions,
  act: (busy: Busy) => Promise<void>,
): Promise<string[]> {
  await using truth = await directMember("truth", { url: cluster.url, timeoutMs: WAIT_MS });
  for (const { backend } of [truth, ...members]) {
    await backend.ensureTopic(name, { partitions: PARTITIONS });
  }
  const history = new History();
  const transactions: Transaction[] = [];
  let isOver = false;
  const run = {
    seed,
    members,
    limitMs,
    paceMs: PACE_MS,
    isOver: () => isOver,
    truth: () => Promise.resolve(truth.backend),
  };
  const load = { topic: name, partitions: PARTITIONS, paddingMax: PADDING_MAX };
  const log = runLog(history, { ...run, ...load, clients: CLIENTS });
  const bucket = `${name}-accounts`;
  const money = runTransactions(transactions, { ...run, bucket, clients: TELLERS });
  const busy = new Busy(history, transactions);
  const acting = (async () => {
    try {
      await busy.writesGoOn(members);
      await act(busy);
      await busy.writesGoOn(members);
    } finally {
      isOver = true;
    }
  })();
  const [final, moved] = await Promise.all([log, money, acting]);
  const scopes = new Map(members.map(({ name, sees }) => [name, sees]));
  const seenBy = (backend: string) => scopes.get(backend)!;
  return [
    ...checkLog(history, final, { seenBy, tolerated: TOLERATED }),
    ...checkTransactions(moved, { seesAll: (backend) => seenBy(backend) === "everybody" }),
  ];
}

/** Resolves when a cluster that was shaken is whole again, and makes topics, asked at each node. */
export async function settled(cluster: NatsCluster): Promise<void> {
  await cluster.settled();
  const endMs = Date.now() + WAIT_MS;
  for (const url of cluster.urls) {
    while (!await isSettled(url)) {
      if (Date.now() > endMs) throw new Error(`The cluster is not whole after ${WAIT_MS} ms`);
      await delay(LOOK_MS);
    }
  }
}

async function isSettled(url: string): Promise<boolean> {
  try {
    await using probe = await directMember("probe", { url, timeoutMs: PROBE_MS });
    await probe.backend.ensureTopic("probe");
    await probe.backend.deleteTopic("probe");
    return true;
  } catch (error) {
    if (error instanceof SeglogError && error.code === "unavailable") return false;
    throw error;
  }
}

/** Looks again and again until nothing is missing. @throws {Error} when it takes too long */
async function until(what: string, missing: () => string[]): Promise<void> {
  const endMs = Date.now() + WAIT_MS;
  for (let left; (left = missing()).length > 0; await delay(LOOK_MS)) {
    if (Date.now() > endMs) throw new Error(`${what}: not in ${WAIT_MS} ms for ${left.join(", ")}`);
  }
}
