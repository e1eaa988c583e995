/**
 * The JavaScript runtimes that can be had here: the one that runs the tests, and those on PATH.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import process from "node:process";

export interface Runtime {
  readonly name: "deno" | "bun" | "node";
  /** Program and arguments that go before the path of a script. */
  readonly command: readonly [string, ...string[]];
}

const NODE_VERSION_MIN = [22, 18] as const;

/** A runtime by its name, or in words why there is none. */
export function findRuntime(name: Runtime["name"]): Runtime | string {
  const program = runningName() === name ? process.execPath : name;
  const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  if (status !== 0) return `${name} is not on PATH`;
  if (name === "node") {
    const [major = 0, minor = 0] = stdout.trim().slice(1).split(".").map(Number);
    const [majorMin, minorMin] = NODE_VERSION_MIN;
    if (major < majorMin || (major === majorMin && minor < minorMin)) {
      return `node ${stdout.trim()} is older than ${majorMin}.${minorMin}`;
    }
  }
  return { name, command: name === "deno" ? [program, "run", "-A", "--quiet"] : [program] };
}

/** The runtime that runs this. */
export function thisRuntime(): Runtime {
  const runtime = findRuntime(runningName());
  if (typeof runtime === "string") throw new Error(runtime);
  return runtime;
}

function runningName(): Runtime["name"] {
  if (process.versions.bun !== undefined) return "bun";
  return process.versions.deno !== undefined ? "deno" : "node";
}
