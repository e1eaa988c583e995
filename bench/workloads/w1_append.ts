/**
 * W1: how fast one caller appends batches that the operating system then has. Nobody syncs but where
 * a system insists: seglog does when it rolls to its next segment.
 *
 * @module
 */
import { rateDuring } from "../measure.ts";
import { type Job, numberOf, type Workload } from "../workload.ts";
import { RECORDS_PER_SECOND, secondsOf } from "./figures.ts";
import { openStore, preparedBatches, warmUp } from "./stores.ts";

export const w1: Workload = {
  name: "W1",
  title: "Batches appended, buffered by the operating system",
  figures: [RECORDS_PER_SECOND],
  systems: ["seglog", "bare file", "LMDB", "SQLite"],
  cases: (size) => [
    { name: "1,000 records a batch", params: { batch: 1000, seconds: secondsOf(size) } },
  ],
  async run(job: Job) {
    const batch = numberOf(job.params, "batch");
    const store = await openStore(job, "buffered");
    const batches = preparedBatches(store, batch);
    await warmUp(store, batches, batch);
    const recordsPerSecond = await rateDuring(numberOf(job.params, "seconds"), (i) => {
      const appended = store.append(batches[i % batches.length]);
      return appended === undefined ? batch : appended.then(() => batch);
    });
    await store.close();
    return { recordsPerSecond };
  },
};
