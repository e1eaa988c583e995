/**
 * The entry: runs the command line in the real process.
 *
 * The process is ended, not left to end: standard input may still be open, with no reader any more.
 *
 * @module
 */
import process from "node:process";
import { EXIT_ERROR, EXIT_OK } from "./exit.ts";
import { processIo } from "./io.ts";
import { main } from "./program.ts";

/** What the single executable is told to run queries; `server/query/worker_command.ts` says it. */
const QUERY_WORKER_WORD = "__query-worker";

// A file that may not grow is an error of its write, not the end of the process.
if (process.platform !== "win32") process.on("SIGXFSZ", () => {});

run(process.argv.slice(2)).then(
  (code) => process.exit(code),
  () => process.exit(EXIT_ERROR),
);

/** Runs a command; or queries, where this is a process that a server has started for them. */
async function run(words: readonly string[]): Promise<number> {
  if (words[0] !== QUERY_WORKER_WORD) return await main(words, processIo());
  const { runQueryWorker } = await import("../server/query/worker.ts");
  await runQueryWorker();
  return EXIT_OK;
}
