/**
 * K6: how long it takes to give back the space of values that were replaced, and how much is left: by
 * seglog's compaction, LevelDB's of all keys, and SQLite's VACUUM. LMDB has no such thing: it uses pages
 * again that are free, and its file never gets smaller. LevelDB has been compacting while it was
 * written, so not all of its work is seen.
 *
 * @module
 */
import { bytesIn } from "../files.ts";
import { millisecondsOf } from "../measure.ts";
import { type Job, numberOf, type Size, type Workload } from "../workload.ts";
import { fillKv, openKv } from "./kv_stores.ts";

const BATCH = 1000;
const MIB = 1024 * 1024;

export const k6: Workload = {
  name: "K6",
  title: "Compaction",
  figures: [
    { key: "keysPerSecond", label: "keys/s", better: "more", isCompared: true },
    { key: "beforeMiB", label: "MiB before", better: "less" },
    { key: "afterMiB", label: "MiB after", better: "less", isCompared: true },
  ],
  systems: ["seglog", "LevelDB", "SQLite"],
  cases: (size: Size) => {
    const keys = size === "short" ? 100_000 : 1_000_000;
    const rounds = 4;
    return [{ name: `${keys / 1e6} M keys, each set ${rounds} times`, params: { keys, rounds } }];
  },
  async run(job: Job) {
    const keys = numberOf(job.params, "keys");
    const store = await openKv(job);
    for (let round = 0; round < numberOf(job.params, "rounds"); round++) {
      await fillKv(store, { keys, batch: BATCH });
    }
    const beforeMiB = bytesIn(job.folder) / MIB;
    const elapsedMs = await millisecondsOf(async () => void await store.compact!());
    const found = await store.list("", keys + 1);
    if (found !== keys) throw new Error(`${job.system} has ${found} of ${keys} keys left`);
    await store.close();
    const keysPerSecond = 1000 * keys / elapsedMs;
    return { keysPerSecond, beforeMiB, afterMiB: bytesIn(job.folder) / MIB };
  },
};
