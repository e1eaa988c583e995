/**
 * Everything that must hold before a change is taken, but for the executables: `deno task ok`.
 *
 * @module
 */
import * as fs from "node:fs";
import * as os from "node:os";
import { resolve } from "node:path";
import process from "node:process";
import { bunCounts, type Check, denoCounts, nodeCounts, runChecks } from "./checks.ts";
import { DENO, findBun, findNode } from "./runtimes.ts";

const PLAIN = { env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined } };

/** Each file of tests, and each command that one starts, is a process that would compile all anew. */
const NODE_COMPILE_CACHE = resolve("node_modules", ".cache", "node-compile");

/**
 * With files of tests side by side Bun loads the polyfill that the library for certificates needs behind
 * that library, whatever the order of the imports, unless it is loaded before all.
 */
const BUN_OPTIONS = ["--preload", "reflect-metadata", "--timeout", "120000"];

/** Files of tests at a time: a fourth of the time of one it waits for something, on Bun and on Node. */
const WORKERS = os.availableParallelism() + 1;

/** How the code is written: format, lint, types, documentation, what would be published. */
export const STATIC_CHECKS: readonly Check[] = [
  { name: "format", command: [...DENO, "fmt", "--check"] },
  { name: "lint", command: [...DENO, "lint"] },
  { name: "types", command: [...DENO, "check", "."] },
  { name: "types of the examples", command: [...DENO, "check", "--doc", "mod.ts"] },
  { name: "documentation of all that is public", command: [...DENO, "doc", "--lint", "mod.ts"] },
  {
    name: "publish, dry run",
    command: [...DENO, "publish", "--dry-run", "--allow-dirty"],
  },
].map((check) => ({ ...check, options: PLAIN }));

/** The tests on Deno. */
export const DENO_TESTS: Check = {
  name: "tests on Deno",
  command: [...DENO, "task", "test"],
  options: PLAIN,
  counts: denoCounts,
};

/**
 * Nothing in these is a matter of the runtime that runs them, and Deno does: long campaigns on a disk in
 * memory, and faults of a cluster; one that starts a process of each runtime itself; checks of the tree.
 */
const SAME_EVERYWHERE = [
  "tests/cluster/killed_nodes_test.ts",
  "tests/cluster/shaken_nodes_test.ts",
  "tests/crash/crash_test.ts",
  "tests/crash/kill_test.ts",
  "tests/damage/sweep_test.ts",
  "tests/damage/damage_campaign_test.ts",
  "tests/deploy/",
  "tests/docs/",
  "tests/layers_test.ts",
  "tests/mutation/",
  "tests/repair/campaign_test.ts",
  "tests/repair/crash_test.ts",
  "tests/server/grpc/generated_test.ts",
  "tests/server/openapi/",
  "tests/store/backup_beside_test.ts",
  "tests/store/backup_crash_test.ts",
  "tests/style_test.ts",
];

/** The tests on the other runtimes. */
export async function otherTests(): Promise<Check[]> {
  const node = await findNode();
  const files = testFiles();
  return [
    {
      name: "on Bun and Node: what Deno has shown for all",
      command: SAME_EVERYWHERE.join(", "),
    },
    {
      name: "tests on Bun",
      command: [...await findBun(), "test", `--parallel=${WORKERS}`, ...BUN_OPTIONS, ...files],
      options: PLAIN,
      counts: bunCounts,
    },
    {
      name: "tests on Node",
      command: typeof node === "string"
        ? node
        : [...node, "--test", `--test-concurrency=${WORKERS}`, "--test-reporter=spec", ...files],
      options: { env: { ...PLAIN.env, NODE_COMPILE_CACHE } },
      counts: nodeCounts,
    },
  ];
}

function testFiles(): string[] {
  return fs.readdirSync("tests", { recursive: true, encoding: "utf8" })
    .map((file) => `./tests/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith("_test.ts"))
    .filter((file) => !SAME_EVERYWHERE.some((same) => file.startsWith(`./${same}`)))
    .toSorted();
}

if (import.meta.main) {
  process.exitCode = await runChecks([...STATIC_CHECKS, DENO_TESTS, ...await otherTests()]);
}
