/**
 * How a system is run in a process of its own.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Command } from "../scripts/command.ts";
import type { Runtime } from "./runtimes.ts";

const RUN_ONE = fileURLToPath(new URL("./run_one.ts", import.meta.url));

/** The program that measures a system, or in words why there is none. */
// deno-lint-ignore require-await -- some are built first
export async function commandOf(_system: string, runtime: Runtime): Promise<Command | string> {
  return [...runtime.command, RUN_ONE];
}
