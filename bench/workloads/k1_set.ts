/**
 * K1: how fast one caller sets keys that are new, in no order, each write after the one before:
 * single ones, and transactions of a thousand.
 *
 * @module
 */
import type { KvStore } from "../kv/kv_store.ts";
import { KV_SYSTEMS } from "../kv/all.ts";
import { rateDuring } from "../measure.ts";
import { makeValues } from "../values.ts";
import { type Job, numberOf, type Workload } from "../workload.ts";
import { secondsOf } from "./figures.ts";
import { entriesOf, openKv } from "./kv_stores.ts";

/** Entries between two looks at the clock. */
const STEP_ENTRIES = 1000;
/** Entries that are set before the measuring begins, so that all code has run before. */
const WARM_UP_ENTRIES = 20_000;

export const k1: Workload = {
  name: "K1",
  title: "Keys set",
  figures: [{ key: "setsPerSecond", label: "sets/s", better: "more", isCompared: true }],
  systems: KV_SYSTEMS,
  cases: (size) => {
    const params = { keys: 1_000_000, seconds: secondsOf(size) }; // a longer run sets them again
    return [
      { name: "one at a time", params: { ...params, batch: 1 } },
      { name: "1,000 in a transaction", params: { ...params, batch: STEP_ENTRIES } },
    ];
  },
  async run(job: Job) {
    const store = await openKv(job);
    const set = setting(store, {
      keys: numberOf(job.params, "keys"),
      batch: numberOf(job.params, "batch"),
    });
    const warmUp = WARM_UP_ENTRIES / STEP_ENTRIES;
    for (let i = 0; i < warmUp; i++) await set(i);
    const setsPerSecond = await rateDuring(numberOf(job.params, "seconds"), (i) => set(warmUp + i));
    await store.close();
    return { setsPerSecond };
  },
};

/** Sets the keys in their turn: a step for `rateDuring`. */
function setting(store: KvStore, { keys, batch }: { keys: number; batch: number }) {
  const values = makeValues();
  const steps = Array.from({ length: keys / STEP_ENTRIES }, (_, i) => {
    const from = i * STEP_ENTRIES;
    return entriesOf(values, { from, until: from + STEP_ENTRIES });
  });
  return async (i: number): Promise<number> => {
    const entries = steps[i % steps.length]!;
    await (batch === 1 ? store.runEach(entries) : store.setAll(entries));
    return entries.length;
  };
}
