/** Nodes of a cluster as a person runs them, each with a copy in a folder of its own, that are killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { thisRuntime } from "../support/runtimes.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** One of them. */
export class ServerNode implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #folder: string;

  private constructor(
    url: string,
    process: { readonly child: ChildProcess; readonly ended: Promise<unknown> },
    folder: string,
  ) {
    this.url = url;
    this.#child = process.child;
    this.#ended = process.ended;
    this.#folder = folder;
  }

  /** Starts `seglog serve`, and resolves when it listens. */
  static async start(cluster: string): Promise<ServerNode> {
    const folder = fs.mkdtempSync(join(tmpdir(), "seglog-node-"));
    const [program, ...args] = thisRuntime().command;
    const flags = ["--data", folder, "--http", "127.0.0.1:0", "--webhook-allow", "127.0.0.0/8"];
    const child = spawn(program, [...args, MAIN, "--at", cluster, "serve", ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = once(child, "close");
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      child.stderr.on("data", (chunk) => {
        said += chunk;
        const [, listening] = /listening on (http:\/\/\S+)/.exec(said) ?? [];
        if (listening !== undefined) resolve(listening);
      });
      ended.then(() => reject(new Error(`the node has ended: ${said}`)));
    });
    return new ServerNode(url, { child, ended }, folder);
  }

  /** It stands still, and does not know it. */
  stop(): void {
    process.kill(this.#child.pid!, "SIGSTOP");
  }

  /** It goes on. */
  go(): void {
    process.kill(this.#child.pid!, "SIGCONT");
  }

  /** It ends without a word. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) process.kill(pid!, "SIGKILL");
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
