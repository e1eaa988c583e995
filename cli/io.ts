/**
 * What the command line is given by its surroundings, so that a test can stand in for them.
 *
 * @module
 */
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { EXIT_INTERRUPTED } from "./exit.ts";

/** Standard streams, environment and signals. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `callback` at each SIGINT and SIGTERM, which else end the process; returns the undoing. */
  onInterrupt(callback: () => void): () => void;
  /** Calls `callback` at each SIGHUP, which else ends the process; returns the undoing. */
  onHangUp(callback: () => void): () => void;
  /** Ends the process where it stands. */
  exit(code: number): void;
}

/** The real surroundings. Standard input is not touched before it is asked for. */
export function processIo(): Io {
  return {
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    onInterrupt(callback) {
      process.on("SIGINT", callback);
      process.on("SIGTERM", callback);
      return () => {
        process.off("SIGINT", callback);
        process.off("SIGTERM", callback);
      };
    },
    onHangUp(callback) {
      process.on("SIGHUP", callback);
      return () => void process.off("SIGHUP", callback);
    },
    exit: (code) => process.exit(code),
  };
}

/**
 * Runs `work` with a signal that the first SIGINT or SIGTERM aborts, so that it can end in good
 * order. The second one ends the process at once.
 */
export async function interruptible<T>(
  io: Io,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const undo = io.onInterrupt(() => {
    if (controller.signal.aborted) io.exit(EXIT_INTERRUPTED);
    if (io.stderr.isTTY) io.stderr.write("\n"); // the terminal has written ^C
    controller.abort();
  });
  try {
    return await work(controller.signal);
  } finally {
    undo();
  }
}
