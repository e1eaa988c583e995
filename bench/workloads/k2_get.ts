/**
 * K2: how fast single keys are got with their values, each as likely as another, and how much memory
 * the store has taken then, its files in the page cache that it maps included.
 *
 * @module
 */
import { KV_SYSTEMS } from "../kv/all.ts";
import { makeKeys } from "../kv/keys.ts";
import { rateDuring, residentMiB } from "../measure.ts";
import { type Case, type Job, numberOf, type Size, type Workload } from "../workload.ts";
import { secondsOf } from "./figures.ts";
import { keysOf, openFilledKv, usingAtRandom } from "./kv_stores.ts";

const BATCHES = [{ name: "set 1,000 in a transaction", batch: 1000 }, {
  name: "set one at a time",
  batch: 1,
}];

export const k2: Workload = {
  name: "K2",
  title: "Keys got, at random",
  figures: [
    { key: "getsPerSecond", label: "gets/s", better: "more", isCompared: true },
    { key: "takenMiB", label: "MiB taken", better: "less" },
  ],
  systems: KV_SYSTEMS,
  cases,
  async run(job: Job) {
    const keys = makeKeys(numberOf(job.params, "keys"));
    const beforeMiB = residentMiB();
    const batch = numberOf(job.params, "batch");
    const store = await openFilledKv(job, { keys: keys.length, batch });
    const getSome = usingAtRandom(store, keys);
    const seconds = numberOf(job.params, "seconds");
    await rateDuring(seconds / 4, getSome); // the caches fill
    const getsPerSecond = await rateDuring(seconds, getSome);
    const takenMiB = residentMiB() - beforeMiB;
    await store.close();
    return { getsPerSecond, takenMiB };
  },
};

function cases(size: Size): Case[] {
  const { keys, name: many } = keysOf(size);
  const batches = size === "short" ? BATCHES.slice(0, 1) : BATCHES;
  return batches.map(({ name, batch }) => ({
    name: `${many}, ${name}`,
    params: { keys, batch, seconds: secondsOf(size) },
  }));
}
