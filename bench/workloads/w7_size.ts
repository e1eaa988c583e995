/**
 * W7: how many bytes on disk a record takes when the log is closed, indexes and all, and how fast it
 * is written and read: values that cannot be compressed much, and lines of an access log, as they
 * are and compressed. LevelDB compresses by Snappy, its default; the other peers do not.
 *
 * @module
 */
import { makeAccessLog } from "../access_log.ts";
import { bytesIn } from "../files.ts";
import { embedded } from "../embedded/all.ts";
import { millisecondsOf } from "../measure.ts";
import { batchesOf, DISTINCT_VALUES, makeValues } from "../values.ts";
import { type Job, numberOf, type Size, textOf, type Workload } from "../workload.ts";

const BATCH = 1000;

export const w7: Workload = {
  name: "W7",
  title: "Bytes on disk, and the cost of compression",
  figures: [
    { key: "bytesPerRecord", label: "bytes a record", better: "less", isCompared: true },
    { key: "smaller", label: "% smaller than the values", better: "more" },
    { key: "writtenPerSecond", label: "MB/s written", better: "more" },
    { key: "readPerSecond", label: "MB/s read", better: "more" },
  ],
  systems: ["seglog", "seglog gzip", "seglog zstd", "LMDB", "LevelDB", "SQLite", "hypercore"],
  cases: (size: Size) => {
    const records = size === "short" ? 200_000 : 1_000_000;
    return [{
      name: "values of 128 bytes, 1,000 a batch",
      params: { values: "random", records },
      systems: ["seglog", "LMDB", "LevelDB", "SQLite", "hypercore", "tidwall/wal"],
    }, {
      name: "JSON lines of an access log, 1,000 a batch",
      params: { values: "access log", records },
    }];
  },
  async run({ system, params, folder }: Job) {
    const records = numberOf(params, "records");
    const values = textOf(params, "values") === "random"
      ? makeValues()
      : makeAccessLog(DISTINCT_VALUES);
    const { open } = await embedded(system);
    const store = await open(folder, { promised: "buffered" });
    const batches = batchesOf(values, BATCH).map((batch) => store.prepare(batch));
    const meanBytes = values.reduce((sum, { length }) => sum + length, 0) / values.length;
    const megabytes = records * meanBytes / 1e6;
    const writtenMs = await millisecondsOf(async () => {
      for (let i = 0; i < records / BATCH; i++) await store.append(batches[i % batches.length]);
    });
    await store.settle?.();
    await store.scan();
    const readMs = await millisecondsOf(() => store.scan());
    await store.close();
    const bytesPerRecord = bytesIn(folder) / records;
    return {
      bytesPerRecord,
      smaller: 100 * (1 - bytesPerRecord / meanBytes),
      writtenPerSecond: megabytes / writtenMs * 1000,
      readPerSecond: megabytes / readMs * 1000,
    };
  },
};
