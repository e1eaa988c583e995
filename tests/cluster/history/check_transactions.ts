/**
 * Says which promises of transactions a history breaks, one line each. The revisions are the order
 * of commits, and every value is written once: what depends on what is known, not guessed (Adya,
 * "Weak Consistency", 1999; Kingsbury and Alvaro, "Elle", 2020).
 *
 * - Each saw one moment: what it read is the latest at its snapshot.
 * - Nothing that it read or wrote was changed between its snapshot and its commit: the order of
 *   commits is one in which they could have run one after another.
 * - All of it is there, or nothing, and nothing of what was refused.
 */
import {
  ACCOUNTS,
  amountOf,
  BALANCE,
  COUNTER,
  type Transaction,
  type TransactionHistory,
} from "./transactions.ts";

/** @param seesAll whether who caught up by a backend sees what was committed by way of any */
export function checkTransactions(
  history: TransactionHistory,
  { seesAll }: { seesAll: (backend: string) => boolean },
): string[] {
  const { transactions, written } = history;
  return [
    ...history.complaints,
    ...transactions.flatMap((transaction) => [
      ...checkMoment(transaction, written),
      ...checkCommit(transaction, written),
    ]),
    ...checkTotals(history),
    ...checkFreshness(transactions, seesAll),
  ];
}

type Written = TransactionHistory["written"];

function latest(written: Written, key: string, revision: number): string | undefined {
  return written.slice(0, revision + 1).findLast((each) => each.key === key)?.value;
}

function checkMoment({ name, reads, snapshot }: Transaction, written: Written): string[] {
  const found: string[] = [];
  for (const [key, value] of reads) {
    const due = latest(written, key, snapshot);
    if (value !== due) {
      found.push(`${name} saw ${key} = ${value} at ${snapshot}, and it was ${due}`);
    }
  }
  return found;
}

function checkCommit({ name, outcome, reads, snapshot, writes }: Transaction, written: Written) {
  if (writes.size === 0) return [];
  const wanted = [...writes];
  const places = wanted.map(([key, value]) =>
    written.flatMap((each, i) => each.key === key && each.value === value ? [i] : [])
  );
  const shown = wanted.map(([key, value], i) => `${key} = ${value} at [${places[i]}]`).join(", ");
  const copies = places[0]!.length;
  const first = places[0]![0];
  if (outcome.kind === "refused") {
    return places.some((at) => at.length > 0)
      ? [`${name} was refused (${outcome.code}), and is there: ${shown}`]
      : [];
  }
  if (copies > 1) return [`${name} is there twice: ${shown}`];
  const isWhole = places.every((at, i) => at.length === copies && at[0] === addTo(first, i));
  if (!isWhole) return [`${name} is torn: ${shown}`];
  if (outcome.kind === "committed" && addTo(first, wanted.length - 1) !== outcome.revision) {
    return [`${name} was committed as ${outcome.revision}: ${shown}`];
  }
  if (first === undefined) return [];
  const found: string[] = [];
  for (const key of new Set([...reads.keys(), ...writes.keys()])) {
    const before = latest(written, key, snapshot);
    const overtaken = latest(written, key, first - 1);
    if (before === overtaken) continue;
    found.push(`${name}: ${key} became ${overtaken} between its snapshot ${snapshot} and ${first}`);
  }
  return found;
}

function addTo(first: number | undefined, count: number): number | undefined {
  return first === undefined ? undefined : first + count;
}

/** No money comes or goes, whoever looks, and each count counts. */
function checkTotals({ transactions, written }: TransactionHistory): string[] {
  const total = ACCOUNTS.length * BALANCE;
  const sum = (balances: ReadonlyMap<string, string | undefined>) =>
    ACCOUNTS.reduce((sum, account) => sum + amountOf(balances.get(account) ?? "NaN"), 0);
  const looks = [
    ...transactions.filter(({ kind, reads }) => kind === "look" && reads.size > 0),
    { name: "the end", reads: new Map(written.map(({ key, value }) => [key, value])) },
  ];
  const found = looks.filter(({ reads }) => sum(reads) !== total)
    .map(({ name, reads }) => `${name} saw ${sum(reads)} in all accounts, and ${total} are there`);
  written.filter(({ key }) => key === COUNTER).forEach(({ value }, count) => {
    if (amountOf(value) !== count) found.push(`an update is lost: count ${count} is ${value}`);
  });
  return found;
}

/** A bucket shows what was committed through it, and what was committed before it caught up. */
function checkFreshness(
  transactions: readonly Transaction[],
  seesAll: (backend: string) => boolean,
): string[] {
  const found: string[] = [];
  let ended: Transaction[] = [];
  const byStart = transactions.filter(({ snapshot }) => snapshot > -2)
    .toSorted((a, b) => a.startedAt - b.startedAt);
  const farthest = new Map<string, Transaction>();
  for (const one of byStart) {
    for (const other of ended.filter(({ endedAt }) => endedAt < one.startedAt)) {
      for (const who of [`bucket ${other.bucket}`, "all"]) {
        const before = farthest.get(who);
        if (before === undefined || knows(before) < knows(other)) farthest.set(who, other);
      }
    }
    ended = ended.filter(({ endedAt }) => endedAt > one.startedAt);
    ended.push(one);
    const circles = [
      `bucket ${one.bucket}`,
      ...one.isCaughtUp && seesAll(one.bucket) ? ["all"] : [],
    ];
    for (const who of circles) {
      const due = farthest.get(who);
      if (due === undefined || knows(due) <= one.snapshot) continue;
      found.push(`${one.name} saw ${one.snapshot}, and ${due.name} had seen ${knows(due)} before`);
    }
  }
  return found;
}

/** The revision that is known of when it has ended. */
function knows({ outcome, snapshot }: Transaction): number {
  return outcome.kind === "committed" ? outcome.revision : snapshot;
}
