/**
 * The nats-server for tests and the benchmark: from the environment, PATH, where `go install` puts
 * programs, or where `.ci/run` has put one.
 *
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { run } from "./command.ts";

/** The version that `.ci/run` installs. */
export const NATS_VERSION = "2.15.3";
/** JetStream can be told to sync each write since this version. */
const VERSION_MIN = [2, 10] as const;

/** A nats-server that can be started. */
export interface NatsProgram {
  readonly path: string;
  /** Such as `2.15.3`. */
  readonly version: string;
}

/** The first nats-server there is, or in words why the cluster tests cannot run. */
export async function findNats(): Promise<NatsProgram | string> {
  const told = process.env.SEGLOG_NATS_SERVER;
  let why = told === undefined
    ? "nats-server is not on PATH"
    : `SEGLOG_NATS_SERVER=${told} is no program that runs`;
  for (const path of told === undefined ? await candidates() : [told]) {
    const { status, stdout } = await run([path, "--version"]);
    const version = /v(\d+\.\d+\.\d+)/.exec(stdout.toString())?.[1];
    if (status !== 0 || version === undefined) continue;
    if (!isOld(version)) return { path, version };
    why = `nats-server ${version} cannot sync each write, which it can since 2.10`;
  }
  return `${why}: go install github.com/nats-io/nats-server/v2@v${NATS_VERSION}`;
}

async function candidates(): Promise<string[]> {
  const { stdout } = await run(["go", "env", "GOBIN", "GOPATH"]);
  const [bin = "", path = ""] = stdout.toString().split("\n");
  const installed = bin !== "" ? [bin] : path !== "" ? [join(path, "bin")] : [];
  return ["nats-server", ...[...installed, cacheFolder()].map((dir) => join(dir, "nats-server"))];
}

/** Where `.ci/run` keeps it. */
function cacheFolder(): string {
  const { SEGLOG_CI_TOOLS, XDG_CACHE_HOME } = process.env;
  const tools = SEGLOG_CI_TOOLS ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "seglog-ci");
  return join(tools, `nats-server-${NATS_VERSION}`);
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [majorMin, minorMin] = VERSION_MIN;
  return major < majorMin || (major === majorMin && minor < minorMin);
}
