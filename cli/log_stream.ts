/**
 * Standard error as a stream to which writing never waits.
 *
 * @module
 */
import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import process from "node:process";
import type { Writable } from "node:stream";
import type { Io } from "./io.ts";

const STDERR = 2;

/** In Deno, a write to a standard stream holds everything until whoever is at its other end has read. */
const WAITS = "deno" in process.versions;

/** The stream for a log. A file takes whatever comes, and a terminal is read by somebody. */
export function logStream({ stderr }: Io): Writable {
  if (!WAITS || stderr !== process.stderr || !isPipe()) return stderr;
  const socket = new Socket({ fd: STDERR, readable: false, writable: true });
  socket.on("error", () => {}); // told through the callback of the write
  return socket;
}

function isPipe(): boolean {
  const stats = fstatSync(STDERR);
  return stats.isFIFO() || stats.isSocket();
}
