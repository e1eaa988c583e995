/** The command line as a person runs it: a process of its own, on the runtime that runs the test. */
import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { SeglogError, Store } from "../../mod.ts";
import { until } from "../support/until.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** Deno reads only what a command comes to need: all commands together would take twice the time. */
const RUN_SCRIPT = process.versions.deno === undefined
  ? []
  : ["run", "-A", "--unstable-npm-lazy-caching"];

/** What the command line looks at: a test says it, or it is not there. */
const OWN_VARIABLES = [
  "SEGLOG_DEBUG",
  "SEGLOG_AT",
  "SEGLOG_TOKEN",
  "SEGLOG_TOKEN_FILE",
  "SEGLOG_CA_FILE",
  "SEGLOG_CERT_FILE",
  "SEGLOG_KEY_FILE",
  "SEGLOG_NATS_CREDS",
  "FORCE_COLOR",
  "PORT",
  "DATA_DIR",
  "VOLUME_ID",
];

/** Where a command works, and what it is given. */
export interface CliOptions {
  /** The folder or URL, through `SEGLOG_AT`. */
  readonly at?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** How a command ended. */
export interface CliResult {
  readonly code: number | null;
  /** Standard output. */
  readonly bytes: Buffer;
  /** Standard output as text. */
  readonly out: string;
  /** Standard error as text. */
  readonly err: string;
}

/** Runs a command to its end. */
export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const running = startCli(args, options);
  running.child.stdin!.end(options.input ?? "");
  return await running.ended;
}

/** A command that still runs. */
export interface RunningCli extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<CliResult>;
  /** Resolves when standard output or standard error has come to hold this text, or be like that. */
  said(wanted: string | RegExp | ((text: string) => boolean)): Promise<void>;
  /** Sends a signal, as another process would: Deno's own `kill()` closes the pipes as well. */
  signal(name: "SIGINT" | "SIGTERM" | "SIGHUP"): void;
  /** Standard output and standard error so far. */
  text(): string;
}

/** Starts a command; its standard input stays open. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const env: Record<string, string | undefined> = { ...process.env };
  for (const name of OWN_VARIABLES) delete env[name];
  Object.assign(env, options.env);
  if (options.at !== undefined) env.SEGLOG_AT = options.at;
  const child = spawn(process.execPath, [...RUN_SCRIPT, MAIN, ...args], {
    env: env as Record<string, string>,
    cwd: options.cwd,
    stdio: "pipe",
  });
  child.stdin!.on("error", () => {}); // a command may end before it has read everything
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  let heard = () => {};
  const hear = (pieces: Buffer[]) => (piece: Buffer) => {
    pieces.push(piece);
    heard();
  };
  child.stdout!.on("data", hear(out));
  child.stderr!.on("data", hear(err));
  const text = () => `${Buffer.concat(out)}${Buffer.concat(err)}`;
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const bytes = Buffer.concat(out);
      resolve({ code, bytes, out: bytes.toString(), err: Buffer.concat(err).toString() });
      heard();
    });
  });
  return {
    child,
    ended,
    text,
    signal: (name) => void process.kill(child.pid!, name),
    async said(wanted) {
      const isSaid = () =>
        typeof wanted === "function"
          ? wanted(text())
          : typeof wanted === "string"
          ? text().includes(wanted)
          : wanted.test(text());
      let isOver = false;
      void ended.then(() => isOver = true);
      while (!isSaid()) {
        if (isOver) throw new Error(`the command ended without saying ${wanted}: ${text()}`);
        await new Promise<void>((resolve) => heard = resolve);
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Resolves when a topic, in a folder that the command writes to, has this many records. */
export async function acknowledged(
  writer: RunningCli,
  { at, topic, count }: { at: string; topic: string; count: number },
): Promise<void> {
  let isOver = false;
  void writer.ended.then(() => isOver = true);
  for (;;) {
    const isLast = isOver; // what it wrote before it ended is looked for once more
    try {
      await using store = await Store.open(at, { readOnly: true });
      if ((await store.bounds(topic)).nextOffset >= count) return;
    } catch (error) {
      if (!(error instanceof SeglogError) || error.code !== "not-found") throw error;
    }
    if (isLast) throw new Error(`the command ended before ${count} records: ${writer.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Resolves when a server says that it is ready. */
export async function ready(url: string): Promise<void> {
  await until(async () => {
    const response = await fetch(`${url}/readyz`);
    await response.text(); // or its connection would stay open beside the next one
    return response.status === 200;
  });
}
