/**
 * How a process is started that runs queries: from the source with the runtime that runs already, and
 * by the single executable or a bundle, which has no source beside it, with a word that no person
 * types.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What the executable is told to run queries. */
export const QUERY_WORKER_WORD = "__query-worker";

/**
 * The system ends a process that takes more: of memory, since not every SQLite keeps to what it is
 * told, and of time, since whoever should end it may be killed first.
 */
const MEMORY_KIB = 2 * 1024 * 1024;

const SHELL = "/bin/sh";

/** A program and its arguments. */
export interface WorkerCommand {
  readonly program: string;
  readonly words: readonly string[];
}

/** @param cpuSeconds time of the processor that the process may take until it ends */
export function workerCommand(cpuSeconds: number): WorkerCommand {
  const words = [process.execPath, ...ownWords()];
  // Without a shell, as in the smallest of images, there is nothing that could set limits.
  if (!existsSync(SHELL)) return { program: words[0]!, words: words.slice(1) };
  const limits = `ulimit -c 0; ulimit -t ${cpuSeconds}; ulimit -d ${MEMORY_KIB} 2>/dev/null`;
  return { program: SHELL, words: ["-c", `${limits}; exec "$0" "$@"`, ...words] };
}

function ownWords(): string[] {
  if (!isRuntime(process.execPath)) return [QUERY_WORKER_WORD];
  const entry = fileURLToPath(new URL("./worker_main.ts", import.meta.url));
  // A bundle has no source beside it: it is started as it was, with that word.
  const script = existsSync(entry) ? [entry] : [process.argv[1]!, QUERY_WORKER_WORD];
  if (process.versions.deno === undefined) return script;
  // The files of views may be anywhere; what is run is ours, and needs nothing from outside.
  return ["run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "-A", ...script];
}

/**
 * Whether a program runs scripts. The single executable has a name of its own; what it takes for the
 * place of its source is one of the machine that it was made on.
 */
export function isRuntime(program: string): boolean {
  return /^(?:deno|bun|node|nodejs)[-\d.]*(?:\.exe)?$/i.test(basename(program));
}
