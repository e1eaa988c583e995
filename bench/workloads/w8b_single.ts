/**
 * W8b: single records published, each acknowledged as durable before the same client's next, by one
 * client and by 64, each with a connection of its own. NATS does not sync, and takes part all the
 * same.
 *
 * @module
 */
import { Latencies } from "../latencies.ts";
import { withNative } from "../servers/native.ts";
import type { LogClient } from "../servers/server.ts";
import { type Job, numberOf, type Size, type Workload } from "../workload.ts";
import { LATENCIES, RECORDS_PER_SECOND, secondsOf } from "./figures.ts";
import { withClients } from "./servers.ts";
import { makeValues } from "../values.ts";

const WARM_UP_SECONDS = 0.3;

export const w8b: Workload = {
  name: "W8b",
  title: "Single records published to a server, acknowledged as durable",
  figures: [RECORDS_PER_SECOND, ...LATENCIES],
  systems: ["seglog", "Redis", "Redis native", "NATS", "NATS native"],
  startsPrograms: true,
  cases: (size: Size) =>
    [1, 64].map((clients) => ({
      name: clients === 1 ? "1 client" : `${clients} clients`,
      params: {
        ...{ clients, sync: "always", seconds: 2 * secondsOf(size) },
        records: (size === "short" ? 5000 : 20_000) * (clients === 1 ? 1 : 4),
      },
    })),
  async run(job: Job) {
    const count = numberOf(job.params, "clients");
    const load = { records: numberOf(job.params, "records"), clients: count, pipeline: 1 };
    const native = await withNative(job, (client, server) => client.publish(server, load));
    return native ?? await withClients(job, count, async (clients) => {
      await publishSingly(clients, WARM_UP_SECONDS);
      return await publishSingly(clients, numberOf(job.params, "seconds"));
    });
  },
};

async function publishSingly(clients: readonly LogClient[], seconds: number) {
  const values = makeValues();
  const latencies = new Latencies();
  const startMs = performance.now();
  const endMs = startMs + 1000 * seconds;
  await Promise.all(clients.map(async (client, which) => {
    for (let i = which;; i += clients.length) {
      const calledMs = performance.now();
      if (calledMs >= endMs) return;
      const one = client.prepare([values[i % values.length]!]);
      await (client.publishAndWait?.(one) ?? client.publish(one));
      latencies.add(performance.now() - calledMs);
    }
  }));
  const passedMs = performance.now() - startMs;
  return { recordsPerSecond: latencies.count / passedMs * 1000, ...latencies.figures() };
}
