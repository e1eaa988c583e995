/**
 * W1: how fast one caller appends batches that the operating system then has. Nobody syncs but where
 * a system insists: seglog does when it rolls to its next segment.
 *
 * @module
 */
import { type Job, numberOf, type Workload } from "../workload.ts";
import { RECORDS_PER_SECOND, secondsOf } from "./figures.ts";
import { appendRate, openStore } from "./stores.ts";

export const w1: Workload = {
  name: "W1",
  title: "Batches appended, buffered by the operating system",
  figures: [RECORDS_PER_SECOND],
  systems: ["seglog", "bare file", "LMDB", "LevelDB", "SQLite", "hypercore", "tidwall/wal"],
  cases: (size) => [
    { name: "1,000 records a batch", params: { batch: 1000, seconds: secondsOf(size) } },
  ],
  async run(job: Job) {
    const store = await openStore(job, "buffered");
    const recordsPerSecond = await appendRate(store, {
      batch: numberOf(job.params, "batch"),
      seconds: numberOf(job.params, "seconds"),
    });
    await store.close();
    return { recordsPerSecond };
  },
};
