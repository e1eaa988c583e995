/**
 * How cost grows: a log is filled in a process that is killed, and then opened, read and appended to
 * in another, at more and more records, topics and segments. Everything but the time of a whole scan
 * should stay as it is.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { run } from "../../scripts/command.ts";
import { outcomeIn } from "../outcome.ts";
import { thisRuntime } from "../runtimes.ts";
import { commandOf } from "../systems.ts";
import { VALUE_BYTES } from "../values.ts";
import { type Figures, type Job, numberOf, type Size, type Workload } from "../workload.ts";
import { secondsOf } from "./figures.ts";
import { checkFilled } from "./steps.ts";

/** Room that must be left on the disk, as a share of what is written. */
const ROOM = 1.5;
/** Bytes of a segment where 1 M records are to make 1,000 of them. */
const SMALL_SEGMENT_BYTES = 137_000;

const COMMON = {
  figures: [
    { key: "appended", label: "records/s appended", better: "more" },
    { key: "scanned", label: "records/s scanned", better: "more" },
    { key: "readsPerSecond", label: "reads/s at random", better: "more" },
    { key: "openMs", label: "opened after a kill, ms", better: "less" },
    { key: "residentMiB", label: "MiB when opened", better: "less" },
    { key: "usedMiB", label: "MiB after reading", better: "less" },
  ],
  isGrowth: true,
  startsPrograms: true,
  run: grow,
} as const;

/** Just below 500,000 a segment, so that the last one is nearly full at every step. */
export const growthRecords: Workload = {
  ...COMMON,
  name: "growth-records",
  title: "Growth with records",
  systems: ["seglog", "bare file", "LMDB", "SQLite"],
  cases: (size: Size) => {
    const seconds = secondsOf(size);
    const millions = size === "short" ? [0.49, 1.99] : [0.99, 9.99, 49.99];
    return millions.map((count) => ({
      name: `${count} M records`,
      params: { records: Math.round(count * 1e6), seconds },
      ...(count > 10 && { systems: ["seglog", "bare file", "LMDB"] }),
    }));
  },
};

export const growthTopics: Workload = {
  ...COMMON,
  name: "growth-topics",
  title: "Growth with topics",
  systems: ["seglog"],
  cases: (size: Size) =>
    [1, 10, 100].map((topics) => ({
      name: `${topics} ${topics === 1 ? "topic" : "topics"}`,
      params: { topics, records: size === "short" ? 200_000 : 1_000_000, seconds: secondsOf(size) },
    })),
};

export const growthSegments: Workload = {
  ...COMMON,
  name: "growth-segments",
  title: "Growth with segments",
  systems: ["seglog"],
  cases: (size: Size) => {
    const params = { records: 1_000_000, seconds: secondsOf(size) };
    return [
      { name: "segments of 64 MiB", params },
      {
        name: "1,000 segments of 137 kB",
        params: { ...params, segmentBytes: SMALL_SEGMENT_BYTES },
      },
    ];
  },
};

async function grow({ system, params, folder }: Job): Promise<Figures> {
  const bytes = numberOf(params, "records") * VALUE_BYTES;
  const { bavail, bsize } = fs.statfsSync(folder);
  if (bavail * bsize < bytes * ROOM) {
    throw new Error(`needs ${(bytes * ROOM / 1e9).toFixed(1)} GB of room on the disk`);
  }
  const command = await commandOf(system, thisRuntime());
  const data = join(folder, "data");
  fs.mkdirSync(data);
  const step = (name: string) => [...command, name, system, JSON.stringify(params)];
  checkFilled(await outcomeIn(data, step("fill")));
  await run(["sync", "-f", data]); // or the disk would still be writing what was filled
  const { figures, missing } = await outcomeIn(data, step("grow"));
  if (figures === undefined) throw new Error(missing);
  return figures;
}
