/**
 * Standard input and output, waited for where this thread stands: a process that has nothing else to
 * do needs no event loop.
 *
 * @module
 */
import * as fs from "node:fs";

const STDIN = 0;
const STDOUT = 1;

/** Waits for input. @returns how many bytes came; 0 at its end */
export function readSome(block: Uint8Array): number {
  return again(() => {
    try {
      return fs.readSync(STDIN, block, 0, block.length, null);
    } catch (error) {
      if ((error as { code?: string }).code === "EOF") return 0; // as Windows says it
      throw error;
    }
  });
}

/** Writes all of it, as fast as it is taken. */
export function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    at += again(() => fs.writeSync(STDOUT, rest));
  }
}

/** Tries until it works: a pipe may say that it is not ready. */
function again(work: () => number): number {
  for (;;) {
    try {
      return work();
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "EAGAIN" && code !== "EINTR") throw error;
      Atomics.wait(NEVER, 0, 0, 1);
    }
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));
