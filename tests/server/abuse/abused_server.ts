/** A server that is abused: a process of its own, whose life and memory are what is looked at. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import process from "node:process";
import { connect } from "../../../client/connect.ts";
import { type Backend, readRecords } from "../../../mod.ts";
import { type RunningCli, startCli } from "../../cli/run_cli.ts";
import { type CertFolder, certFolder } from "../../support/certificates.ts";
import { collect } from "../../support/collect.ts";
import { tempDir } from "../../support/temp_dir.ts";

export const MIB = 1024 * 1024;
/** What a process may grow by that is kept busy: garbage of the runtime, and no attacker's bytes. */
export const GROWTH_BYTES_MAX: number = 256 * MIB;

/** How it is started. */
export interface AbusedOptions {
  /** Flags of `serve`, such as `--limits-headers-time`. */
  readonly flags?: readonly string[];
  readonly hasTls?: boolean;
  readonly hasGrpc?: boolean;
  /** What everybody else shows. */
  readonly token?: string;
  /** The folder to serve; an empty one of its own unless given. */
  readonly data?: string;
}

/** The server, and a client that behaves beside the others. */
export interface AbusedServer extends AsyncDisposable {
  readonly cli: RunningCli;
  readonly url: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly certs: CertFolder | undefined;
  /** What a client that behaves uses. */
  readonly backend: Backend;
  /** A client that behaves is answered as ever: what it appends is what it reads. */
  expectUnharmed(): Promise<void>;
  /** The most memory that the process has had since {@linkcode forgetPeak}. */
  peakBytes(): number;
  /** Begins to look at memory anew. @returns what there is now */
  forgetPeak(): number;
  /** Expects that the process lives, serves others, and has not grown beyond a bound. */
  expectBounded(baseBytes: number, growthBytesMax?: number): Promise<void>;
}

/** Whether the system tells how much memory a process has had at most. */
export const tellsPeak: boolean = fs.existsSync("/proc/self/clear_refs");

export async function abusedServer(options: AbusedOptions = {}): Promise<AbusedServer> {
  const { flags = [], hasTls = false, hasGrpc = false, token } = options;
  const dir = tempDir();
  const certs = hasTls ? await certFolder() : undefined;
  const tls = certs === undefined
    ? []
    : ["--tls-cert", certs.files.cert, "--tls-key", certs.files.key];
  const grpc = hasGrpc ? ["--grpc", "127.0.0.1:0"] : ["--grpc", "none"];
  const data = options.data ?? dir.path;
  const cli = startCli([
    "serve",
    "--http",
    "127.0.0.1:0",
    "--data",
    data,
    ...grpc,
    ...tls,
    ...flags,
  ]);
  await cli.said(hasGrpc ? /for gRPC\n/ : /listening on http\S+\n/);
  const port = Number(/listening on https?:\/\/127\.0\.0\.1:(\d+)\n/.exec(cli.text())![1]);
  const grpcPort = Number(/:(\d+) for gRPC/.exec(cli.text())?.[1] ?? 0);
  const url = `${hasTls ? "https" : "http"}://localhost:${port}`;
  const backend = await connect(url, {
    ...token === undefined ? {} : { token },
    ...certs === undefined ? {} : { tls: { ca: certs.ca } },
  });
  let said = 0;
  const proc = `/proc/${cli.child.pid}`;
  const kib = (name: string) =>
    Number(
      new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(fs.readFileSync(`${proc}/status`, "utf8"))![1],
    );
  const server: AbusedServer = {
    cli,
    url,
    port,
    grpcPort,
    certs,
    backend,
    async expectUnharmed() {
      const value = `unharmed ${said++}`;
      const { start } = await backend.append("unharmed", [{ key: "k", value }]);
      const [record] = await collect(readRecords(backend, "unharmed", { from: start }));
      assert.deepEqual([record!.offset, record!.text], [start, value]);
    },
    peakBytes: () => tellsPeak ? 1024 * kib("VmHWM") : 0,
    forgetPeak() {
      if (!tellsPeak) return 0;
      fs.writeFileSync(`${proc}/clear_refs`, "5");
      return 1024 * kib("VmRSS");
    },
    async expectBounded(baseBytes, growthBytesMax = GROWTH_BYTES_MAX) {
      await server.expectUnharmed();
      assert.deepEqual([cli.child.exitCode, cli.child.signalCode], [null, null], cli.text());
      const growth = server.peakBytes() - baseBytes;
      if (process.env.SEGLOG_TEST_SHOWS !== undefined) {
        process.stderr.write(`grew by ${growth / MIB} MiB\n`);
      }
      assert.ok(growth < growthBytesMax, `grew by ${Math.round(growth / MIB)} MiB\n`);
    },
    async [Symbol.asyncDispose]() {
      await backend.close();
      await cli[Symbol.asyncDispose]();
      await certs?.[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
  await server.expectUnharmed();
  return server;
}
