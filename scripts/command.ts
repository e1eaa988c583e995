/**
 * Runs programs for the scripts: to their end, or as a server that is stopped later.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";

/** A program and its arguments: `["deno", "run", "-A", "main.ts"]`. */
export type Command = readonly string[];

/** Where and with what a program runs. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
  /** What it reads from standard input; nothing unless given. */
  readonly input?: string | Uint8Array;
  /** After this it is killed, with all that it has started. */
  readonly timeLimitMs?: number;
}

/** How a program ended. */
export interface Outcome {
  /** Exit code; 128 and more after a signal, 127 when it could not be started. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Of a program that is not there. */
export const STATUS_NOT_FOUND = 127;
const STATUS_SIGNAL = 128;
const EXIT_INTERRUPTED = 130;

/** Runs a program to its end. It never throws: a program that is not there has status 127. */
export async function run(command: Command, options: RunOptions = {}): Promise<Outcome> {
  const child = start(command, options);
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout!.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr!.on("data", (chunk: Buffer) => stderr += chunk);
  child.stdin!.on("error", () => {}); // it may end without reading all
  child.stdin!.end(options.input ?? "");
  const { timeLimitMs } = options;
  const guard = timeLimitMs === undefined ? undefined : guardGroup(child, timeLimitMs, () => {
    stderr += `\nkilled after ${timeLimitMs / 1000} s\n`;
  });
  const status = await endOf(child);
  guard?.end();
  return { status, stdout: Buffer.concat(stdout), stderr };
}

/** Starts a program whose streams the caller reads. With a time limit it leads a process group. */
export function start(command: Command, options: RunOptions = {}): ChildProcess {
  const [program, ...args] = command;
  return spawn(program!, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: options.timeLimitMs !== undefined,
  });
}

/** Kills a group of processes when its time is over, or when we are told to end. */
function guardGroup(leader: ChildProcess, timeLimitMs: number, onTimeOver: () => void) {
  const kill = () => {
    try {
      process.kill(-leader.pid!, "SIGKILL");
    } catch {
      // all of them have ended
    }
  };
  const onSignal = () => {
    kill();
    process.exit(EXIT_INTERRUPTED);
  };
  const timer = setTimeout(() => {
    onTimeOver();
    kill();
  }, timeLimitMs);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, onSignal);
  return {
    end: () => {
      clearTimeout(timer);
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
    },
  };
}

/** The exit code of a program, when it has ended and all its output is there. */
export async function endOf(child: ChildProcess): Promise<number> {
  try {
    const [code] = await once(child, "close") as [number | null];
    return code ?? STATUS_SIGNAL;
  } catch {
    return STATUS_NOT_FOUND;
  }
}

/** A `seglog serve` that says where it listens. */
export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #end: Promise<number>;

  private constructor(child: ChildProcess, end: Promise<number>, url: string) {
    this.#child = child;
    this.#end = end;
    this.url = url;
  }

  /** Serves `folder` on a free port. */
  static async start(
    seglog: Command,
    folder: string,
    options: RunOptions = {},
  ): Promise<ServerProcess> {
    const args = ["serve", "--http", "127.0.0.1:0", "--data", folder];
    const child = start([...seglog, ...args], options);
    const end = endOf(child);
    child.stdout!.resume();
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      child.stderr!.on("data", (chunk) => {
        said += chunk;
        const match = /https?:\/\/[\w.:[\]]+:\d+/.exec(said);
        if (match !== null) resolve(match[0]);
      });
      end.then((status) => reject(new Error(`serve ended with ${status}: ${said}`)));
    });
    return new ServerProcess(child, end, url);
  }

  /** Asks it to end, and resolves with its exit code. */
  stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number> {
    const { pid, exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      try { // by its number: on Deno a child's own kill() hides with which code it then ended
        process.kill(pid!, signal);
      } catch {
        // it has ended by itself, and its end is about to be told
      }
    }
    return this.#end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}
