/**
 * A real cluster of nats-servers for a test, whose nodes are killed, paused, cut off and filled up.
 *
 * @module
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager, StorageType, type StreamInfo } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { untilBound } from "./until_bound.ts";
import { Namespaces, type NamespacesOptions, whyNoNamespaces } from "./namespaces.ts";
import { configOf, foundNats, type NatsOptions, NatsServer } from "./nats_server.ts";
import type { Network } from "./network.ts";
import { Proxies } from "./proxies.ts";
import type { SmallDisk } from "./small_disk.ts";

/** An election takes some seconds, and many times that where others need the machine. */
const ANSWER_WAIT_MS = 180_000;
/** How long one question may take at first: there are nodes that never answer. */
const REQUEST_MS = 1000;
/** In each round it may take twice as long, up to this: a slow machine never answers in a second. */
const REQUEST_MS_MAX = 16_000;
const ASK_AGAIN_MS = 50;

export interface ClusterOptions extends NatsOptions {
  /** Network namespaces where they can be made, unless told. */
  readonly network?: Network["kind"];
  /** The disk of one node holds only so much: in namespaces only, ask `whyNoNamespaces` first. */
  readonly smallDisk?: NamespacesOptions["smallDisk"];
}

export class NatsCluster {
  readonly nodes: readonly NatsServer[];
  readonly #network: Network;
  readonly #release: () => Promise<void>;

  /** @param release gives back what the network was made of */
  constructor(nodes: readonly NatsServer[], network: Network, release: () => Promise<void>) {
    this.nodes = nodes;
    this.#network = network;
    this.#release = release;
  }

  /** What a partition is made of here. */
  get networkKind(): Network["kind"] {
    return this.#network.kind;
  }

  /** One address for all nodes: `nats://host:port,host:port,host:port`. */
  get url(): string {
    return `nats://${this.urls.map((url) => url.slice("nats://".length)).join(",")}`;
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url);
  }

  /** The disk that was to be small. */
  get smallDisk(): SmallDisk {
    const { smallDisk } = this.#network;
    if (smallDisk === undefined) throw new Error("No node has a small disk");
    return smallDisk;
  }

  /** Nothing passes between this node and the others any more. Clients still reach all. */
  isolate(node: NatsServer): Promise<void> {
    return this.#network.isolate(this.nodes.indexOf(node));
  }

  /** Everything passes again. */
  heal(): Promise<void> {
    return this.#network.heal();
  }

  /**
   * The node that leads a stream, by what the leader itself answers when asked through these nodes; waits
   * while there is none.
   */
  async leaderOf(stream: string, { via = this.nodes }: { via?: readonly NatsServer[] } = {}) {
    const request = `$JS.API.STREAM.INFO.${stream}`;
    return await untilAnswered(via, async (connection, timeout) => {
      const answer = await connection.request(request, "", { timeout });
      const { cluster } = answer.json<{ cluster?: { leader?: string } }>();
      return this.nodes.find(({ name }) => name === cluster?.leader);
    });
  }

  /**
   * Resolves when all nodes run, each makes streams, and all have all that is in every stream. Until then
   * one that comes back is not one of those that may not fail at the same time.
   */
  async settled(): Promise<void> {
    for (const node of this.nodes) await takesStreams([node], this.nodes.length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.#release();
  }
}

/** Starts a cluster, and resolves when it takes replicated streams. */
export async function startCluster(
  count: number,
  options: ClusterOptions = {},
): Promise<NatsCluster> {
  const program = await foundNats();
  return await untilBound(async () => {
    const folder = fs.mkdtempSync(join(tmpdir(), "seglog-nats-"));
    const network = await openNetwork(folder, count, options);
    const nodes = network.places.map((place) =>
      new NatsServer(program, { ...place, config: `${place.config}${configOf(options)}` })
    );
    const cluster = new NatsCluster(nodes, network, async () => {
      await network[Symbol.asyncDispose]();
      fs.rmSync(folder, { recursive: true, force: true });
    });
    try {
      await Promise.all(nodes.map((node) => node.start()));
      const leads = /Self is new JetStream cluster metadata leader/;
      await Promise.any(nodes.map(({ process }) => process.said(leads)));
      await takesStreams(nodes, count);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  });
}

async function openNetwork(
  folder: string,
  count: number,
  { network, smallDisk }: ClusterOptions,
): Promise<Network> {
  if (network === "proxies between the nodes") return await Proxies.open(folder, { count });
  const why = await whyNoNamespaces();
  if (why === undefined) return await Namespaces.open(folder, { count, smallDisk });
  if (network !== undefined || smallDisk !== undefined) throw new Error(why);
  return await Proxies.open(folder, { count });
}

/**
 * Resolves when one of these makes a stream that is on so many nodes, each of which has all that is in it,
 * and in any other.
 */
async function takesStreams(via: readonly NatsServer[], count: number): Promise<void> {
  await untilAnswered(via, async (connection, timeout) => {
    const { streams } = await jetstreamManager(connection, { timeout });
    const storage = StorageType.Memory;
    await streams.add({ name: "PROBE", subjects: ["probe"], num_replicas: count, storage });
    const [listed, names] = [
      await Array.fromAsync(streams.list()),
      await Array.fromAsync(streams.names()),
    ];
    const isEverywhere = ({ cluster, config }: StreamInfo) =>
      cluster?.leader !== undefined &&
      (cluster.replicas ?? []).filter(({ current }) => current).length === config.num_replicas - 1;
    if (listed.length < names.length) return undefined; // those without a leader are not listed
    return listed.every(isEverywhere) && await streams.delete("PROBE") || undefined;
  });
}

type Connection = Awaited<ReturnType<typeof connect>>;

/** Asks one node after the other until there is an answer. */
async function untilAnswered<T>(
  nodes: readonly NatsServer[],
  ask: (connection: Connection, timeoutMs: number) => Promise<T | undefined>,
): Promise<T> {
  const endMs = Date.now() + ANSWER_WAIT_MS;
  let why: unknown = "nobody runs";
  for (let timeout = REQUEST_MS; Date.now() < endMs; timeout = longerThan(timeout)) {
    for (const { url } of nodes.filter(({ isRunning }) => isRunning)) {
      try {
        const connection = await connect({
          servers: url,
          ignoreClusterUpdates: true,
          reconnect: false,
          timeout,
        });
        try {
          const answer = await ask(connection, timeout);
          if (answer !== undefined) return answer;
          why = "no leader";
        } finally {
          await connection.close();
        }
      } catch (error) {
        why = error;
      }
    }
    await delay(ASK_AGAIN_MS);
  }
  throw new Error(`No answer from the cluster in ${ANSWER_WAIT_MS / 1000} s: ${why}`);
}

function longerThan(ms: number): number {
  return Math.min(2 * ms, REQUEST_MS_MAX);
}
