/**
 * The regression guard: a few seconds of W1, W4 and W5, seglog beside a bare file that is written
 * and read with the same checksums. The ratio of the two depends little on the machine, so it is
 * compared with a recorded range: `bench:guard [--runtime NAME]… [--record]`. It reports, and fails
 * only when it cannot measure. `--record` records the ranges anew, as a change does that means to be
 * faster or has to be slower.
 *
 * @module
 */
import * as fs from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatRatio } from "../numbers.ts";
import { samplesOf } from "../results.ts";
import { runWorkload } from "../rounds.ts";
import { findRuntime, isRuntimeName, RUNTIME_NAMES, type RuntimeName } from "../runtimes.ts";
import { pairedRatios, summarise } from "../stats.ts";
import { formatTable, OURS, RUNTIME_TITLES } from "../table.ts";
import type { Params, Workload } from "../workload.ts";
import { w1 } from "../workloads/w1_append.ts";
import { w4 } from "../workloads/w4_scan.ts";
import { w5 } from "../workloads/w5_read_one.ts";
import { judge, type Range, rangeOf, type Ranges } from "./ranges.ts";

const RANGES_FILE = fileURLToPath(new URL("./ranges.json", import.meta.url));
const BASELINE = "bare file";
const ROUNDS = 3;
/** Rounds that a range is recorded with. */
const ROUNDS_RECORDED = 9;
const SECONDS = 0.3;
/** What is measured: a slice of each workload. */
const SLICES: readonly (readonly [Workload, Params])[] = [
  [w1, { batch: 1000, seconds: SECONDS }],
  [w4, { records: 200_000, seconds: SECONDS }],
  [w5, { records: 10_000, batch: 100, seconds: SECONDS }],
];

const { values } = parseArgs({
  options: {
    runtime: { type: "string", multiple: true, default: ["deno"] },
    record: { type: "boolean", default: false },
  },
});
if (!values.runtime.every(isRuntimeName)) {
  console.error(`usage: bench:guard [--runtime ${RUNTIME_NAMES.join("|")}]… [--record]`);
  process.exit(2);
}
const recorded: Ranges = JSON.parse(fs.readFileSync(RANGES_FILE, "utf8"));
const found: Record<string, Record<string, Range>> = {};
const rows: string[][] = [];
for (const name of values.runtime) {
  found[name] = {};
  for (const [workload, params] of SLICES) {
    const ratios = await measure(name, workload, params);
    const { median } = summarise(ratios);
    found[name][workload.name] = rangeOf(ratios);
    const range = recorded[name]?.[workload.name];
    rows.push([
      `${RUNTIME_TITLES[name]}, ${workload.name}: ${workload.title}`,
      formatRatio(median),
      range === undefined ? "" : `${formatRatio(range.low)} to ${formatRatio(range.high)}`,
      judge(median, range),
    ]);
  }
}
console.log(formatTable(["", `${OURS} / ${BASELINE}`, "recorded", ""], rows));
if (values.record) {
  fs.writeFileSync(RANGES_FILE, `${JSON.stringify({ ...recorded, ...found }, null, 2)}\n`);
}

/** How many times as fast seglog is, for each round. @throws {Error} when one was not measured */
async function measure(name: RuntimeName, workload: Workload, params: Params): Promise<number[]> {
  const slice = { ...workload, cases: () => [{ name: "slice", params }] };
  const runtime = await findRuntime(name);
  const systems = [OURS, BASELINE];
  const rounds = values.record ? ROUNDS_RECORDED : ROUNDS;
  const plan = { runtime, size: "short", rounds, systems, onProgress: () => {} } as const;
  const [results] = await runWorkload(slice, plan);
  const key = workload.figures[0]!.key;
  const [ours, theirs] = systems.map((system) => {
    const measured = results!.systems.find((each) => each.system === system)!;
    if (measured.missing !== undefined) throw new Error(`${system} ${measured.missing}`);
    return samplesOf(measured, key);
  });
  return pairedRatios(ours!, theirs!);
}
