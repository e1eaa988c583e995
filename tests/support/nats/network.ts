/**
 * What lies between the nodes of a cluster, and can be cut.
 *
 * @module
 */
import type { Place } from "./nats_server.ts";
import type { SmallDisk } from "./small_disk.ts";

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

/** The configuration of a node, but for JetStream. */
export function clusterConfig(
  name: string,
  { client, cluster, routes, more = "" }: {
    /** Host and port for clients. */
    client: string;
    /** Host and port for other nodes. */
    cluster: string;
    /** Hosts and ports of other nodes. */
    routes: readonly string[];
    /** Further lines about the cluster. */
    more?: string;
  },
): string {
  return `server_name: ${name}
listen: "${client}"
ping_interval: "1s"
ping_max: 5
cluster {
  name: seglog
  listen: "${cluster}"
  routes: [${routes.map((route) => `"nats://${route}"`).join(", ")}]
  no_advertise: true
  ${more}
}
`;
}
