/**
 * J1: how batches of records are best kept in a stream of NATS JetStream: one caller appends batch after
 * batch, each acknowledged before the next, and all are read back.
 *
 * @module
 */
import { Latencies } from "../latencies.ts";
import { millisecondsOf, rateDuring } from "../measure.ts";
import { MappedStream } from "../servers/jetstream.ts";
import { startSyncingNats } from "../servers/nats_server.ts";
import { syncOf } from "../servers/server.ts";
import { batchesOf, makeValues } from "../values.ts";
import { type Job, numberOf, type Size, type Workload } from "../workload.ts";
import { LATENCIES, READS_PER_SECOND, RECORDS_PER_SECOND, secondsOf } from "./figures.ts";

const WARM_UP_SECONDS = 0.5;

export const j1: Workload = {
  name: "J1",
  title: "Appended to a stream of NATS JetStream, and read back",
  figures: [
    RECORDS_PER_SECOND,
    LATENCIES[0]!,
    { ...READS_PER_SECOND, label: "read back/s" },
    { key: "storedBytes", label: "bytes a record", better: "less" },
  ],
  systems: ["seglog", "a message a record"],
  startsPrograms: true,
  cases: (size: Size) => {
    const seconds = 2 * secondsOf(size);
    const durable = [1, 10, 100, 1000].map((batch) => ({ batch, sync: "always" }));
    const lazy = [1, 1000].map((batch) => ({ batch, sync: "interval" }));
    return [...durable, ...lazy].map(({ batch, sync }) => ({
      name: `batches of ${batch.toLocaleString("en")}, synced ${
        sync === "always" ? "each" : "every two minutes"
      }`,
      params: { batch, sync, seconds },
    }));
  },
  async run({ system, params, folder }: Job) {
    const server = await startSyncingNats(folder, syncOf(params));
    try {
      const stream = await MappedStream.open(server.address, system);
      const batch = numberOf(params, "batch");
      const batches = batchesOf(makeValues(), batch);
      const latencies = new Latencies();
      let appended = 0;
      const append = async () => {
        const values = batches[appended / batch % batches.length]!;
        latencies.add(await millisecondsOf(() => stream.append(values)));
        appended += batch;
        return batch;
      };
      await rateDuring(WARM_UP_SECONDS, append);
      const recordsPerSecond = await rateDuring(numberOf(params, "seconds"), append);
      const readMs = await millisecondsOf(() => stream.readAll(appended));
      const storedBytes = await stream.storedBytes() / appended;
      await stream.close();
      return {
        recordsPerSecond,
        p50Ms: latencies.figures().p50Ms,
        readsPerSecond: appended / readMs * 1000,
        storedBytes,
      };
    } finally {
      await server.stop();
    }
  },
};
