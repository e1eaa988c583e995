/**
 * How a process is started that runs queries: from the source with the runtime that runs already, and
 * by the single executable, which has no source beside it, with a word that no person types.
 *
 * @module
 */
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

/** A program and its arguments. */
export interface WorkerCommand {
  readonly program: string;
  readonly words: readonly string[];
}

/** @param cpuSeconds time of the processor that the process may take until it ends */
export function workerCommand(cpuSeconds: number): WorkerCommand {
  const words = [process.execPath, ...ownWords()];
  if (process.platform === "win32") return { program: words[0]!, words: words.slice(1) };
  const limits = `ulimit -c 0; ulimit -t ${cpuSeconds}; ulimit -d ${MEMORY_KIB} 2>/dev/null`;
  return { program: "/bin/sh", words: ["-c", `${limits}; exec "$0" "$@"`, ...words] };
}

function ownWords(): string[] {
  if (!isRuntime(process.execPath)) return [QUERY_WORKER_WORD];
  const script = fileURLToPath(new URL("./worker_main.ts", import.meta.url));
  if (process.versions.deno === undefined) return [script];
  // The files of views may be anywhere; what is run is ours, and needs nothing from outside.
  return ["run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "-A", script];
}

/**
 * Whether a program runs scripts. The single executable has a name of its own; what it takes for the
 * place of its source is one of the machine that it was made on.
 */
export function isRuntime(program: string): boolean {
  return /^(?:deno|bun|node|nodejs)[-\d.]*(?:\.exe)?$/i.test(basename(program));
}
