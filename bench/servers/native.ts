/**
 * Clients that are programs of their own, in C and Go: what a server can do when no JavaScript is in
 * its way. They measure by themselves.
 *
 * @module
 */
import { run, STATUS_NOT_FOUND } from "../../scripts/command.ts";
import { goProgram } from "../go_program.ts";
import { VALUE_BYTES } from "../values.ts";
import type { Figures, Job } from "../workload.ts";
import { startNats } from "./nats_server.ts";
import { startRedis } from "./redis_server.ts";
import { type RunningServer, type Sync, syncOf } from "./server.ts";

/** What a native client is asked to do, with servers of its own. */
interface NativeClient {
  start(folder: string, sync: Sync): Promise<RunningServer>;
  publish(server: RunningServer, load: Load): Promise<Figures>;
  consume(server: RunningServer, records: number): Promise<Figures>;
}

/** How it publishes: `clients` connections, each with `pipeline` records on their way. */
export interface Load {
  readonly records: number;
  readonly clients: number;
  readonly pipeline: number;
}

const CLIENTS: Readonly<Record<string, NativeClient>> = {
  "Redis native": {
    start: startRedis,
    publish: publishToRedis,
    consume: consumeFromRedis,
  },
  "NATS native": {
    start: startNats,
    publish: ({ address }, load) => natsClient(address, "publish", load),
    consume: async ({ address }, records) => {
      const load: Load = { records, clients: 1, pipeline: 4000 };
      await natsClient(address, "publish", load);
      return await natsClient(address, "consume", load);
    },
  },
};

/** Runs a native client of this name against a server of its own; nothing when there is none. */
export async function withNative(
  job: Job,
  use: (client: NativeClient, server: RunningServer) => Promise<Figures>,
): Promise<Figures | undefined> {
  const client = CLIENTS[job.system];
  if (client === undefined) return undefined;
  const server = await client.start(job.folder, syncOf(job.params));
  try {
    return await use(client, server);
  } finally {
    await server.stop();
  }
}

const RECORDS_PER_READ = 1000;

async function publishToRedis(
  { address }: RunningServer,
  load: Load,
): Promise<Figures> {
  const value = "abcdefgh".repeat(VALUE_BYTES / 8);
  return await redisBenchmark(address, load, ["XADD", "log", "*", "v", value]);
}

/**
 * `redis-benchmark` cannot go on where it was, so it reads the first records again and again, which
 * is the same work for the server.
 */
async function consumeFromRedis(server: RunningServer, records: number): Promise<Figures> {
  await publishToRedis(server, { records: 10_000, clients: 1, pipeline: 100 });
  const load = { records: records / RECORDS_PER_READ, clients: 1, pipeline: 4 };
  const range = ["XRANGE", "log", "-", "+", "COUNT", String(RECORDS_PER_READ)];
  const { recordsPerSecond } = await redisBenchmark(server.address, load, range);
  return { recordsPerSecond: recordsPerSecond! * RECORDS_PER_READ };
}

async function redisBenchmark(
  address: string,
  { records, clients, pipeline }: Load,
  command: readonly string[],
): Promise<Figures> {
  const { status, stdout, stderr } = await run([
    ...["redis-benchmark", "-p", new URL(address).port, "--csv"],
    ...["-n", String(records), "-c", String(clients), "-P", String(pipeline)],
    ...command,
  ]);
  if (status === STATUS_NOT_FOUND) {
    throw new Error("not installed: redis-benchmark is not on PATH");
  }
  if (status !== 0) throw new Error(`redis-benchmark ended with ${status}: ${stderr.trim()}`);
  // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",…
  const numbers = stdout.toString().trim().split("\n").at(-1)!.match(/"[^"]*"/g)!.slice(1)
    .map((cell) => Number(cell.slice(1, -1)));
  return { recordsPerSecond: numbers[0]!, p50Ms: numbers[3]!, p99Ms: numbers[5]! };
}

async function natsClient(address: string, action: string, load: Load): Promise<Figures> {
  const program = await goProgram("nats");
  const { status, stdout, stderr } = await run([program, action, address, JSON.stringify(load)]);
  if (status !== 0) throw new Error(`the client ended with ${status}: ${stderr.trim()}`);
  return JSON.parse(stdout.toString());
}
