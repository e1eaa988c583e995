/**
 * The peers that are written in Go: built when they are first needed, and removed with this process.
 *
 * @module
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../scripts/command.ts";

const PEERS = fileURLToPath(new URL("./peers/", import.meta.url));
const built = new Map<string, Promise<string>>();

/** The path of the program in `peers/NAME`. @throws {Error} when it cannot be built */
export function goProgram(name: string): Promise<string> {
  const program = built.get(name) ?? build(name);
  built.set(name, program);
  return program;
}

async function build(name: string): Promise<string> {
  const folder = fs.mkdtempSync(join(tmpdir(), `seglog-bench-${name}-`));
  process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, name);
  const { status, stderr } = await run(["go", "build", "-o", program, "."], {
    cwd: join(PEERS, name),
  });
  if (status === 127) throw new Error("not installed: go is not on PATH");
  if (status !== 0) throw new Error(`cannot be built: ${stderr.trim().split("\n").at(-1)}`);
  return program;
}
