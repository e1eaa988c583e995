/**
 * The benchmark: `bench [WORKLOAD…] [--full] [--runtime deno|bun|node]… [--system NAME]…
 * [--rounds N]`. Prints tables. The full one keeps its results in `bench/results/` and writes them
 * into `docs/performance.md`; another keeps them in `bench/recent/`.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { inspectMachine, inspectVersions } from "./machine.ts";
import { report, RESULTS_FOLDER } from "./report.ts";
import { writeResults } from "./results.ts";
import { runWorkload } from "./rounds.ts";
import { findRuntime, isRuntimeName, RUNTIME_NAMES } from "./runtimes.ts";
import { formatResults, OURS } from "./table.ts";
import { DEFAULT_WORKLOADS, workloadNamed, WORKLOADS } from "./workloads/all.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RECENT_FOLDER = "bench/recent";
const ROUNDS_SHORT = 3;
const ROUNDS_FULL = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: "boolean", default: false },
    runtime: { type: "string", multiple: true },
    system: { type: "string", multiple: true },
    rounds: { type: "string" },
  },
});
const size = values.full ? "full" as const : "short" as const;
const workloads = positionals.length === 0
  ? DEFAULT_WORKLOADS[size]
  : positionals.map(workloadNamed);
const rounds = Number(values.rounds ?? (values.full ? ROUNDS_FULL : ROUNDS_SHORT));
const names = values.runtime ?? (values.full ? ["deno", "bun"] : ["deno"]);
const known = new Set(workloads.flatMap((workload) => [
  ...workload.systems,
  ...workload.cases(size).flatMap(({ systems = [] }) => systems),
]));
const roundsMin = values.full ? ROUNDS_FULL : 1;
if (
  !names.every(isRuntimeName) || !(Number.isSafeInteger(rounds) && rounds >= roundsMin) ||
  !(values.system ?? []).every((name) => known.has(name))
) {
  console.error(
    `usage: bench [${WORKLOADS.map(({ name }) => name).join("|")}]… [--full] ` +
      `[--runtime ${RUNTIME_NAMES.join("|")}]… [--system NAME]… [--rounds N]\n` +
      `systems: ${[...known].join(", ")}; at least ${roundsMin} rounds`,
  );
  process.exit(2);
}

const command = ["deno", "task", "bench", ...process.argv.slice(2).map(quoted)].join(" ");
const machine = await inspectMachine();
if (machine.fileSystem === "tmpfs") {
  console.error("warning: temporary files are in memory, where a sync costs nothing: set TMPDIR");
}
for (const name of names) {
  const runtime = await findRuntime(name);
  const versions = await inspectVersions(runtime);
  const onProgress = (line: string) => console.error(`  ${name}: ${line}`);
  const plan = { runtime, size, rounds, systems: values.system, onProgress };
  for (const workload of workloads) {
    const { title, figures, isGrowth } = workload;
    const date = new Date().toISOString();
    const cases = await runWorkload(workload, plan);
    const results = {
      ...{ command, date, runtime: name, versions, machine, rounds },
      ...{ name: workload.name, title, figures, isGrowth, cases },
    };
    writeResults(join(ROOT, values.full ? RESULTS_FOLDER : RECENT_FOLDER), results);
    const isOursMissing = cases.some(({ systems }) =>
      systems.some(({ system, missing }) => system === OURS && missing !== undefined)
    );
    if (isOursMissing) process.exitCode = 1;
    console.log(`\n## ${workload.name}: ${title}\n\n${formatResults(results)}`);
  }
}
if (values.full) await report();

function quoted(argument: string): string {
  return /^[\w-]+$/.test(argument) ? argument : `"${argument}"`;
}
