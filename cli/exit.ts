/**
 * How the command line ends: exit codes, and the one line that says why.
 *
 * @module
 */
import { messageOf, SeglogError } from "../core/base/errors.ts";

export const EXIT_OK = 0;
export const EXIT_ERROR = 1;
export const EXIT_USAGE = 2;
export const EXIT_CORRUPT = 5;
export const EXIT_INTERRUPTED = 130;

/** A command that was not understood: wrong words, not wrong data. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The exit code for anything that was thrown; other codes than ours mean a plain error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_USAGE;
  return error instanceof SeglogError ? error.exitCode : EXIT_ERROR;
}

/** What standard error says of it: one line, or with `SEGLOG_DEBUG=1` the stack and its causes. */
export function explain(error: unknown, debug: boolean): string {
  if (!debug || !(error instanceof Error)) return oneLine(messageOf(error));
  const lines = [error.stack ?? error.message];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    lines.push(`caused by: ${cause.stack ?? cause.message}`);
  }
  return lines.join("\n");
}

function oneLine(message: string): string {
  return message.replace(/\s*[\r\n]+\s*/g, " ").trim();
}
