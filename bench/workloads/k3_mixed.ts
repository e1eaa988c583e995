/**
 * K3: how fast one caller gets and sets keys that are there, at random: of a hundred operations
 * eighty get and twenty set, each after the one before.
 *
 * @module
 */
import { KV_SYSTEMS } from "../kv/all.ts";
import { makeKeys } from "../kv/keys.ts";
import { rateDuring } from "../measure.ts";
import { type Job, numberOf, type Workload } from "../workload.ts";
import { secondsOf } from "./figures.ts";
import { keysOf, openFilledKv, usingAtRandom } from "./kv_stores.ts";

const BATCH = 1000;
const SET_PERCENT = 20;

export const k3: Workload = {
  name: "K3",
  title: "Keys got and set, at random",
  figures: [{
    key: "operationsPerSecond",
    label: "operations/s",
    better: "more",
    isCompared: true,
  }],
  systems: KV_SYSTEMS,
  cases: (size) => {
    const { keys, name } = keysOf(size);
    return [{ name: `${name}, 80 % got and 20 % set`, params: { keys, seconds: secondsOf(size) } }];
  },
  async run(job: Job) {
    const keys = makeKeys(numberOf(job.params, "keys"));
    const store = await openFilledKv(job, { keys: keys.length, batch: BATCH });
    const useSome = usingAtRandom(store, keys, SET_PERCENT);
    const seconds = numberOf(job.params, "seconds");
    await rateDuring(seconds / 4, useSome);
    const operationsPerSecond = await rateDuring(seconds, useSome);
    await store.close();
    return { operationsPerSecond };
  },
};
