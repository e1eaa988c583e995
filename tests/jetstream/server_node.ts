/** Servers over a cluster, each in a process of its own, that are killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { thisRuntime } from "../support/runtimes.ts";

const NODE = fileURLToPath(new URL("./node_process.ts", import.meta.url));

/** One of them. */
export class ServerNode implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(url: string, child: ChildProcess, ended: Promise<unknown>) {
    this.url = url;
    this.#child = child;
    this.#ended = ended;
  }

  /** @param allowed where its webhooks may be sent to */
  static async start(cluster: string, allowed = "127.0.0.0/8"): Promise<ServerNode> {
    const [program, ...args] = thisRuntime().command;
    const child = spawn(program, [...args, NODE, cluster, allowed], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "close");
    const [url] = await Promise.race([
      once(createInterface({ input: child.stdout }), "line"),
      ended.then(() => Promise.reject(new Error("the server has ended"))),
    ]);
    return new ServerNode(url, child, ended);
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
