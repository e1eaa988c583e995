/**
 * All checks: what `deno task ok` checks, by way of the command that README.md names, and the demo
 * and the executables. `.ci/run` calls it once the runtimes are there.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Check, denoCounts, ownCounts, runChecks } from "./checks.ts";
import { EXIT_NO_BASE } from "./compile.ts";
import { otherTests, STATIC_CHECKS } from "./ok.ts";
import { DENO } from "./runtimes.ts";

const README_COMMAND = ["npx", "-y", "deno@2.9.6", "task"] as const;

const home = fs.mkdtempSync(join(os.tmpdir(), "seglog-ci-"));
const plain = { env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined } };
const emptyHome = { env: { ...plain.env, HOME: home } };
const bundle = join(home, "seglog.mjs");

const checks: Check[] = [
  {
    name: "README: the test command, with an empty home folder",
    command: [...README_COMMAND, "test"],
    options: emptyHome,
    counts: denoCounts,
  },
  {
    name: "README: the demo command, with an empty home folder",
    command: [...README_COMMAND, "demo"],
    options: emptyHome,
  },
  ...STATIC_CHECKS,
  ...await otherTests(),
  { name: "compile with Bun", command: [...DENO, "task", "compile:bun"], options: plain },
  {
    name: "the executable of Bun",
    command: [...DENO, "task", "smoke"],
    options: plain,
    counts: ownCounts,
  },
  {
    name: "owners that are killed, the executable among them",
    command: [...DENO, "test", "-A", "tests/crash/kill_test.ts"],
    options: plain,
    counts: denoCounts,
  },
  {
    name: "without one sync, check or rule at a time: a fifth of them, by the commit",
    command: [...DENO, "task", "mutants", "--tests-passed", "--a-fifth"],
    options: plain,
    counts: ownCounts,
  },
  {
    name: "compile with Deno, or as far as it gets without its base",
    command: [...DENO, "task", "compile"],
    options: plain,
    accept: ({ status, output }) => {
      if (status === 0) return;
      assert.equal(status, EXIT_NO_BASE, "it failed by something else than the download");
      assert.match(output, /denort.* could not be downloaded/);
    },
  },
  {
    name: "what Deno embeds",
    command: [...DENO, "run", "-A", "scripts/check_embedded.ts"],
    options: plain,
  },
  {
    name: "the bundle that Deno embeds",
    command: [...DENO, "bundle", "--platform", "deno", "--output", bundle, "cli/main.ts"],
    options: plain,
  },
  {
    name: "the bundle, run by Deno away from the source",
    command: [
      ...[...DENO, "run", "-A", "scripts/smoke.ts"],
      ...[...DENO, "run", "-A", "--no-config", "--cached-only", bundle],
    ],
    options: plain,
    counts: ownCounts,
  },
  {
    name: "speed beside a bare file, as a report",
    command: [...DENO, "task", "--quiet", "bench:guard", "--runtime", "deno"],
    options: plain,
    isReport: true,
  },
  { name: "nothing in the tree has changed", command: ["git", "diff", "--exit-code", "--stat"] },
];

try {
  process.exitCode = await runChecks(checks);
} finally {
  fs.rmSync(home, { recursive: true, force: true });
}
