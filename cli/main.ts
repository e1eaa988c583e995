/**
 * The entry: runs the command line in the real process.
 *
 * The process is ended, not left to end: standard input may still be open, with no reader any more.
 *
 * @module
 */
import process from "node:process";
import { EXIT_ERROR } from "./exit.ts";
import { processIo } from "./io.ts";
import { main } from "./program.ts";

// A file that may not grow is an error of its write, not the end of the process.
if (process.platform !== "win32") process.on("SIGXFSZ", () => {});

main(process.argv.slice(2), processIo()).then(
  (code) => process.exit(code),
  () => process.exit(EXIT_ERROR),
);
