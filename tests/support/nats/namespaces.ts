/**
 * A network in namespaces of our own: each node of a cluster has two cables, one to a bridge that joins
 * the nodes, and one to a bridge where clients come in. A partition is a cable that is pulled: packets
 * are lost, and nobody is told. Addresses are seen only inside, so that any number of them go side by
 * side. Everything is gone with the processes inside, however they end.
 *
 * @module
 */
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, run } from "../../../scripts/command.ts";
import { thisRuntime } from "../runtimes.ts";
import type { Place } from "./nats_server.ts";
import { clusterConfig, type Network } from "./network.ts";
import { SmallDisk } from "./small_disk.ts";
import { WatchedProcess } from "./watched_process.ts";

const RELAY: Command = [
  ...thisRuntime().command,
  fileURLToPath(new URL("./relay_main.ts", import.meta.url)),
];
const PORT = 4222;
const ROUTE_PORT = 6222;

/** Why there can be none here, if so. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  const mount = "mount -t tmpfs -o size=4096 tmpfs /mnt";
  const test =
    `ip link add name x type bridge && ip link add name y type veth peer name z && ${mount}`;
  const { status, stderr } = await run(["unshare", "--net", "--mount", "sh", "-c", test]);
  return status === 0 ? undefined : `namespaces need Linux, iproute2 and root: ${stderr.trim()}`;
}

/** A process that keeps a network and mounts of its own. */
class Namespace {
  readonly #holder: WatchedProcess;

  private constructor(holder: WatchedProcess) {
    this.#holder = holder;
  }

  static async open(): Promise<Namespace> {
    const hold = "ip link set lo up && echo made && exec sleep infinity";
    const holder = new WatchedProcess(["unshare", "--net", "--mount", "sh", "-c", hold]);
    await holder.said(/made/);
    return new Namespace(holder);
  }

  /** What a program is started by to run inside. */
  get entry(): Command {
    const folder = `/proc/${this.#holder.pid}/ns`;
    return ["nsenter", `--net=${folder}/net`, `--mount=${folder}/mnt`];
  }

  get pid(): number {
    return this.#holder.pid;
  }

  /** The path of a file inside as it is seen from outside. */
  pathOf(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  /** Runs lines of shell inside. */
  async run(script: string): Promise<void> {
    const { status, stderr } = await run([...this.entry, "sh", "-ec", script]);
    if (status !== 0) throw new Error(`${script}: ${stderr}`);
  }

  close(): Promise<void> {
    return this.#holder.kill();
  }
}

/** How many nodes there are, and which one has a small disk, if any. */
export interface NamespacesOptions {
  readonly count: number;
  readonly smallDisk?: { readonly node: number; readonly bytes: number };
}

export class Namespaces implements Network {
  readonly kind = "network namespaces";
  readonly places: readonly Place[];
  readonly smallDisk: SmallDisk | undefined;
  readonly #hub: Namespace;
  readonly #nodes: readonly Namespace[];
  readonly #relays: readonly WatchedProcess[];

  private constructor(
    { hub, nodes, relays, places, smallDisk }: {
      hub: Namespace;
      nodes: readonly Namespace[];
      relays: readonly WatchedProcess[];
      places: readonly Place[];
      smallDisk: SmallDisk | undefined;
    },
  ) {
    this.#hub = hub;
    this.#nodes = nodes;
    this.#relays = relays;
    this.places = places;
    this.smallDisk = smallDisk;
  }

  /** @param folder for the files of the nodes */
  static async open(folder: string, { count, smallDisk }: NamespacesOptions): Promise<Namespaces> {
    const hub = await Namespace.open();
    const nodes = await Promise.all(Array.from({ length: count }, () => Namespace.open()));
    await hub.run(`ip link add name routes type bridge
      ip link set routes up
      ip link add name clients type bridge
      ip link set clients up
      ip address add ${clientHost(-1)}/24 dev clients`);
    for (const [i, node] of nodes.entries()) {
      await hub.run(
        ["routes", "clients"].map((bridge) =>
          `ip link add name ${bridge}${i} type veth peer name ${bridge} netns ${node.pid}
          ip link set ${bridge}${i} master ${bridge} up`
        ).join("\n"),
      );
      await node.run(`ip address add ${routeHost(i)}/24 dev routes
        ip link set routes up
        ip address add ${clientHost(i)}/24 dev clients
        ip link set clients up`);
    }
    const sockets = nodes.map((_, i) => join(folder, `${i}.sock`));
    const inner = await relay(
      hub.entry,
      sockets.map((path, i) => [
        { path },
        { host: clientHost(i), port: PORT },
      ]),
    );
    const outer = await relay(
      [],
      sockets.map((path) => [{ host: "127.0.0.1", port: 0 }, { path }]),
    );
    const addresses = outer.addresses as AddressInfo[];
    const routes = nodes.map((_, i) => `${routeHost(i)}:${ROUTE_PORT}`);
    const places = nodes.map((node, i) => ({
      name: `n${i + 1}`,
      url: `nats://127.0.0.1:${addresses[i]!.port}`,
      prefix: node.entry,
      config: clusterConfig(`n${i + 1}`, {
        client: `${clientHost(i)}:${PORT}`,
        cluster: routes[i]!,
        count,
        earlier: routes.slice(0, i),
      }),
      storeFolder: storeFolder(folder, i),
      configPath: join(folder, `${i}.conf`),
    }));
    return new Namespaces({
      ...{ hub, nodes, relays: [inner.process, outer.process], places },
      smallDisk: smallDisk && await mountDisk(nodes[smallDisk.node]!, {
        path: storeFolder(folder, smallDisk.node),
        bytes: smallDisk.bytes,
      }),
    });
  }

  isolate(node: number): Promise<void> {
    return this.#hub.run(`ip link set routes${node} down`);
  }

  heal(): Promise<void> {
    return this.#hub.run(this.#nodes.map((_, i) => `ip link set routes${i} up`).join("\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      ...this.#relays.map((process) => process.kill()),
      ...[this.#hub, ...this.#nodes].map((namespace) => namespace.close()),
    ]);
  }
}

/** A disk in memory that only this namespace sees, and that goes with it. */
async function mountDisk(
  namespace: Namespace,
  { path, bytes }: { path: string; bytes: number },
): Promise<SmallDisk> {
  await namespace.run(`mkdir ${path} && mount -t tmpfs -o size=${bytes} tmpfs ${path}`);
  return new SmallDisk(namespace.pathOf(path));
}

/** Starts a relay, and resolves with the addresses where it listens. */
async function relay(prefix: Command, pairs: readonly [object, object][]) {
  const process = new WatchedProcess([
    ...prefix,
    ...RELAY,
    ...pairs.map((pair) => JSON.stringify(pair)),
  ]);
  const [, said] = await process.said(/listening: (.*)\n/);
  return { process, addresses: JSON.parse(said!) as unknown };
}

function storeFolder(folder: string, node: number): string {
  return join(folder, `store${node}`);
}

/** Where the others reach a node. */
function routeHost(node: number): string {
  return `10.77.1.${node + 2}`;
}

/** Where clients reach a node; −1 is where they come from. */
function clientHost(node: number): string {
  return `10.77.2.${node + 2}`;
}
