/**
 * A program that does not outlive the process that started it, however that ends: a shell beside it
 * reads a pipe that only we hold open, and kills it when the pipe is closed and nothing was said.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import process from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Command, endOf, start } from "../../../scripts/command.ts";

/** The shell becomes the program, so that the process id of the one is that of the other. */
const WATCH = `exec 3<&0
{ trap "" INT TERM HUP; read -r _ <&3 || kill -KILL $$; } >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-`;
const LOG_CHARS_MAX = 200_000;

export class WatchedProcess {
  readonly pid: number;
  /** Resolves when it has ended, with its exit code. */
  readonly ended: Promise<number>;
  /** What it has printed, on both streams; of very much the end. */
  log = "";
  #isRunning = true;
  readonly #waiting = new Set<() => void>();

  constructor(command: Command) {
    const child: ChildProcess = start(["sh", "-c", WATCH, "sh", ...command]);
    this.pid = child.pid!;
    child.stdin!.on("error", () => {}); // the watcher may be gone
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on("data", (chunk) => {
        this.log = (this.log + chunk).slice(-LOG_CHARS_MAX);
        for (const look of this.#waiting) look();
      });
    }
    child.once("exit", () => {
      this.#isRunning = false;
      child.stdin!.end("ended\n"); // its number may be another's soon
    });
    this.ended = endOf(child);
  }

  /** Sends a signal, unless it has ended. */
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    if (!this.#isRunning) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // it has ended by itself, and its end is about to be told
    }
  }

  /** Stops it with SIGSTOP, and resolves when none of its threads runs any more. */
  async pause(): Promise<void> {
    this.signal("SIGSTOP");
    while (this.#isRunning && !isStopped(this.pid)) await nextTurn();
  }

  /** Kills it, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  /** Resolves when it has printed this. @throws {Error} with its last words, when it ends before */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.log);
      if (match !== null) resolve(match);
    };
    this.#waiting.add(look);
    look();
    this.ended.then((status) => {
      reject(new Error(`It ended with ${status} before it said ${pattern}: ${this.log}`));
    });
    try {
      return await promise;
    } finally {
      this.#waiting.delete(look);
    }
  }
}

/** Whether all threads stand still. Where there is no /proc, the signal has to do. */
function isStopped(pid: number): boolean {
  try {
    const threads = fs.readdirSync(`/proc/${pid}/task`);
    return threads.every((thread) =>
      /\) [TZX] \d+/.test(fs.readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"))
    );
  } catch {
    return !fs.existsSync(`/proc/${pid}`);
  }
}
