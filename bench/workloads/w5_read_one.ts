/**
 * W5: how fast single records are read by their offset, each place as likely as another: from a set
 * that fits the caches of all systems, and from one that does not fit seglog's. How many records
 * were appended as a batch is what a reader of one of them may have to check, so that varies.
 *
 * @module
 */
import { rateDuring, residentMiB } from "../measure.ts";
import { type Case, type Job, numberOf, type Size, type Workload } from "../workload.ts";
import { READS_PER_SECOND, RESIDENT, secondsOf } from "./figures.ts";
import { fill, openStore, readingAtRandom } from "./stores.ts";

const SETS = [{ name: "10,000 records", records: 10_000 }, {
  name: "1 M records",
  records: 1_000_000,
}];
const BATCHES = [1000, 100, 1];

export const w5: Workload = {
  name: "W5",
  title: "Single records read by offset, at random",
  figures: [READS_PER_SECOND, RESIDENT],
  systems: [
    "seglog",
    "bare file",
    "LMDB",
    "LevelDB",
    "SQLite",
    "hypercore",
    "tidwall/wal",
    "tidwall/wal all cached",
  ],
  cases,
  async run(job: Job) {
    const records = numberOf(job.params, "records");
    const store = await openStore(job, "buffered");
    await fill(store, { records, size: numberOf(job.params, "batch") });
    const readSome = readingAtRandom(store, records);
    const seconds = numberOf(job.params, "seconds");
    await rateDuring(seconds / 4, readSome); // the caches fill
    const readsPerSecond = await rateDuring(seconds, readSome);
    const figures = { readsPerSecond, residentMiB: residentMiB() };
    await store.close();
    return figures;
  },
};

function cases(size: Size): Case[] {
  const batches = size === "short" ? BATCHES.slice(0, 2) : BATCHES;
  return SETS.flatMap(({ name, records }) =>
    batches.map((batch) => ({
      name: `${name}, written ${batch.toLocaleString("en")} a batch`,
      params: { records, batch, seconds: secondsOf(size) },
    }))
  );
}
