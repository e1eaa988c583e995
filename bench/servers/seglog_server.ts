/**
 * A seglog server: `seglog serve`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Command } from "../../scripts/command.ts";
import { thisRuntime } from "../runtimes.ts";
import { startServer } from "./child_server.ts";
import type { RunningServer } from "./server.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** seglog from the source, on the runtime of this process. */
export function seglogCommand(): Command {
  return [...thisRuntime(), MAIN];
}

/** Serves a folder on a free port. */
export function serve(seglog: Command, folder: string): Promise<RunningServer> {
  const command = [...seglog, "serve", "--http", "127.0.0.1:0", "--data", folder];
  return startServer(command, { ready: /listening on (\S+)\n/ });
}
