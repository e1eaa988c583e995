/** The checker of histories: it finds nothing where all is well, and each fault that is planted. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Backend, connect, Store } from "../../../mod.ts";
import { openServer } from "../../server/support.ts";
import { checkLog, type FinalPartition } from "./check_log.ts";
import { checkTransactions } from "./check_transactions.ts";
import * as faulty from "./faulty_backends.ts";
import { type Append, History } from "./history.ts";
import { runLog } from "./log_run.ts";
import { runTransactions, type TransactionHistory } from "./transactions.ts";

const SEEDS = [20_261_130, 7, 1887];
const OPERATIONS = 800;
const TRANSACTIONS = 300;
const PARTITIONS = 2;
const LIMIT_MS = 20_000;

describe("histories of a log", () => {
  for (const seed of SEEDS) {
    test(`a store in memory keeps its promises, seed ${seed}`, async () => {
      await using store = await Store.memory();
      assert.deepEqual(await examine(seed, [store, store], store), []);
    });

    test(`appends that break off are made whole or not at all, seed ${seed}`, async () => {
      await using store = await Store.memory();
      const backends = [faulty.breaksOff(seed)(store), faulty.breaksOff(seed + 1)(store)];
      assert.deepEqual(await examine(seed, backends, store), []);
    });

    test(`a server keeps its promises over several connections, seed ${seed}`, async () => {
      await using server = await openServer();
      await using one = await connect(server.url);
      await using other = await connect(server.url);
      assert.deepEqual(await examine(seed, [one, other, server.store], one), []);
    });
  }

  const found: readonly (readonly [keyof typeof faulty, RegExp])[] = [
    [
      "losesAcknowledged",
      /client-\d+#\d+ \(append .*, acknowledged .*\) is lost: client-\S+ was at \d+/,
    ],
    ["makesRetriesTwice", /client-\d+#\d+ .* is there 2 times, at \d+, \d+/],
    ["appendsAnywhere", /client-\d+#\d+ \(append .* at \d+, acknowledged .*\) is at \d+/],
    ["appendsWhatItRefuses", /client-\d+#\d+ \(append .*, rejected: overloaded.*\) is at \d+ for/],
    ["tearsAppends", /client-\d+#\d+ \(append .*, unknown.*\) is torn: client-\d+#\d+\.\d is at/],
    ["swapsRecords", /offset \d+ is \S+ for client-\d+#\d+ \(point read .*, and \S+ for/],
    ["readsOldBounds", /client-\d+#\d+ \(bounds .*\) found the end at \d+, and it was at \d+ for/],
    ["endsReadsEarly", /client-\d+#\d+ \(range .*\) found the end at \d+, and it was at \d+ for/],
    ["passesOverRecords", /follower-0-\d#\d+ \(follow .*\) saw \d+ where \d+ was due/],
    ["keepsWhatItTruncates", /it begins at 0 in spite of client-\d+#\d+ \(truncate/],
    ["neverAnswers", /client-\d+#\d+ took more than \d+ ms/],
  ];
  for (const [name, line] of found) {
    test(`the checker finds a backend that ${inWords(name)}`, async () => {
      await using store = await Store.memory();
      const faulted = faulty[name] as faulty.Fault;
      const limitMs = name === "neverAnswers" ? 200 : LIMIT_MS;
      const lines = await examine(SEEDS[0]!, [faulted(store)], store, limitMs);
      assert.match(lines.join("\n"), line);
    });
  }

  test("who reads elsewhere may be behind, where that is all that is promised", () => {
    const history = new History();
    const { name, ...append } = addAppend(history, { values: ["a"], place: [1, 2], at: 0 });
    history.reads.push({
      ...append,
      name: `reader of ${name}`,
      client: "reader",
      backend: "other",
      startedAt: 3,
      endedAt: 4,
      kind: "bounds",
      seen: [],
      endMin: 0,
      endMax: 0,
      startMin: 0,
    });
    const final = [finalOf(["a"])];
    assert.deepEqual(checkLog(history, final, { seenBy: () => "backend" }), []);
    const lines = checkLog(history, final, { seenBy: () => "everybody" });
    assert.match(lines.join("\n"), /reader .* found the end at 0, and it was at 1 for writer-0/);
  });

  test("what was acknowledged before another began has to be before it", () => {
    const history = new History();
    addAppend(history, { values: ["a"], place: [1, 2], at: 1 });
    addAppend(history, { values: ["b"], place: [3, 4], at: 0 });
    const lines = checkLog(history, [finalOf(["b", "a"])], { seenBy: () => "everybody" });
    assert.match(
      lines.join("\n"),
      /append b .* is at 0, before .*append a .* at 1, which had ended/,
    );
  });

  test("a producer's appends that come late, behind its next epoch, are found", () => {
    const history = new History();
    const id = "p";
    const late = addAppend(history, {
      values: ["late"],
      place: [1, 2],
      producer: { id, epoch: 0, sequence: 0 },
    });
    late.copiesMax = 1;
    addAppend(history, {
      values: ["a"],
      place: [3, 4],
      at: 0,
      producer: { id, epoch: 1, sequence: 0 },
    });
    const lines = checkLog(history, [finalOf(["a", "late"])], { seenBy: () => "everybody" });
    assert.match(lines.join("\n"), /late .* as 0\/0, unknown.* is at 1, behind .*1\/0/);
  });

  test("two that were made under the same condition are found", () => {
    const history = new History();
    addAppend(history, { values: ["a"], place: [1, 3], at: 0, expectedOffset: 0 });
    addAppend(history, { values: ["b"], place: [2, 4], at: 0, expectedOffset: 0 });
    const lines = checkLog(history, [finalOf(["b"])], { seenBy: () => "everybody" });
    assert.match(lines.join("\n"), /both .*append a .* and .*append b .* were made/);
  });
});

describe("histories of transactions", () => {
  for (const seed of SEEDS) {
    test(`transactions on a store in memory are isolated, seed ${seed}`, async () => {
      await using store = await Store.memory();
      const history = await transact(seed, [store, store], store);
      assert.deepEqual(checkTransactions(history, { seesAll: () => true }), []);
      assert.ok(committedIn(history) > TRANSACTIONS / 4, `${committedIn(history)} were committed`);
    });

    test(`those that break off are there whole or not at all, seed ${seed}`, async () => {
      await using store = await Store.memory();
      const backends = [faulty.breaksOff(seed)(store), faulty.breaksOff(seed + 1)(store)];
      const history = await transact(seed, backends, store);
      assert.deepEqual(checkTransactions(history, { seesAll: () => true }), []);
    });

    test(`transactions over several connections are isolated, seed ${seed}`, async () => {
      await using server = await openServer();
      await using one = await connect(server.url);
      await using other = await connect(server.url);
      const history = await transact(seed, [one, other], one);
      assert.deepEqual(checkTransactions(history, { seesAll: () => true }), []);
    });
  }

  const found: readonly (readonly [keyof typeof faulty, RegExp])[] = [
    ["tearsTransactions", /teller-\d+#\d+ is torn: \w = \d+ teller-\d+#\d+ at \[\d+\], .* at \[\]/],
    ["commitsAnyway", /teller-\d+#\d+: n became .* between its snapshot \d+ and \d+/],
    ["commitsAnyway", /an update is lost: count \d+ is \d+ teller/],
    ["commitsAnyway", /teller-\d+#\d+ saw \d+ in all accounts, and 600 are there/],
    ["commitsWhatItRefuses", /teller-\d+#\d+ was refused \(unavailable\), and is there/],
  ];
  for (const [name, line] of found) {
    test(`the checker finds a backend that ${inWords(name)}: ${line.source.slice(0, 40)}`, async () => {
      await using store = await Store.memory();
      const faulted = (faulty[name] as faulty.Fault)(store);
      const history = await transact(SEEDS[0]!, [faulted, faulted], store);
      assert.match(checkTransactions(history, { seesAll: () => true }).join("\n"), line);
    });
  }

  test("the checker finds who sees less than what was committed before", () => {
    const look = {
      kind: "look" as const,
      isCaughtUp: true,
      reads: new Map(),
      writes: new Map(),
      outcome: { kind: "committed" as const, revision: 0 },
    };
    const early = { ...look, name: "early", bucket: "one", startedAt: 1, endedAt: 2, snapshot: 7 };
    const late = { ...look, name: "late", bucket: "other", startedAt: 3, endedAt: 4, snapshot: 0 };
    const wrong = (transactions: TransactionHistory["transactions"], seesAll = true) =>
      checkTransactions({ transactions, written: [], complaints: [] }, { seesAll: () => seesAll })
        .filter((line) => line.startsWith("late"));
    const committed = { ...early, outcome: { kind: "committed" as const, revision: 7 } };
    const line = "late saw 0, and early had seen 7 before";
    assert.deepEqual(wrong([committed, late]), [line]);
    assert.deepEqual(wrong([committed, late], false), []);
    assert.deepEqual(wrong([committed, { ...late, isCaughtUp: false }]), []);
    assert.deepEqual(wrong([committed, { ...late, bucket: "one" }], false), [line]);
  });
});

/** Runs clients of a topic, and gives what is wrong. */
async function examine(
  seed: number,
  backends: readonly Backend[],
  truth: Backend,
  limitMs = LIMIT_MS,
): Promise<string[]> {
  await truth.ensureTopic("orders", { partitions: PARTITIONS });
  const history = new History();
  const final = await runLog(history, {
    seed,
    clients: 6,
    topic: "orders",
    partitions: PARTITIONS,
    members: backends.map((backend, i) => ({ name: `${i}`, backend })),
    isOver: (operations) => operations >= OPERATIONS,
    truth: () => Promise.resolve(truth),
    limitMs,
    paddingMax: 100,
  });
  return checkLog(history, final, { seenBy: () => "everybody" });
}

async function transact(
  seed: number,
  backends: readonly Backend[],
  truth: Backend,
): Promise<TransactionHistory> {
  return await runTransactions([], {
    bucket: "accounts",
    seed,
    clients: 5,
    members: backends.map((backend, i) => ({ name: `${i}`, backend })),
    isOver: (transactions) => transactions >= TRANSACTIONS,
    truth: () => Promise.resolve(truth),
    limitMs: LIMIT_MS,
  });
}

function committedIn({ transactions }: TransactionHistory): number {
  return transactions.filter(({ outcome }) => outcome.kind === "committed").length;
}

/** An append of its own client; unknown without a place to be acknowledged at. */
function addAppend(
  history: History,
  { values, place, at, ...options }: {
    values: readonly string[];
    /** When it began and ended. */
    place: readonly [number, number];
    at?: number;
  } & Pick<Partial<Append>, "expectedOffset" | "producer">,
): Append {
  const name = `writer-${history.appends.length}`;
  const [startedAt, endedAt] = place;
  const append: Append = {
    name,
    client: name,
    backend: "one",
    partition: 0,
    startedAt,
    endedAt,
    values,
    ...options,
    outcome: at === undefined
      ? { kind: "unknown" }
      : { kind: "acknowledged", start: at, end: at + values.length },
    copiesMax: 1,
  };
  history.appends.push(append);
  return append;
}

function finalOf(values: readonly string[]): FinalPartition {
  const nextOffset = values.length;
  return {
    bounds: { logStartOffset: 0, durableOffset: nextOffset, nextOffset },
    records: values.map((value, offset) => ({ offset, value })),
  };
}

/** `losesAcknowledged` as `loses acknowledged`. */
function inWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
