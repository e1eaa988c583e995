/**
 * Runs checks one after another and counts what passed: a program that ends with 0 passes, a test
 * runner tells its own numbers. Says what was skipped by name, shows the output of what failed, and says
 * once more at the end what failed and why: much output is easily cut off in its middle.
 *
 * @module
 */
import process from "node:process";
import { type Command, run, type RunOptions } from "./command.ts";
import { type Failure, failuresOf, shownOf } from "./failures.ts";

/** One thing that must hold. */
export interface Check {
  readonly name: string;
  /** What to run; a text says why it cannot be run here. */
  readonly command: Command | string;
  readonly options?: RunOptions;
  /** Whether what it printed is shown when it passes, too. */
  readonly isReport?: boolean;
  /** Takes the counts out of what a test runner printed. */
  readonly counts?: (output: string) => Counts | undefined;
  /** Decides from the outcome, where 0 is not all that is asked for; throws when it is not met. */
  readonly accept?: (outcome: { status: number; output: string }) => void;
}

/** What a test runner says of itself. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Names of tests that were not run. */
  readonly skipped: readonly string[];
}

/** What came of a check. */
interface Result extends Counts {
  /** Why it failed. */
  readonly complaints: readonly string[];
  /** The tests in it that failed. */
  readonly failures: readonly Failure[];
}

/** Said at the end, of one check. */
const FAILURES_SAID = 10;
/** Of one check: about twice what the longest takes on two processors. */
const TIME_LIMIT_MS = 15 * 60_000;

/**
 * Runs the checks, prints a line for each and `N passed, N failed` at the end.
 *
 * @returns the exit code: 0 when nothing failed
 */
export async function runChecks(checks: readonly Check[]): Promise<number> {
  let passed = 0;
  let failed = 0;
  const bad: string[] = [];
  for (const check of checks) {
    const result = await runCheck(check);
    passed += result.passed;
    failed += result.failed;
    if (result.failed > 0) bad.push(...saidOf(check.name, result));
  }
  if (bad.length > 0) console.log(`\n${bad.join("\n")}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function saidOf(name: string, result: Result): string[] {
  return [
    `FAIL  ${name}: ${result.complaints.join("; ")}`,
    ...result.failures.slice(0, FAILURES_SAID).flatMap((failure) => [
      `      ${failure.name}`,
      ...failure.reason.map((line) => `      | ${line}`),
    ]),
  ];
}

async function runCheck(check: Check): Promise<Result> {
  const { name, command } = check;
  if (typeof command === "string") {
    console.log(`skip  ${name}: ${command}`);
    return { passed: 0, failed: 0, skipped: [name], complaints: [], failures: [] };
  }
  if (process.stdout.isTTY) process.stdout.write(`…     ${name}\r`);
  const startedMs = Date.now();
  const outcome = await run(command, { timeLimitMs: TIME_LIMIT_MS, ...check.options });
  const output = outcome.stdout.toString("utf8") + outcome.stderr;
  const result = judge(check, { status: outcome.status, output });
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  const numbers = check.counts === undefined ? "" : `: ${result.passed} passed`;
  console.log(`${result.failed === 0 ? "ok   " : "FAIL "} ${name}${numbers} (${seconds} s)`);
  if (check.isReport) console.log(outcome.stdout.toString("utf8").trimEnd());
  for (const skipped of result.skipped) console.log(`      skipped: ${skipped}`);
  if (result.failed > 0) {
    for (const text of [outcome.stdout.toString("utf8"), outcome.stderr]) {
      for (const line of shownOf(text)) console.log(`      | ${line}`);
    }
    for (const complaint of result.complaints) console.log(`      | ${complaint}`);
  }
  return result;
}

function judge(check: Check, outcome: { status: number; output: string }): Result {
  const counts = check.counts?.(outcome.output);
  const complaints: string[] = [];
  try {
    if (check.accept !== undefined) check.accept(outcome);
    else if (outcome.status !== 0) throw new Error(`ended with ${outcome.status}`);
    if (check.counts !== undefined && counts === undefined) throw new Error("told no numbers");
  } catch (error) {
    complaints.push((error as Error).message);
  }
  const isGood = complaints.length === 0;
  const failures = isGood ? [] : failuresOf(outcome.output);
  if (counts === undefined) {
    return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: [], complaints, failures };
  }
  // A runner may fail beside its tests, such as by an error between two of them.
  const failed = isGood ? counts.failed : Math.max(1, counts.failed);
  return { ...counts, failed, complaints, failures };
}

/** `ok | 489 passed (247 steps) | 0 failed | 2 ignored (59s)` */
export function denoCounts(output: string): Counts | undefined {
  const match = /^(?:ok|FAILED) \| (\d+) passed.*?\| (\d+) failed/m.exec(output);
  return match === null ? undefined : {
    passed: Number(match[1]),
    failed: Number(match[2]),
    skipped: named(output, /^(.+) \.\.\. ignored/gm),
  };
}

/** ` 138 pass` and ` 0 fail` */
export function bunCounts(output: string): Counts | undefined {
  const passed = /^ *(\d+) pass$/m.exec(output);
  const failed = /^ *(\d+) fail$/m.exec(output);
  return passed === null || failed === null ? undefined : {
    passed: Number(passed[1]),
    failed: Number(failed[1]),
    skipped: named(output, /^\(skip\) (.+)$/gm),
  };
}

/** `ℹ pass 138` and `ℹ fail 0` */
export function nodeCounts(output: string): Counts | undefined {
  const passed = /^\S+ pass (\d+)$/m.exec(output);
  const failed = /^\S+ fail (\d+)$/m.exec(output);
  return passed === null || failed === null ? undefined : {
    passed: Number(passed[1]),
    failed: Number(failed[1]),
    skipped: named(output, /^\s*﹣ (.+?) \([\d.]+ms\)/gm),
  };
}

/** `11 passed, 0 failed`, as our own scripts say it, and `skip  NAME: why`. */
export function ownCounts(output: string): Counts | undefined {
  const match = /^(\d+) passed, (\d+) failed$/m.exec(output);
  return match === null ? undefined : {
    passed: Number(match[1]),
    failed: Number(match[2]),
    skipped: named(output, /^skip +(.+)$/gm),
  };
}

function named(output: string, pattern: RegExp): string[] {
  return [...new Set([...output.matchAll(pattern)].map((match) => match[1]!))];
}
