/** Results that a benchmark might have found. */
import type { Results } from "../../bench/results.ts";

/** Two rounds of one case: seglog, a peer, one that failed in its second round, one that is missing. */
export const SAMPLE: Results = {
  command: "deno task bench W1",
  date: "2026-01-15T09:30:00.000Z",
  runtime: "deno",
  versions: { Deno: "2.9.6", seglog: "0.1.0" },
  machine: {
    processor: "A processor",
    cores: 2,
    memoryGiB: 8,
    system: "Linux 6",
    fileSystem: "ext4",
  },
  rounds: 2,
  name: "W1",
  title: "Batches appended <fast>",
  figures: [
    { key: "rate", label: "records/s", better: "more", isCompared: true },
    { key: "memory", label: "MiB", better: "less" },
  ],
  cases: [{
    name: "1,000 & more",
    params: { batch: 1000 },
    systems: [
      { system: "seglog", samples: [{ rate: 4e6, memory: 50 }, { rate: 6e6, memory: 60 }] },
      { system: "LMDB", samples: [{ rate: 2e6, memory: 90 }, { rate: 2e6, memory: 90 }] },
      { system: "fails", samples: [{ rate: 1e6, memory: 9 }, null], missing: "ended with 1" },
      { system: "absent", samples: [null], missing: "not installed" },
    ],
  }],
};
