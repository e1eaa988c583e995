/**
 * What lies between the nodes of a cluster, and can be cut.
 *
 * @module
 */
import type { Place } from "./nats_server.ts";
import type { SmallDisk } from "./small_disk.ts";

/** Where nobody listens. A node waits for as many others as it has routes. */
const NOWHERE = "127.0.0.1";
const PORT_CLOSED = 9;

export interface Network extends AsyncDisposable {
  /** What a partition is made of, for people. */
  readonly kind: "network namespaces" | "proxies between the nodes";
  /** Where the nodes run. */
  readonly places: readonly Place[];
  /** The disk of the node that was to have a small one. */
  readonly smallDisk?: SmallDisk | undefined;
  /** Nothing passes between this node and the others any more. Clients still reach all. */
  isolate(node: number): Promise<void>;
  /** Everything passes again. */
  heal(): Promise<void>;
}

/**
 * The configuration of a node, but for JetStream. Of two nodes the later one connects to the earlier one,
 * and no node is told where another one listens: two connections that find each other out to be the same
 * would be cut again, and the nodes would take each other for gone.
 */
export function clusterConfig(
  name: string,
  { client, cluster, earlier, count }: {
    /** Host and port for clients. */
    client: string;
    /** Host and port for other nodes. */
    cluster: string;
    /** Hosts and ports of the nodes before this one. */
    earlier: readonly string[];
    /** How many nodes there are. */
    count: number;
  },
): string {
  const later = Array.from(
    { length: count - 1 - earlier.length },
    (_, i) => `${NOWHERE}:${PORT_CLOSED + i}`,
  );
  const routes = [...earlier, ...later].map((route) => `"nats://${route}"`);
  return `server_name: ${name}
listen: "${client}"
ping_interval: "1s"
ping_max: 5
cluster {
  name: seglog
  listen: "${cluster}"
  routes: [${routes.join(", ")}]
  cluster_advertise: "${NOWHERE}:${PORT_CLOSED}"
  no_advertise: true
}
`;
}
