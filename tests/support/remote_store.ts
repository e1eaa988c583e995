/** A store in another process, on any runtime: to be stopped, starved and killed. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ErrorCode, RecordInput, StoreOptions } from "../../mod.ts";
import type { Found } from "../faults/oracle.ts";
import type { Runtime } from "./runtimes.ts";

const HOST = fileURLToPath(new URL("./store_host.ts", import.meta.url));

/** One request to the process. */
export interface Asked {
  readonly id: number;
  readonly action: string;
  readonly args: unknown;
}

/** Its answer: a value, an error of ours, or one that is none and should not be. */
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly fault?: string;
}

/** What was answered: a value, or the code of an error. */
export type Told<T> =
  | { readonly value: T; readonly code?: undefined }
  | { readonly value?: undefined; readonly code: ErrorCode; readonly message: string };

/** A process with a store. It is killed at the end of the block. */
export class RemoteStore implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #ended: Promise<unknown>;
  #complaint = "";
  #nextId = 0;

  /** @param before a program, with its arguments, that runs the rest */
  constructor(runtime: Runtime, before: readonly string[] = []) {
    const [program, ...args] = [...before, ...runtime.command, HOST];
    this.#child = spawn(program!, args, { detached: true });
    this.#child.stderr.on("data", (chunk) => this.#complaint += chunk);
    this.#child.stdin.on("error", () => {}); // it is gone, as those who wait are told
    this.#ended = once(this.#child, "close").then(() => {
      for (const [id, tell] of this.#waiting) tell({ id, fault: `it died: ${this.#complaint}` });
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const answer: Answer = JSON.parse(line);
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  open(folder: string, options: StoreOptions = {}): Promise<Told<null>> {
    return this.ask("open", { folder, options });
  }

  append(
    topic: string,
    records: readonly RecordInput[],
    options = {},
  ): Promise<Told<{ start: number; end: number }>> {
    return this.ask("append", { topic, records, options });
  }

  async find(topic: string): Promise<Found> {
    const { value, code } = await this.ask<{ bounds: Found["bounds"]; values: [number, string][] }>(
      "find",
      { topic },
    );
    assert.equal(code, undefined);
    return { bounds: value!.bounds, values: new Map(value!.values) };
  }

  /** Asks for any action of the host. */
  async ask<T>(action: string, args: unknown = {}): Promise<Told<T>> {
    const id = this.#nextId++;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#child.stdin.write(`${JSON.stringify({ id, action, args })}\n`);
    const { value, code, message = "", fault } = await answered;
    assert.equal(fault, undefined, `${action}: ${fault}`);
    return code === undefined ? { value: value as T } : { code, message };
  }

  /** Sends a signal to the process, and to those that it started. */
  signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    try {
      process.kill(-this.pid, name);
    } catch { // it has ended
    }
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
