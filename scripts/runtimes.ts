/**
 * The programs that the scripts need beside Deno, at the versions that seglog is made for.
 *
 * @module
 */
import process from "node:process";
import { type Command, run } from "./command.ts";

const BUN_VERSION = "1.4.5";
const NODE_VERSION_MIN = [22, 18] as const;

/** Deno, which runs these scripts. */
export const DENO: Command = [process.execPath];

/** Bun from PATH, or else by way of npx. */
export async function findBun(): Promise<Command> {
  const { status } = await run(["bun", "--version"]);
  return status === 0 ? ["bun"] : ["npx", "-y", `bun@${BUN_VERSION}`];
}

/** Node from PATH, or in words why it cannot be used: older ones do not run TypeScript. */
export async function findNode(): Promise<Command | string> {
  const { status, stdout } = await run(["node", "--version"]);
  if (status !== 0) return "node is not on PATH";
  const version = stdout.toString().trim();
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  const [majorMin, minorMin] = NODE_VERSION_MIN;
  const isOld = major < majorMin || (major === majorMin && minor < minorMin);
  return isOld ? `node ${version} is older than ${majorMin}.${minorMin}` : ["node"];
}
