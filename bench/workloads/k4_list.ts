/**
 * K4: how fast a thousand keys are read in order with their values, from one that is as likely as
 * another. They were set in no order. What the first list takes is a figure of its own: seglog sorts
 * its keys then.
 *
 * @module
 */
import { KV_SYSTEMS } from "../kv/all.ts";
import { makeKeys } from "../kv/keys.ts";
import { millisecondsOf, rateDuring } from "../measure.ts";
import { randomPlaces } from "../values.ts";
import { type Job, numberOf, type Workload } from "../workload.ts";
import { secondsOf } from "./figures.ts";
import { keysOf, openFilledKv } from "./kv_stores.ts";

const BATCH = 1000;
const LIMIT = 1000;

export const k4: Workload = {
  name: "K4",
  title: "Keys listed in order, a thousand at a time",
  figures: [
    { key: "keysPerSecond", label: "keys/s", better: "more", isCompared: true },
    { key: "firstMs", label: "first list, ms", better: "less" },
  ],
  systems: KV_SYSTEMS,
  cases: (size) => {
    const { keys, name } = keysOf(size);
    return [{ name: `${name}, from random ones`, params: { keys, seconds: secondsOf(size) } }];
  },
  async run(job: Job) {
    const keys = makeKeys(numberOf(job.params, "keys"));
    const store = await openFilledKv(job, { keys: keys.length, batch: BATCH });
    const firstMs = await millisecondsOf(async () => {
      const found = await store.list("", LIMIT);
      if (found === Math.min(LIMIT, keys.length)) return;
      throw new Error(`${job.system} listed ${found} of ${keys.length} keys`);
    });
    const drawn = randomPlaces(1, keys.length);
    const listSome = () => store.list(keys[drawn()[0]!]!, LIMIT); // the last ones have fewer behind
    const seconds = numberOf(job.params, "seconds");
    await rateDuring(seconds / 4, listSome);
    const keysPerSecond = await rateDuring(seconds, listSome);
    await store.close();
    return { keysPerSecond, firstMs };
  },
};
