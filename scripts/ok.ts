/**
 * Everything that must hold before a change is taken, but for the executables: `deno task ok`.
 *
 * @module
 */
import process from "node:process";
import { bunCounts, type Check, denoCounts, nodeCounts, runChecks } from "./checks.ts";
import { DENO, findBun, findNode } from "./runtimes.ts";

const PLAIN = { env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined } };

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

/** The tests on the other runtimes. */
export async function otherTests(): Promise<Check[]> {
  const node = await findNode();
  return [
    {
      name: "tests on Bun",
      command: [...await findBun(), "test", "--parallel", "--timeout", "120000", "tests"],
      options: PLAIN,
      counts: bunCounts,
    },
    {
      name: "tests on Node",
      command: typeof node === "string"
        ? node
        : [...node, "--test", "--test-reporter=spec", "tests/**/*_test.ts"],
      options: PLAIN,
      counts: nodeCounts,
    },
  ];
}

if (import.meta.main) {
  process.exitCode = await runChecks([...STATIC_CHECKS, DENO_TESTS, ...await otherTests()]);
}
