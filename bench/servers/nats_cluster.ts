/**
 * A cluster of NATS with JetStream on the loopback interface, whose nodes sync each write before they
 * acknowledge it.
 *
 * @module
 */
import { jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import * as fs from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findNats } from "../../scripts/find_nats.ts";
import { freePort } from "../../scripts/free_port.ts";
import { startServer } from "./child_server.ts";
import type { RunningServer } from "./server.ts";

/** An election takes some seconds. */
const LEADER_WAIT_MS = 60_000;
const REQUEST_MS = 1000;
const ASK_AGAIN_MS = 50;

/** Nodes that run. */
export interface RunningCluster {
  /** One address for all: `nats://host:port,host:port`. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts so many nodes, and resolves when they take streams that all of them have. */
export async function startNatsCluster(folder: string, count: number): Promise<RunningCluster> {
  const program = await findNats();
  if (typeof program === "string") throw new Error(`not installed: ${program}`);
  const ports: number[] = [];
  const routePorts: number[] = [];
  for (let i = 0; i < count; i++) ports.push(await freePort());
  for (let i = 0; i < count; i++) routePorts.push(await freePort());
  const nodes: RunningServer[] = [];
  const cluster = {
    address: `nats://${ports.map((port) => `127.0.0.1:${port}`).join(",")}`,
    stop: async () => void await Promise.all(nodes.map((node) => node.stop())),
  };
  try {
    for (const [i, port] of ports.entries()) {
      const config = join(folder, `n${i + 1}.conf`);
      const store = join(folder, `n${i + 1}`);
      fs.writeFileSync(config, configOf(i, { port, routePorts, store }));
      const address = `nats://127.0.0.1:${port}`;
      nodes.push(
        await startServer([program.path, "-c", config], { ready: /Server is ready/, address }),
      );
    }
    await takesStreams(nodes[0]!.address, count);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function configOf(
  node: number,
  { port, routePorts, store }: { port: number; routePorts: readonly number[]; store: string },
): string {
  const routes = routePorts.filter((_, i) => i !== node).map((other) =>
    `"nats://127.0.0.1:${other}"`
  );
  return `server_name: n${node + 1}
listen: "127.0.0.1:${port}"
cluster {
  name: bench
  listen: "127.0.0.1:${routePorts[node]}"
  routes: [${routes.join(", ")}]
}
jetstream {
  store_dir: "${store}"
  sync_interval: always
}\n`;
}

/** Asks until there is a leader that knows of enough others. */
async function takesStreams(address: string, count: number): Promise<void> {
  const connection = await connect({ servers: address, ignoreClusterUpdates: true });
  try {
    const probe = { name: "PROBE", subjects: ["probe"], storage: StorageType.Memory };
    for (const endMs = Date.now() + LEADER_WAIT_MS;;) {
      try {
        const { streams } = await jetstreamManager(connection, { timeout: REQUEST_MS });
        await streams.add({ ...probe, num_replicas: count });
        await streams.delete(probe.name);
        return;
      } catch (error) {
        if (Date.now() > endMs) throw error;
        await delay(ASK_AGAIN_MS);
      }
    }
  } finally {
    await connection.close();
  }
}
