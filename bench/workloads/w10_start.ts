/**
 * W10: how long a server takes from its start until it says that it listens, how much memory it
 * holds then, and how long the command line takes for one append, all told. seglog is run from the
 * source on this runtime, and as the executable that `deno task compile:bun` makes.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, run } from "../../scripts/command.ts";
import { millisecondsOf } from "../measure.ts";
import { residentMiBOf } from "../servers/child_server.ts";
import { startNats } from "../servers/nats_server.ts";
import { startRedis } from "../servers/redis_server.ts";
import { seglogCommand, serve } from "../servers/seglog_server.ts";
import type { RunningServer } from "../servers/server.ts";
import type { Figures, Job, Workload } from "../workload.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/seglog", import.meta.url));

/** How a server is started, and how one record is appended by its command line. */
interface Program {
  start(folder: string): Promise<RunningServer>;
  append?(server: RunningServer, folder: string): Command;
}

const PROGRAMS: Readonly<Record<string, () => Program>> = {
  "seglog": () => seglogProgram(seglogCommand()),
  "seglog executable": () => {
    if (fs.existsSync(EXECUTABLE)) return seglogProgram([EXECUTABLE]);
    throw new Error("not made: deno task compile:bun");
  },
  "Redis": () => ({
    start: (folder) => startRedis(folder, "always"),
    append: ({ address }) => ["redis-cli", "-u", address, "XADD", "log", "*", "v", "hello"],
  }),
  "NATS": () => ({ start: startNats }),
};

export const w10: Workload = {
  name: "W10",
  title: "From start to ready, idle memory, and one append by the command line",
  figures: [
    { key: "readyMs", label: "ready after ms", better: "less", isCompared: true },
    { key: "idleMiB", label: "idle MiB", better: "less", isCompared: true },
    { key: "appendMs", label: "one append, ms", better: "less", isCompared: true },
  ],
  systems: Object.keys(PROGRAMS),
  startsPrograms: true,
  cases: () => [{ name: "an empty folder", params: {} }],
  async run({ system, folder }: Job): Promise<Figures> {
    const program = PROGRAMS[system]!();
    const data = join(folder, "served");
    fs.mkdirSync(data);
    const startMs = performance.now();
    const server = await program.start(data);
    const readyMs = performance.now() - startMs;
    try {
      const idleMiB = residentMiBOf(server.processId);
      const command = program.append?.(server, join(folder, "appended"));
      if (command === undefined) return { readyMs, idleMiB };
      await succeed(command); // the files of the program are in the cache
      return { readyMs, idleMiB, appendMs: await millisecondsOf(() => succeed(command)) };
    } finally {
      await server.stop();
    }
  },
};

/** seglog appends to a folder of its own, without a server. */
function seglogProgram(seglog: Command): Program {
  return {
    start: (folder) => serve(seglog, folder),
    append: (_, folder) => [...seglog, "--at", folder, "append", "log", "hello"],
  };
}

async function succeed(command: Command): Promise<void> {
  const { status, stderr } = await run(command);
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}: ${stderr}`);
}
