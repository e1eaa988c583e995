/**
 * Where a benchmark runs, and with which versions.
 *
 * @module
 */
import * as fs from "node:fs";
import * as os from "node:os";
import { fileURLToPath } from "node:url";
import { run } from "../scripts/command.ts";
import { findNats } from "../scripts/find_nats.ts";
import type { Machine } from "./results.ts";
import type { Runtime } from "./runtimes.ts";
import { RUNTIME_TITLES } from "./table.ts";

const PACKAGE = fileURLToPath(new URL("../package.json", import.meta.url));
/** The packages that are measured beside seglog. */
const PEERS = [
  ["LMDB", "lmdb"],
  ["LevelDB", "classic-level"],
  ["hypercore", "hypercore"],
  ["redis (client)", "redis"],
  ["NATS (client)", "@nats-io/jetstream"],
] as const;
/** Programs that are, and how each tells its version. */
const PROGRAMS = [
  ["Redis", ["redis-server", "--version"]],
  ["NATS", ["nats-server", "--version"]],
  ["Go", ["go", "version"]],
] as const;

/** This machine, without its name. */
export async function inspectMachine(): Promise<Machine> {
  const [first] = os.cpus();
  const { stdout } = await run(["stat", "-f", "-c", "%T", os.tmpdir()]);
  return {
    processor: first?.model.trim() ?? "unknown processor",
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    fileSystem: stdout.toString().trim() || "unknown file system",
  };
}

/** Versions of the runtime and of all that is measured and is there. */
export async function inspectVersions(runtime: Runtime): Promise<Record<string, string>> {
  const { version, devDependencies } = JSON.parse(fs.readFileSync(PACKAGE, "utf8"));
  const versions: Record<string, string> = {
    [RUNTIME_TITLES[runtime.name]]: runtime.version,
    seglog: version,
  };
  for (const [name, dependency] of PEERS) versions[name] = devDependencies[dependency];
  for (const [name, command] of PROGRAMS) {
    const { status, stdout } = await run(command);
    const found = /\d+(\.\d+)+/.exec(stdout.toString());
    if (status === 0 && found !== null) versions[name] = found[0];
  }
  const nats = await findNats();
  if (typeof nats !== "string") versions["NATS (J1, J2)"] = nats.version;
  return versions;
}
