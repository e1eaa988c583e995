/**
 * The command line: reads the words, runs the verb, and ends with the exit code that says how it
 * went.
 *
 * @module
 */
import process from "node:process";
import { VERSION } from "../core/base/version.ts";
import type { Request } from "./command_line.ts";
import type { ConfigFile } from "./config/config_file.ts";
import { heldPlace } from "./config/held_settings.ts";
import { EXIT_OK, EXIT_USAGE, exitCodeOf, explain } from "./exit.ts";
import type { Io } from "./io.ts";
import { ClosedPipe, Output } from "./output.ts";
import { parseVerbLine } from "./verb_line.ts";

/**
 * Runs one command.
 *
 * @param args the words behind the program's name
 * @returns the exit code, when everything has been written
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const output = new Output(io);
  try {
    return await dispatch(args, { io, output });
  } catch (error) {
    if (error instanceof ClosedPipe) return EXIT_OK;
    output.status("");
    output.note(`seglog: ${explain(error, io.env.SEGLOG_DEBUG === "1")}`);
    return exitCodeOf(error);
  } finally {
    await output.finish();
  }
}

async function dispatch(
  args: readonly string[],
  { io, output }: { io: Io; output: Output },
): Promise<number> {
  const request = await parseVerbLine(args) ?? await parseWithAllVerbs(args, output);
  switch (request.kind) {
    case "run": {
      const path = request.config ?? (io.env.SEGLOG_CONFIG || undefined);
      const config = path === undefined ? undefined : await readConfig(path);
      const flags = request.at === undefined ? {} : { at: request.at };
      const at = heldPlace({ flags, env: io.env, file: config });
      const given = request.at === undefined ? {} : { atGiven: request.at };
      const { access } = request;
      return await request.verb({ io, output, at, access, ...given, ...config && { config } });
    }
    case "show":
      await output.line(request.text);
      return EXIT_OK;
    case "incomplete":
      output.note(request.help);
      return EXIT_USAGE;
    case "refuse":
      output.note(`seglog: ${request.reason}; ${request.hint}`);
      return EXIT_USAGE;
  }
}

async function parseWithAllVerbs(args: readonly string[], output: Output): Promise<Request> {
  const { parseCommandLine } = await import("./command_line.ts");
  return parseCommandLine(args, {
    colors: output.hasColour,
    columns: output.columns,
    version: `seglog ${VERSION} (${runtime()}, ${process.platform}-${process.arch})`,
  });
}

/** YAML is read only where a file is asked for. */
async function readConfig(path: string): Promise<ConfigFile> {
  const { readConfigFile } = await import("./config/config_file.ts");
  return readConfigFile(path);
}

function runtime(): string {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  if (deno !== undefined) return `deno ${deno}`;
  return bun === undefined ? `node ${node}` : `bun ${bun}`;
}
