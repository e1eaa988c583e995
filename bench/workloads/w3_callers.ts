/**
 * W3: 64 callers at once, each appending one record after another and waiting until it survives a
 * loss of power. What a synchronous store does for its callers one by one, a careful user gathers:
 * that is "SQLite coalesced".
 *
 * @module
 */
import { callAll } from "../callers.ts";
import { makeValues } from "../values.ts";
import { type Job, numberOf, type Workload } from "../workload.ts";
import { LATENCIES, RECORDS_PER_SECOND, secondsOf } from "./figures.ts";
import { openStore } from "./stores.ts";

/** Seconds before the measuring begins. */
const WARM_UP_SECONDS = 0.2;

export const w3: Workload = {
  name: "W3",
  title: "Concurrent callers, each record durable",
  figures: [RECORDS_PER_SECOND, ...LATENCIES],
  systems: ["seglog", "LMDB", "LevelDB", "SQLite", "SQLite coalesced", "tidwall/wal"],
  cases: (size) => [
    { name: "64 callers", params: { callers: 64, seconds: 2 * secondsOf(size) } },
  ],
  async run(job: Job) {
    const store = await openStore(job, "durable");
    const values = makeValues();
    const callers = numberOf(job.params, "callers");
    const append = (i: number) => store.append(store.prepare([values[i % values.length]!]));
    await callAll(append, { callers, seconds: WARM_UP_SECONDS });
    const seconds = numberOf(job.params, "seconds");
    const { perSecond, ...latencies } = await callAll(append, { callers, seconds });
    await store.close();
    return { recordsPerSecond: perSecond, ...latencies };
  },
};
