/**
 * What one run came to, and how it is had from a process of its own.
 *
 * @module
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Command, run, type RunOptions } from "../scripts/command.ts";
import type { Figures } from "./workload.ts";

/** Figures, or why there are none. */
export type Outcome =
  | { readonly figures: Figures; readonly missing?: undefined }
  | {
    readonly figures?: undefined;
    readonly missing: string;
    /** What it said on standard error, for whoever watches. */
    readonly complaint?: string;
  };

const TIME_LIMIT_MS = 5 * 60_000;

/** Runs a program that measures; it is given a fresh folder as its last argument. */
export async function outcomeOf(command: Command): Promise<Outcome> {
  const folder = fs.mkdtempSync(join(tmpdir(), "seglog-bench-"));
  const remove = () => fs.rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove); // as after Ctrl-C
  try {
    return await outcomeIn(folder, command, { timeLimitMs: TIME_LIMIT_MS });
  } finally {
    process.off("exit", remove);
    remove();
  }
}

/** Runs a program that measures in a folder that is there. */
export async function outcomeIn(
  folder: string,
  command: Command,
  options: RunOptions = {},
): Promise<Outcome> {
  const ended = await run([...command, folder], options);
  return readOutcome({ ...ended, stdout: ended.stdout.toString("utf8") });
}

/** What the program printed last, or how it died. */
export function readOutcome(
  { status, stdout, stderr }: { status: number; stdout: string; stderr: string },
): Outcome {
  const last = stdout.trimEnd().split("\n").at(-1)!;
  if (status === 0 && last.startsWith("{")) return JSON.parse(last);
  const [, limit] = /^killed after (\d+) s$/m.exec(stderr) ?? [];
  const missing = limit === undefined ? `ended with ${status}` : `took more than ${limit} s`;
  return { missing, complaint: stderr.trim() };
}
