/**
 * W4: how fast all records are read in order, each value looked at. One pass goes before, so that
 * the operating system has the files and all code has run; checksums are on where a system has them.
 *
 * @module
 */
import { rateDuring, residentMiB } from "../measure.ts";
import { type Job, numberOf, type Workload } from "../workload.ts";
import { RECORDS_PER_SECOND, RESIDENT, secondsOf } from "./figures.ts";
import { fill, openStore } from "./stores.ts";

export const w4: Workload = {
  name: "W4",
  title: "All records read in order",
  figures: [RECORDS_PER_SECOND, RESIDENT],
  systems: ["seglog", "bare file", "LMDB", "LevelDB", "SQLite", "hypercore", "tidwall/wal"],
  cases: (size) => [{
    name: "written 1,000 a batch",
    params: { records: size === "short" ? 500_000 : 1_000_000, seconds: secondsOf(size) },
  }],
  async run(job: Job) {
    const records = numberOf(job.params, "records");
    const store = await openStore(job, "buffered");
    await fill(store, { records, size: 1000 });
    const scan = async () => {
      const found = await store.scan();
      if (found !== records) throw new Error(`${job.system} read ${found} of ${records} records`);
      return found;
    };
    await scan();
    const recordsPerSecond = await rateDuring(numberOf(job.params, "seconds"), scan);
    const figures = { recordsPerSecond, residentMiB: residentMiB() };
    await store.close();
    return figures;
  },
};
