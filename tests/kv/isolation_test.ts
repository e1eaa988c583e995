/**
 * Random transactions from two sides at once, and a checker of what they saw. Every write has a
 * value of its own, so each read tells which write it saw, and the revisions tell their order:
 * dependencies are known, not guessed (Adya, "Weak Consistency", 1999; Kingsbury and Alvaro,
 * "Elle", 2020).
 *
 * - Each transaction reads one moment: everything it read is the latest at its snapshot. That rules
 *   out read skew, and, as all moments are of one order, long fork.
 * - First committer wins: nothing that it wrote was written by others between its snapshot and its
 *   commit. That rules out lost updates.
 * - Serializable: nothing that it read was either. Then the order of commits is an order in which
 *   they could have run one after another. That rules out write skew, and phantoms.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Isolation, Kv, SeglogError, Store } from "../../mod.ts";
import { collect } from "../support/collect.ts";
import { Random } from "../support/random.ts";

const KEYS = ["a", "b", "c", "d", "e"];
const TRANSACTIONS = 300;
const CLIENTS = 6;
const SEEDS = [1, 2, 3, 4, 5];

/** Lets everything run that does not wait for anything else. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

describe("random transactions from two sides", () => {
  for (const isolation of ["snapshot", "serializable"] as const) {
    for (const seed of SEEDS) {
      test(`${isolation}, seed ${seed}: none saw what it could not have seen`, async () => {
        const { done, written } = await campaign(seed, isolation);
        assert.ok(done.length > TRANSACTIONS / 10, `only ${done.length} were committed`);
        assert.deepEqual(anomalies(written, done, isolation), []);
      });
    }
  }

  test("the checker sees the write skews that snapshot isolation lets pass", async () => {
    const { done, written } = await campaign(SEEDS[0]!, "snapshot");
    assert.notDeepEqual(anomalies(written, done, "serializable"), []);
  });
});

/** What one transaction saw, and where what it wrote is. */
interface Done {
  readonly name: string;
  readonly snapshot: number;
  /** Of its last write; of its snapshot when it wrote nothing. */
  readonly revision: number;
  /** What each key that it read was, itself not counted; `undefined` for no value. */
  readonly reads: ReadonlyMap<string, string | undefined>;
  /** The keys to be written, and what with. */
  readonly writes: ReadonlyMap<string, "set" | "delete">;
}

/** One record of the bucket. */
interface Written {
  readonly key: string;
  /** `undefined` for a deletion. */
  readonly value: string | undefined;
}

/** Runs random transactions, and gives those that were committed, with all that was written. */
async function campaign(
  seed: number,
  isolation: Isolation,
): Promise<{ done: Done[]; written: Written[] }> {
  await using store = await Store.memory();
  await using one = await Kv.open(store, "bucket");
  await using other = await Kv.open(store, "bucket");
  const done: Done[] = [];
  let left = TRANSACTIONS;
  const client = async (which: number) => {
    const random = new Random(seed * 100 + which);
    while (left-- > 0) {
      const name = `${which}-${left}`;
      const ended = await randomly(random.pick([one, other]), { name, isolation, random });
      if (ended !== undefined) done.push(ended);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, which) => client(which)));
  const written: Written[] = [];
  for await (const change of one.watch({ prefix: "" }, { from: 0 })) {
    const value = change.kind === "set" ? change.entry.text : undefined;
    written[change.revision] = { key: change.key, value };
    if (written.length === (await store.bounds("bucket")).nextOffset) break;
  }
  return { done, written };
}

/** One transaction; `undefined` when it lost against another. */
async function randomly(
  kv: Kv,
  { name, isolation, random }: { name: string; isolation: Isolation; random: Random },
): Promise<Done | undefined> {
  const reads = new Map<string, string | undefined>();
  const writes = new Map<string, "set" | "delete">();
  let snapshot = -1;
  try {
    const { revision } = await kv.transaction(async (tx) => {
      snapshot = tx.revision;
      for (let steps = 1 + random.below(5); steps > 0; steps--) {
        const key = random.pick(KEYS);
        if (random.chance(0.2)) {
          const listed = new Map((await collect(tx.list())).map((each) => [each.key, each.text]));
          for (const each of KEYS) if (!writes.has(each)) reads.set(each, listed.get(each));
        } else if (random.chance(0.5)) {
          const value = (await tx.get(key))?.text;
          if (!writes.has(key)) reads.set(key, value);
        } else {
          const isDeletion = random.chance(0.2);
          writes.set(key, isDeletion ? "delete" : "set");
          if (isDeletion) tx.delete(key);
          else tx.set(key, `${name}:${steps}`);
        }
        if (random.chance(0.5)) await turn();
      }
    }, { isolation });
    return { name, snapshot, revision, reads, writes };
  } catch (error) {
    if (error instanceof SeglogError && error.code === "conflict") return undefined;
    throw error;
  }
}

/** What is wrong with what the transactions saw, one line each. */
function anomalies(written: readonly Written[], done: readonly Done[], isolation: Isolation) {
  const found: string[] = [];
  const latestAt = (key: string, revision: number) =>
    written.slice(0, revision + 1).findLast((each) => each.key === key)?.value;
  for (const { name, snapshot, revision, reads, writes } of done) {
    // What had no value is not deleted.
    const records = [...writes].filter(([key, kind]) =>
      kind === "set" || latestAt(key, snapshot) !== undefined
    );
    const start = revision - records.length + 1;
    for (const [key, value] of reads) {
      const latest = latestAt(key, snapshot);
      if (latest !== value) found.push(`${name} read ${key}=${value} at ${snapshot}: ${latest}`);
    }
    const kept = [...writes.keys(), ...isolation === "serializable" ? reads.keys() : []];
    for (const key of kept) {
      // One that came and went again meanwhile is as it was: missing.
      if (latestAt(key, snapshot) === latestAt(key, start - 1)) continue;
      found.push(`${name}: ${key} was changed behind ${snapshot}`);
    }
  }
  return found;
}
