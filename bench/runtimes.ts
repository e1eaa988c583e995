/**
 * The runtimes that a benchmark can run on.
 *
 * @module
 */
import process from "node:process";
import { type Command, run } from "../scripts/command.ts";
import { DENO, findBun, findNode } from "../scripts/runtimes.ts";

export const RUNTIME_NAMES = ["deno", "bun", "node"] as const;
export type RuntimeName = typeof RUNTIME_NAMES[number];

/** A runtime that is there. */
export interface Runtime {
  readonly name: RuntimeName;
  /** Such as `2.9.6`. */
  readonly version: string;
  /** Program and arguments that go before the path of a script. */
  readonly command: Command;
}

/** Whether this is one of the names. */
export function isRuntimeName(name: string): name is RuntimeName {
  return (RUNTIME_NAMES as readonly string[]).includes(name);
}

/** A runtime by its name. @throws {Error} when it is not there */
export async function findRuntime(name: RuntimeName): Promise<Runtime> {
  const program = await programOf(name);
  const { stdout } = await run([...program, "--version"]);
  const version = /\d+\.\d+\.\d+/.exec(stdout.toString())?.[0] ?? "of unknown version";
  return { name, version, command: asCommand(name, program) };
}

/** The command that runs a script as this process is run. */
export function thisRuntime(): Command {
  const { bun, deno } = process.versions;
  const name = bun !== undefined ? "bun" : deno !== undefined ? "deno" : "node";
  return asCommand(name, [process.execPath]);
}

function asCommand(name: RuntimeName, program: Command): Command {
  return name === "deno" ? [...program, "run", "-A", "--quiet"] : program;
}

async function programOf(name: RuntimeName): Promise<Command> {
  if (name === "deno") return DENO;
  if (name === "bun") return await findBun();
  const node = await findNode();
  if (typeof node === "string") throw new Error(`Cannot run on Node: ${node}`);
  return node;
}
