/**
 * Clients of gRPC that live to see the end of their server. On Deno, a client whose server tells it to
 * go away can end the whole process, so they are in one of their own, which another runtime runs.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as readline from "node:readline";
import { fileURLToPath } from "node:url";
import { findRuntime, type Runtime } from "../../support/runtimes.ts";
import type { Loose } from "./support.ts";

/** One call, as the process is told of it. */
export interface RemoteCall {
  readonly id: number;
  readonly service: string;
  readonly method: string;
  readonly request: unknown;
  readonly isStream: boolean;
}

/** What the process tells of a call: a message; a status other than OK; or its end, without both. */
export interface RemoteNews {
  readonly id: number;
  readonly message?: unknown;
  readonly code?: number;
}

/** A call under way. Bytes are base64 in requests and answers. */
export interface OpenCall {
  /** The next message. @throws an error with the `code` of the status; it has ended without one */
  next(): Promise<Loose>;
}

/** A client with one connection. */
export interface RemoteClient extends AsyncDisposable {
  call(service: string, method: string, request: unknown): OpenCall;
  open(service: string, method: string, request: unknown): OpenCall;
}

const MAIN = fileURLToPath(new URL("./remote_client_main.ts", import.meta.url));
const candidates = (["node", "bun"] as const).map((name) => findRuntime(name));
const runtime = candidates.find((found): found is Runtime => typeof found !== "string");

/** Skips a test by name where neither of the runtimes is. */
export const withRemoteClient = { skip: runtime === undefined ? candidates.join(", ") : false };

/** Starts a client of what listens on a port of this machine. */
export function remoteClient(port: number): RemoteClient {
  const [program, ...args] = runtime!.command;
  const child = spawn(program, [...args, MAIN, String(port)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const calls: Messages[] = [];
  const closed = once(child, "close");
  const end = (error: Error) => calls.forEach((call) => call.take(error));
  closed.then(([code]) => end(new Error(`the client ended with ${code}`)), end);
  readline.createInterface({ input: child.stdout }).on("line", (line) => {
    const news: RemoteNews = JSON.parse(line);
    calls[news.id]!.take(news);
  });
  const begin = (call: Omit<RemoteCall, "id">): OpenCall => {
    const messages = new Messages();
    child.stdin.write(`${JSON.stringify({ id: calls.length, ...call })}\n`);
    calls.push(messages);
    return messages;
  };
  return {
    call: (service, method, request) => begin({ service, method, request, isStream: false }),
    open: (service, method, request) => begin({ service, method, request, isStream: true }),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await closed;
    },
  };
}

class Messages implements OpenCall {
  readonly #news: (RemoteNews | Error)[] = [];
  #wake = () => {};

  take(news: RemoteNews | Error): void {
    this.#news.push(news);
    this.#wake();
  }

  async next(): Promise<Loose> {
    if (this.#news.length === 0) await new Promise<void>((wake) => this.#wake = wake);
    const news = this.#news.shift()!;
    if (news instanceof Error) throw news;
    const { message, code } = news;
    if (code !== undefined) throw Object.assign(new Error(`status ${code}`), { code });
    assert.notEqual(message, undefined, "the call has ended");
    return message;
  }
}
