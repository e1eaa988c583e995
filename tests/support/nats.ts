/**
 * Real nats-servers for tests. A test says `{ skip: typeof nats === "string" ? nats : false }` with
 * `const nats = await findNats()`, so that it is skipped by name where there is none.
 *
 * @module
 */
export { findNats } from "../../scripts/find_nats.ts";
export { type NatsOptions, NatsServer, startNats } from "./nats/nats_server.ts";
export { type ClusterOptions, NatsCluster, startCluster } from "./nats/nats_cluster.ts";
export { whyNoNamespaces } from "./nats/namespaces.ts";
