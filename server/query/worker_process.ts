/**
 * One process that runs queries, as its server sees it: it is asked, it answers line by line, and it
 * can be ended at any moment.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import * as fs from "node:fs";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { LinePieces } from "./line_pieces.ts";
import { workerCommand } from "./worker_command.ts";

/** What is kept of what a process says of its end. */
const LAST_WORDS_MAX = 500;
/** At least: some machines have larger ones, and count fewer of them. */
const PAGE_BYTES = 4096;

/** The process has ended, and will answer no more. */
export class WorkerEnded extends Error {
  override readonly name = "WorkerEnded";
  /** The signal that ended it, where one did. */
  readonly signal: string | null;

  constructor(message: string, signal: string | null) {
    super(message);
    this.signal = signal;
  }
}

/** A process for one query at a time. */
export class WorkerProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #blocks: AsyncIterator<Uint8Array>;
  readonly #pieces = new LinePieces();
  readonly #ended: Promise<void>;
  #lines: Uint8Array[] = [];
  #lastWords = "";
  #end: WorkerEnded | undefined;

  /** @param cpuSeconds time of the processor that it may take until the system ends it */
  constructor(cpuSeconds: number) {
    const { program, words } = workerCommand(cpuSeconds);
    this.#child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdin.on("error", () => {}); // told by its end
    this.#child.stderr.on("error", () => {});
    this.#child.stderr.on("data", (block) => {
      this.#lastWords = (this.#lastWords + block).slice(-LAST_WORDS_MAX);
    });
    this.#ended = new Promise((resolve) => {
      const end = (why: string, signal: string | null = null) => {
        this.#end ??= new WorkerEnded(`${why} ${this.#lastWords}`.trim(), signal);
        resolve();
      };
      this.#child.on("error", ({ message }) => end(message));
      this.#child.on("exit", (code, signal) => end(`it ended with ${signal ?? code}`, signal));
    });
    this.#blocks = this.#child.stdout[Symbol.asyncIterator]();
  }

  /** Whether it can be asked. */
  get isAlive(): boolean {
    return this.#end === undefined;
  }

  /** Memory that it has; 0 where the system does not tell. */
  get memoryBytes(): number {
    try {
      const pages = fs.readFileSync(`/proc/${this.#child.pid}/statm`, "latin1").split(" ")[1];
      return PAGE_BYTES * Number(pages);
    } catch {
      return 0;
    }
  }

  /** Sends one line. */
  ask(line: string): void {
    this.#child.stdin.write(Buffer.from(line));
  }

  /** The next line of its answer. @throws {WorkerEnded} */
  async line(): Promise<Uint8Array> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      this.#lines = this.#pieces.take(await this.#block());
    }
  }

  /** Whether the process may keep this one alive: it may while it has something to do. */
  hold(isBusy: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const one of [this.#child, stdin, stdout, stderr]) {
      const { ref, unref } = one as { ref?: () => void; unref?: () => void };
      (isBusy ? ref : unref)?.call(one);
    }
  }

  /** Ends it, whatever it does. Resolves when it has ended. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    if (this.#end === undefined && pid !== undefined) {
      this.hold(true);
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await this.#ended;
    this.#child.stdout.destroy();
  }

  async #block(): Promise<Uint8Array> {
    try {
      const { done, value } = await this.#blocks.next();
      if (!done) return value;
    } catch {
      // A pipe that breaks is the end of the process.
    }
    await this.#ended;
    throw this.#end!;
  }
}
