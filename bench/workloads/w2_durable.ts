/**
 * W2: how fast one caller appends batches of 100 that survive a loss of power, each before the next.
 *
 * @module
 */
import { type Job, numberOf, type Workload } from "../workload.ts";
import { RECORDS_PER_SECOND, secondsOf } from "./figures.ts";
import { appendRate, openStore } from "./stores.ts";

export const w2: Workload = {
  name: "W2",
  title: "Batches appended, each durable before the next",
  figures: [RECORDS_PER_SECOND],
  systems: ["seglog", "bare file", "LMDB", "LevelDB", "SQLite", "tidwall/wal"],
  cases: (size) => [
    { name: "100 records a batch", params: { batch: 100, seconds: secondsOf(size) } },
  ],
  async run(job: Job) {
    const store = await openStore(job, "durable");
    const recordsPerSecond = await appendRate(store, {
      batch: numberOf(job.params, "batch"),
      seconds: numberOf(job.params, "seconds"),
    });
    await store.close();
    return { recordsPerSecond };
  },
};
