/**
 * Whether the servers at the other end of a connection can be used.
 *
 * @module
 */
import type { ClusterUrl } from "./cluster_url.ts";
import type { Connection } from "./connection.ts";
import { Streams } from "./streams.ts";
import { TopicCatalogue } from "./topic_catalogue.ts";

/**
 * Refuses servers without JetStream, and those where another program has the stream of the topics.
 *
 * @throws {SeglogError} `unsupported`, `exists`; `unavailable` when JetStream does not answer now
 */
export async function checkCluster(connection: Connection, url: ClusterUrl): Promise<void> {
  const streams = new Streams(connection, url);
  await streams.checkEnabled();
  await new TopicCatalogue(connection, streams, url.prefix).check();
}
