/**
 * Servers as processes: started, waited for, measured and stopped.
 *
 * @module
 */
import * as fs from "node:fs";
import { type Command, endOf, start } from "../../scripts/command.ts";
import type { RunningServer } from "./server.ts";

/**
 * Starts a server and waits until it says that it is ready.
 *
 * @param ready what it then prints, on either stream; its first group, if any, is the address
 */
export async function startServer(
  command: Command,
  { ready, address = "" }: { ready: RegExp; address?: string },
): Promise<RunningServer> {
  const child = start(command);
  const end = endOf(child);
  let said = "";
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    const listen = (chunk: Uint8Array) => {
      said += new TextDecoder().decode(chunk);
      const found = ready.exec(said);
      if (found !== null) resolve(found);
    };
    child.stdout!.on("data", listen);
    child.stderr!.on("data", listen);
    end.then((status) => {
      const what = status === 127
        ? `not installed: ${command[0]} is not on PATH`
        : `ended with ${status} before it was ready`;
      reject(new Error(what));
    });
  });
  const processId = child.pid!;
  const stop = () => {
    child.kill("SIGTERM");
    return end;
  };
  return { address: match[1] ?? address, processId, stop };
}

/** Resident memory of another process, in MiB. */
export function residentMiBOf(processId: number): number {
  const status = fs.readFileSync(`/proc/${processId}/status`, "utf8");
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`Process ${processId} has no resident memory`);
  return Number(kibibytes) / 1024;
}
