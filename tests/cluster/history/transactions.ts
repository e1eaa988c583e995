/**
 * Transactions of many clients on one bucket: transfers between accounts, counting, and looks at all
 * of it. Each written value is written once, so that what was read tells which write it was.
 */
import {
  type Backend,
  type ErrorCode,
  Kv,
  type KvSnapshot,
  type KvTransaction,
  readRecords,
  SeglogError,
} from "../../../mod.ts";
import { collect } from "../../support/collect.ts";
import { Random } from "../../support/random.ts";
import { inTime } from "./in_time.ts";
import type { Member } from "./log_client.ts";

/** What one transaction saw and wrote, and how it ended. */
export interface Transaction {
  readonly name: string;
  readonly kind: "transfer" | "count" | "look";
  /** The `Kv` it ran on. */
  readonly bucket: string;
  readonly startedAt: number;
  endedAt: number;
  /** Whether its bucket had caught up with everybody after it began. */
  isCaughtUp: boolean;
  /** The revision that it saw; -2 when it came to none. */
  snapshot: number;
  /** What each key was. */
  reads: ReadonlyMap<string, string | undefined>;
  /** What each key was to become, in this order. */
  writes: ReadonlyMap<string, string>;
  outcome:
    | { readonly kind: "committed"; readonly revision: number }
    | { readonly kind: "refused"; readonly code: ErrorCode }
    | { readonly kind: "unknown" };
}

/** All transactions, and the records of the bucket at the end, by revision. */
export interface TransactionHistory {
  readonly transactions: readonly Transaction[];
  readonly written: readonly { readonly key: string; readonly value: string }[];
  readonly complaints: readonly string[];
}

export interface TransactionRun {
  readonly bucket: string;
  readonly seed: number;
  readonly clients: number;
  readonly members: readonly Member[];
  readonly isOver: (transactions: number) => boolean;
  /** What it is made in, and read from at the end, when all is well. */
  readonly truth: () => Promise<Backend>;
  /** The longest that each step of a transaction may take. */
  readonly limitMs: number;
  readonly paceMs?: number;
}

export const ACCOUNTS: readonly string[] = ["a", "b", "c", "d", "e", "f"];
export const COUNTER = "n";
export const BALANCE = 100;

/** To open the bucket, to catch up, and to commit. */
const STEPS = 3;

/** The number in a value. */
export function amountOf(value: string): number {
  return Number(value.split(" ")[0]);
}

/**
 * Runs the clients to their end, on a bucket that is new.
 *
 * @param transactions where they are written down
 */
export async function runTransactions(
  transactions: Transaction[],
  run: TransactionRun,
): Promise<TransactionHistory> {
  const { bucket, clients, limitMs, members, paceMs } = run;
  const random = new Random(run.seed);
  const complaints: string[] = [];
  let now = 0;
  const truth = await run.truth();
  for (const { backend } of [{ backend: truth }, ...members]) {
    await backend.ensureTopic(bucket, { compaction: "none" }); // all records are needed at the end
  }
  await setUp(truth, bucket);
  const buckets = members.map((member) => new OpenBucket(member, bucket));

  const client = async (which: number, random: Random) => {
    const open = buckets[which % buckets.length]!;
    for (let count = 0; !run.isOver(transactions.length); count++) {
      const name = `teller-${which}#${count}`;
      const kind = random.pick(["transfer", "transfer", "count", "look"] as const);
      const transaction: Transaction = {
        name,
        kind,
        bucket: open.at,
        startedAt: ++now,
        endedAt: Infinity,
        isCaughtUp: false,
        snapshot: -2,
        reads: new Map(),
        writes: new Map(),
        outcome: { kind: "unknown" },
      };
      transactions.push(transaction);
      const catchesUp = random.chance(0.2);
      try {
        const run = (kv: Kv) => perform(kv, transaction, { random, catchesUp });
        await inTime(() => open.use(run), { name, limitMs: STEPS * limitMs });
      } catch (error) {
        if (error instanceof SeglogError) {
          const isUnknown = error.code === "outcome-unknown";
          transaction.outcome = isUnknown
            ? { kind: "unknown" }
            : { kind: "refused", code: error.code };
        } else complaints.push(`${name} ended with an error that is none of ours: ${error}`);
      }
      transaction.endedAt = ++now;
      await new Promise((resolve) => setTimeout(resolve, paceMs));
    }
  };
  await Promise.all(
    Array.from({ length: clients }, (_, which) => client(which, new Random(random.fork()))),
  );
  const records = await collect(readRecords(truth, bucket));
  await Promise.all(buckets.map((open) => inTime(() => open.close(), { name: "close", limitMs })));
  const written = records.map(({ keyText, offset, text }, due) => {
    if (offset !== due) complaints.push(`revision ${offset} is where ${due} is due`);
    return { key: keyText!, value: text };
  });
  return { transactions, written, complaints };
}

/** Puts something into all accounts. */
async function setUp(backend: Backend, bucket: string): Promise<void> {
  await using kv = await Kv.open(backend, bucket);
  await kv.transaction((tx) => {
    for (const account of ACCOUNTS) tx.set(account, `${BALANCE} at-first`);
    tx.set(COUNTER, "0 at-first");
  });
}

/** The bucket of a member: one that sees nothing any more is opened anew, as a server does. */
class OpenBucket {
  readonly at: string;
  readonly #open: () => Promise<Kv>;
  #kv: Promise<Kv> | undefined;

  constructor({ name, backend }: Member, bucket: string) {
    this.at = name;
    this.#open = () => Kv.open(backend, bucket);
  }

  async use(run: (kv: Kv) => Promise<void>): Promise<void> {
    const opening = this.#kv ??= this.#open();
    try {
      await run(await opening);
    } catch (error) {
      const isGone = error instanceof SeglogError && error.code === "unavailable";
      if (isGone && this.#kv === opening) {
        this.#kv = undefined;
        await opening.then((kv) => kv.close(), () => {}); // who did not open it has nothing to close
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    await (await this.#kv)?.close();
  }
}

async function perform(
  kv: Kv,
  transaction: Transaction,
  { random, catchesUp }: { random: Random; catchesUp: boolean },
): Promise<void> {
  if (catchesUp) await kv.catchUp();
  transaction.isCaughtUp = catchesUp;
  if (transaction.kind === "look") {
    using snapshot = kv.snapshot();
    await look(snapshot, transaction);
    transaction.outcome = { kind: "committed", revision: transaction.snapshot };
    return;
  }
  const { revision } = await kv.transaction((tx) => change(tx, transaction, random));
  transaction.outcome = { kind: "committed", revision };
}

async function look(snapshot: KvSnapshot, transaction: Transaction): Promise<void> {
  transaction.snapshot = snapshot.revision;
  const listed = await collect(snapshot.list());
  transaction.reads = new Map(listed.map(({ key, text }) => [key, text]));
}

async function change(tx: KvTransaction, transaction: Transaction, random: Random): Promise<void> {
  const { kind, name } = transaction;
  const [from, to] = twoOf(random);
  const keys = kind === "count" ? [COUNTER] : [from, to];
  const amount = 1 + random.below(20);
  const changes = kind === "count" ? [1] : [-amount, amount];
  const reads = new Map<string, string | undefined>();
  const writes = new Map<string, string>();
  transaction.snapshot = tx.revision;
  transaction.reads = reads;
  for (const key of keys) reads.set(key, (await tx.get(key))?.text);
  keys.forEach((key, i) => {
    writes.set(key, `${amountOf(reads.get(key) ?? "NaN") + changes[i]!} ${name}`);
  });
  // Known before it is asked for: what becomes of it may stay unknown.
  transaction.writes = writes;
  for (const [key, value] of writes) tx.set(key, value);
}

function twoOf(random: Random): readonly [string, string] {
  const from = random.below(ACCOUNTS.length);
  const to = (from + 1 + random.below(ACCOUNTS.length - 1)) % ACCOUNTS.length;
  return [ACCOUNTS[from]!, ACCOUNTS[to]!];
}
