/**
 * What one run came to, and how it is had from a process of its own.
 *
 * @module
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, run } from "../scripts/command.ts";
import type { Figures } from "./workload.ts";

/** Figures, or why there are none. */
export type Outcome =
  | { readonly figures: Figures; readonly missing?: undefined }
  | { readonly figures?: undefined; readonly missing: string };

const TIME_LIMIT_MS = 15 * 60_000;

/** Runs a program that measures; it is given a fresh folder as its last argument. */
export async function outcomeOf(command: Command): Promise<Outcome> {
  const folder = fs.mkdtempSync(join(tmpdir(), "seglog-bench-"));
  try {
    const ended = await run([...command, folder], { timeLimitMs: TIME_LIMIT_MS });
    return readOutcome({ ...ended, stdout: ended.stdout.toString("utf8") });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** What the program printed last, or how it died. */
export function readOutcome(
  { status, stdout, stderr }: { status: number; stdout: string; stderr: string },
): Outcome {
  const last = stdout.trimEnd().split("\n").at(-1)!;
  if (status === 0 && last.startsWith("{")) return JSON.parse(last);
  const complaint = stderr.trim().split("\n").at(-1)!;
  return { missing: `ended with ${status}${complaint === "" ? "" : `: ${complaint}`}` };
}
