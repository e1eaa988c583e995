/**
 * A server with a client for a workload, both gone when it is over.
 *
 * @module
 */
import { serverNamed } from "../servers/all.ts";
import { type LogClient, syncOf } from "../servers/server.ts";
import { batchesOf, makeValues } from "../values.ts";
import type { Job } from "../workload.ts";

/** Runs something with a fresh server and as many clients as are asked for. */
export async function withClients<T>(
  job: Job,
  count: number,
  use: (clients: readonly LogClient[]) => Promise<T>,
): Promise<T> {
  const system = await serverNamed(job.system);
  const sync = syncOf(job.params);
  const server = await system.start(job.folder, sync);
  const clients: LogClient[] = [];
  try {
    for (let i = 0; i < count; i++) clients.push(await system.connect(server, sync));
    return await use(clients);
  } finally {
    await Promise.allSettled(clients.map((client) => client.close()));
    await server.stop();
  }
}

/** All values in batches of the size that suits a client, as it holds them. */
export function batchesFor(client: LogClient): unknown[] {
  return batchesOf(makeValues(), client.shape.batch).map((values) => client.prepare(values));
}

/** Publishes batches, several at once, for as long as `goesOn` says. */
export async function publishAll(
  client: LogClient,
  batches: readonly unknown[],
  goesOn: (batch: number) => boolean,
): Promise<number> {
  let next = 0;
  const publish = async () => {
    while (goesOn(next)) await client.publish(batches[next++ % batches.length]);
  };
  await Promise.all(Array.from({ length: client.shape.inFlight }, publish));
  await client.settle?.();
  return next * client.shape.batch;
}
