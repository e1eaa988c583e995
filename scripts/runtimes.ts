/**
 * The programs that the scripts need beside Deno, at the versions that seglog is made for.
 *
 * @module
 */
import process from "node:process";
import { type Command, run } from "./command.ts";

const BUN_VERSION = "1.4.5";
/** The tests say `await using`, which Node knows since 24; the library itself runs on older ones. */
const NODE_VERSION_MIN = 24;

/** Deno, which runs these scripts. */
export const DENO: Command = [process.execPath];

/** Bun from PATH, or else by way of npx. */
export async function findBun(): Promise<Command> {
  const { status } = await run(["bun", "--version"]);
  return status === 0 ? ["bun"] : ["npx", "-y", `bun@${BUN_VERSION}`];
}

/** Node from PATH, or in words why the tests cannot run on it. */
export async function findNode(): Promise<Command | string> {
  const { status, stdout } = await run(["node", "--version"]);
  if (status !== 0) return "node is not on PATH";
  const version = stdout.toString().trim();
  const major = Number(/^v(\d+)/.exec(version)?.[1]);
  if (major >= NODE_VERSION_MIN) return ["node"];
  return `node ${version} is older than ${NODE_VERSION_MIN}`;
}
