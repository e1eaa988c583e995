/**
 * A real nats-server for a test: with JetStream, synced at each write, on a free port of the loopback
 * interface and in a throw-away folder.
 *
 * @module
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "../../../scripts/command.ts";
import { findNats, type NatsProgram } from "../../../scripts/find_nats.ts";
import { freePort } from "../../../scripts/free_port.ts";
import { untilBound } from "./until_bound.ts";
import { WatchedProcess } from "./watched_process.ts";

/** How the server differs from its defaults. */
export interface NatsOptions {
  /** The largest message it takes, in bytes; the server's own default is 1 MiB. */
  readonly maxPayload?: number;
  /** Further lines of its configuration, such as `authorization { token: t }`. */
  readonly config?: string;
}

/** Where a server runs and is reached. */
export interface Place {
  readonly name: string;
  readonly url: string;
  /** What it is started by, such as the command that enters a namespace. */
  readonly prefix: Command;
  /** Its configuration, but for JetStream. */
  readonly config: string;
  /** Its store folder, as it sees it. */
  readonly storeFolder: string;
  readonly configPath: string;
}

/** One nats-server, started again and again at the same place. */
export class NatsServer {
  readonly name: string;
  readonly url: string;
  readonly #program: NatsProgram;
  readonly #place: Place;
  readonly #release: () => void;
  #process: WatchedProcess | undefined;

  /** @param release gives back what the place was made of */
  constructor(program: NatsProgram, place: Place, release: () => void = () => {}) {
    this.#program = program;
    this.#place = place;
    this.#release = release;
    this.name = place.name;
    this.url = place.url;
  }

  /** Its process id. @throws {Error} when it does not run */
  get pid(): number {
    return this.process.pid;
  }

  /** The process. @throws {Error} when it does not run */
  get process(): WatchedProcess {
    if (this.#process === undefined) throw new Error(`nats-server at ${this.url} does not run`);
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Starts it, and resolves when it listens. */
  async start(): Promise<void> {
    const { prefix, configPath, storeFolder, config } = this.#place;
    fs.writeFileSync(
      configPath,
      `${config}\njetstream {
  store_dir: "${storeFolder}"
  sync_interval: always
  max_file_store: 16GB
  max_memory_store: 256MB
}\n`,
    );
    const started = new WatchedProcess([...prefix, this.#program.path, "-c", configPath]);
    await started.said(/Server is ready/);
    this.#process = started;
  }

  /** Asks it to end, and resolves when it has. */
  async stop(): Promise<void> {
    this.#process?.signal("SIGCONT");
    this.#process?.signal("SIGTERM");
    await this.#process?.ended;
    this.#process = undefined;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = undefined;
  }

  /** Kills it if it runs, and starts it with the same ports and folder. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** It does nothing more, and its connections stay: SIGSTOP. */
  pause(): Promise<void> {
    return this.process.pause();
  }

  /** It goes on: SIGCONT. */
  resume(): void {
    this.process.signal("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#release();
  }
}

/** Starts one server. @throws {Error} when there is no nats-server: ask `findNats` first */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const program = await foundNats();
  return await untilBound(async () => {
    const folder = fs.mkdtempSync(join(tmpdir(), "seglog-nats-"));
    const release = () => fs.rmSync(folder, { recursive: true, force: true });
    const port = await freePort();
    const place: Place = {
      name: "n1",
      url: `nats://127.0.0.1:${port}`,
      prefix: [],
      config: `listen: "127.0.0.1:${port}"\n${configOf(options)}`,
      storeFolder: join(folder, "store"),
      configPath: join(folder, "server.conf"),
    };
    const server = new NatsServer(program, place, release);
    try {
      await server.start();
      return server;
    } catch (error) {
      release();
      throw error;
    }
  });
}

/** The nats-server to start. @throws {Error} when there is none */
export async function foundNats(): Promise<NatsProgram> {
  const program = await findNats();
  if (typeof program === "string") throw new Error(program);
  return program;
}

/** The options as lines of configuration. */
export function configOf({ maxPayload, config = "" }: NatsOptions): string {
  return `${maxPayload === undefined ? "" : `max_payload: ${maxPayload}\n`}${config}\n`;
}
