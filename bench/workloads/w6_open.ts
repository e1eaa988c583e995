/**
 * W6: how long it takes until a log of many records can be written again, after its process was
 * killed right behind the last append, and after it was closed. Each opening is a process of its
 * own, which has run none of the code before; loading the code is not measured. All records must be
 * there.
 *
 * @module
 */
import { join } from "node:path";
import * as fs from "node:fs";
import { outcomeIn } from "../outcome.ts";
import { thisRuntime } from "../runtimes.ts";
import { commandOf } from "../systems.ts";
import type { Figure, Figures, Job, Size, Workload } from "../workload.ts";
import { RESIDENT } from "./figures.ts";
import { checkFilled } from "./steps.ts";

/** How long the two openings take. */
export const OPENING_FIGURES: readonly Figure[] = [
  { key: "afterKillMs", label: "after a kill, ms", better: "less", isCompared: true },
  { key: "afterCloseMs", label: "after a close, ms", better: "less", isCompared: true },
];

export const w6: Workload = {
  name: "W6",
  title: "Opening for writing",
  figures: [...OPENING_FIGURES, RESIDENT],
  systems: ["seglog", "LMDB", "LevelDB", "SQLite", "hypercore", "tidwall/wal"],
  cases,
  startsPrograms: true,
  run: (job) => openTwice(job, { fill: "fill", open: "open" }),
};

/** Just below 500,000 a segment, so that seglog has to read a last one that is nearly full. */
function cases(size: Size) {
  return size === "short"
    ? [{ name: "0.49 M records", params: { records: 490_000 } }]
    : [{ name: "4.99 M records", params: { records: 4_990_000 } }];
}

/** Fills a store in a process that kills itself, opens it, closes it, and opens it again. */
export async function openTwice(
  { system, params, folder }: Job,
  steps: { readonly fill: string; readonly open: string },
): Promise<Figures> {
  const command = await commandOf(system, thisRuntime());
  const data = join(folder, "data");
  fs.mkdirSync(data);
  const run = (step: string) => outcomeIn(data, [...command, step, system, JSON.stringify(params)]);
  checkFilled(await run(steps.fill));
  const afterKill = await run(steps.open);
  if (afterKill.missing !== undefined) throw new Error(afterKill.missing);
  const afterClose = await run(steps.open);
  if (afterClose.missing !== undefined) throw new Error(afterClose.missing);
  return {
    afterKillMs: afterKill.figures.openMs!,
    afterCloseMs: afterClose.figures.openMs!,
    residentMiB: afterKill.figures.residentMiB!,
  };
}
