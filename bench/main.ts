/**
 * The benchmark: `bench [WORKLOAD…] [--full] [--runtime deno|bun|node]… [--system NAME]…
 * [--rounds N]`. Prints tables, and writes them with all samples to `bench/results/` when it is the
 * full one, to `bench/recent/` otherwise.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { describeMachine, describeVersions } from "./machine.ts";
import type { Results, WorkloadResults } from "./results.ts";
import { runWorkload } from "./rounds.ts";
import { findRuntime, isRuntimeName, RUNTIME_NAMES } from "./runtimes.ts";
import { formatResults } from "./table.ts";
import { workloadNamed, WORKLOADS } from "./workloads/all.ts";

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
const workloads = positionals.length === 0 ? WORKLOADS : positionals.map(workloadNamed);
const rounds = Number(values.rounds ?? (values.full ? ROUNDS_FULL : ROUNDS_SHORT));
const names = values.runtime ?? (values.full ? ["deno", "bun"] : ["deno"]);
if (!names.every(isRuntimeName) || !(Number.isSafeInteger(rounds) && rounds > 0)) {
  console.error(
    `usage: bench [${WORKLOADS.map(({ name }) => name).join("|")}]… [--full] ` +
      `[--runtime ${RUNTIME_NAMES.join("|")}]… [--system NAME]… [--rounds N]`,
  );
  process.exit(2);
}

for (const name of names.filter(isRuntimeName)) {
  const runtime = await findRuntime(name);
  const found: WorkloadResults[] = [];
  const size = values.full ? "full" as const : "short" as const;
  const onProgress = (line: string) => console.error(`  ${name}: ${line}`);
  const plan = { runtime, size, rounds, systems: values.system, onProgress };
  for (const workload of workloads) found.push(await runWorkload(workload, plan));
  const results: Results = {
    command: `deno task ${["bench", ...process.argv.slice(2)].join(" ")}`,
    date: new Date().toISOString(),
    runtime: `${runtime.name} ${runtime.version}`,
    machine: await describeMachine(),
    versions: await describeVersions(),
    rounds,
    workloads: found,
  };
  console.log(formatResults(results));
}
