/**
 * W8: how many records a second a server takes over the loopback interface, each acknowledged, from
 * one client that sends batches or pipelines, each system as suits it. The native clients are
 * `redis-benchmark -P` and a program in Go.
 *
 * @module
 */
import { withNative } from "../servers/native.ts";
import { type Job, numberOf, type Size, type Workload } from "../workload.ts";
import { RECORDS_PER_SECOND, secondsOf } from "./figures.ts";
import { batchesFor, publishAll, withClients } from "./servers.ts";

const WARM_UP_BATCHES = 40;
const NATIVE_PIPELINE = 1000;

export const w8: Workload = {
  name: "W8",
  title: "Published to a server, acknowledged",
  figures: [RECORDS_PER_SECOND],
  systems: ["seglog", "seglog encoded before", "Redis", "Redis native", "NATS", "NATS native"],
  startsPrograms: true,
  cases: (size: Size) => {
    const common = { seconds: 2 * secondsOf(size), records: size === "short" ? 200_000 : 600_000 };
    return [
      { name: "a sync follows within a second", params: { ...common, sync: "interval" } },
      {
        name: "durable when acknowledged",
        params: { ...common, sync: "always" },
        systems: ["seglog", "seglog encoded before", "Redis", "Redis native"],
      },
    ];
  },
  async run(job: Job) {
    const records = numberOf(job.params, "records");
    const load = { records, clients: 1, pipeline: NATIVE_PIPELINE };
    const native = await withNative(job, (client, server) => client.publish(server, load));
    return native ?? await withClients(job, 1, async ([client]) => {
      const batches = batchesFor(client!);
      await publishAll(client!, batches, (batch) => batch < WARM_UP_BATCHES);
      const startMs = performance.now();
      const endMs = startMs + 1000 * numberOf(job.params, "seconds");
      const published = await publishAll(client!, batches, () => performance.now() < endMs);
      return { recordsPerSecond: published / (performance.now() - startMs) * 1000 };
    });
  },
};
