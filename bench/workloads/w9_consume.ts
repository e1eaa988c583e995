/**
 * W9: how many records a second one client reads from a server, from the first record on, looking at
 * each value. The native clients are `redis-benchmark -P` and a program in Go.
 *
 * @module
 */
import { rateDuring } from "../measure.ts";
import { withNative } from "../servers/native.ts";
import { type Job, numberOf, type Size, type Workload } from "../workload.ts";
import { RECORDS_PER_SECOND, secondsOf } from "./figures.ts";
import { batchesFor, publishAll, withClients } from "./servers.ts";

export const w9: Workload = {
  name: "W9",
  title: "Consumed from a server, from the first record on",
  figures: [RECORDS_PER_SECOND],
  systems: ["seglog", "Redis", "Redis native", "NATS", "NATS native"],
  startsPrograms: true,
  cases: (size: Size) => {
    const records = size === "short" ? 200_000 : 1_000_000;
    return [{
      name: "written 1,000 a batch",
      params: { records, sync: "interval", seconds: secondsOf(size) },
    }];
  },
  async run(job: Job) {
    const records = numberOf(job.params, "records");
    const native = await withNative(job, (client, server) => client.consume(server, records));
    return native ?? await withClients(job, 1, async ([client]) => {
      const { batch } = client!.shape;
      await publishAll(client!, batchesFor(client!), (next) => next < records / batch);
      await client!.consume(batch); // all code has run before
      const recordsPerSecond = await rateDuring(numberOf(job.params, "seconds"), async () => {
        await client!.consume(records);
        return records;
      });
      return { recordsPerSecond };
    });
  },
};
