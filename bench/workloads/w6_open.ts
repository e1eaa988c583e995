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
import type { Figures, Job, Size, Workload } from "../workload.ts";
import { RESIDENT } from "./figures.ts";
import { checkFilled } from "./steps.ts";

export const w6: Workload = {
  name: "W6",
  title: "Opening for writing",
  figures: [
    { key: "afterKillMs", label: "after a kill, ms", better: "less", isCompared: true },
    { key: "afterCloseMs", label: "after a close, ms", better: "less", isCompared: true },
    RESIDENT,
  ],
  systems: ["seglog", "LMDB", "LevelDB", "SQLite", "hypercore", "tidwall/wal"],
  cases,
  startsPrograms: true,
  run: openTwice,
};

/** Just below 500,000 a segment, so that seglog has to read a last one that is nearly full. */
function cases(size: Size) {
  return size === "short"
    ? [{ name: "0.49 M records", params: { records: 490_000 } }]
    : [{ name: "4.99 M records", params: { records: 4_990_000 } }];
}

/** Fills a log in a process that kills itself, opens it, closes it, and opens it again. */
export async function openTwice({ system, params, folder }: Job): Promise<Figures> {
  const command = await commandOf(system, thisRuntime());
  const data = join(folder, "data");
  fs.mkdirSync(data);
  const step = (name: string) => [...command, name, system, JSON.stringify(params)];
  checkFilled(await outcomeIn(data, step("fill")));
  const afterKill = await outcomeIn(data, step("open"));
  if (afterKill.missing !== undefined) throw new Error(afterKill.missing);
  const afterClose = await outcomeIn(data, step("open"));
  if (afterClose.missing !== undefined) throw new Error(afterClose.missing);
  return {
    afterKillMs: afterKill.figures.openMs!,
    afterCloseMs: afterClose.figures.openMs!,
    residentMiB: afterKill.figures.residentMiB!,
  };
}
