/**
 * How a system is run in a process of its own.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Command } from "../scripts/command.ts";
import { goProgram } from "./go_program.ts";

/** Measures in this process, or by programs that it starts. */
export const RUN_ONE = fileURLToPath(new URL("./run_one.ts", import.meta.url));
/** Systems that are programs of their own, in Go, and take the same arguments. */
const GO_SYSTEMS: Readonly<Record<string, string>> = {
  "tidwall/wal": "tidwall",
  "tidwall/wal all cached": "tidwall",
};

/** The program that measures a system. @throws {Error} when it cannot be had */
export async function commandOf(system: string, runtime: Command): Promise<Command> {
  const program = GO_SYSTEMS[system];
  return program === undefined ? [...runtime, RUN_ONE] : [await goProgram(program)];
}
