/**
 * The backends of seglog, all told to keep a record durably before they acknowledge it: a store on disk,
 * JetStream on one server and on three that all have everything, and a node with a copy of the latter.
 *
 * @module
 */
import { join } from "node:path";
import { type Backend, connect, NodeBackend, Store } from "../../mod.ts";
import { startNatsCluster } from "./nats_cluster.ts";
import { startSyncingNats } from "./nats_server.ts";

/** A backend with what it runs on. */
export interface RunningBackend {
  readonly backend: Backend;
  /** Closes it, and stops what it runs on. */
  stop(): Promise<void>;
}

const SERVERS = 3;

/** The backends by name: each begins empty, in an empty folder. */
export const DURABLE_BACKENDS: Readonly<
  Record<string, (folder: string) => Promise<RunningBackend>>
> = {
  "seglog": (folder) => withServers(none, () => Store.open(folder)),
  "1 server": async (folder) =>
    withServers(await startSyncingNats(folder, "always"), ({ address }) => connect(address)),
  "3 servers": async (folder) => withServers(await startNatsCluster(folder, SERVERS), connectToAll),
  "node of 3 servers": async (folder) =>
    withServers(await startNatsCluster(folder, SERVERS), async (servers) => {
      const source = await connectToAll(servers);
      const copy = join(folder, "copy");
      const local = await Store.open(copy, { follows: { source: servers.address } });
      const node = new NodeBackend(source, local);
      await node.following.ready;
      return node;
    }),
};

/** What a backend runs on. */
interface Servers {
  readonly address: string;
  stop(): Promise<unknown>;
}

const none: Servers = { address: "", stop: () => Promise.resolve() };

function connectToAll({ address }: Servers): Promise<Backend> {
  return connect(`${address}/?replicas=${SERVERS}`);
}

async function withServers(
  servers: Servers,
  open: (servers: Servers) => Promise<Backend>,
): Promise<RunningBackend> {
  try {
    const backend = await open(servers);
    const stop = async () => {
      await backend.close();
      await servers.stop();
    };
    return { backend, stop };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}
