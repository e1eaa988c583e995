/**
 * The one place where the benchmark talks to a seglog server: records by a producer and a consumer,
 * as its users would; batches that are encoded already, and records that are waited for one by one,
 * through the backend that `connect` gives.
 *
 * @module
 */
import {
  type Backend,
  type BatchView,
  connect,
  Consumer,
  decodeBatch,
  encodeBatch,
  Producer,
} from "../../mod.ts";
import type { RecordInput } from "../../mod.ts";
import { Witness } from "../embedded/store.ts";
import { seglogCommand, serve } from "./seglog_server.ts";
import type { LogClient, ServerSystem, Sync } from "./server.ts";

const TOPIC = "log";
const SYNC_MODES = { interval: "interval:200ms", always: "always" } as const;
/** What is read or written at a time, and enough of it on its way that the server never waits. */
const SHAPE = { batch: 1000, inFlight: 4 };
/** Batches of 1 MiB, as a producer makes them. */
const ENCODED_SHAPE = { batch: 8000, inFlight: 4 };
const WIRE_SALT = 0;

/** The server from the source, with clients whose batches are encoded beforehand or when published. */
export function seglogServer(isEncoded: boolean): ServerSystem {
  return {
    start: (folder) => serve(seglogCommand(), folder),
    connect: ({ address }, sync) => connectSeglog(address, { sync, isEncoded }),
  };
}

async function connectSeglog(
  address: string,
  { sync, isEncoded }: { sync: Sync; isEncoded: boolean },
): Promise<LogClient> {
  const backend = await connect(address);
  await backend.ensureTopic(TOPIC, { sync: SYNC_MODES[sync] });
  return isEncoded ? new EncodedClient(backend) : new SeglogClient(
    backend,
    await Producer.open(backend, TOPIC),
  );
}

/** Reads by a consumer. */
abstract class Reader {
  readonly shape: LogClient["shape"] = SHAPE;
  readonly backend: Backend;
  readonly #witness = new Witness();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  async consume(count: number): Promise<void> {
    let seen = 0;
    await using consumer = await Consumer.open(this.backend, TOPIC, { follow: false });
    for await (const batch of consumer.batches()) {
      for (const { value } of batch) {
        this.#witness.see(value!);
        seen++;
      }
      if (seen >= count) return;
    }
    throw new Error(`seglog gave ${seen} of ${count} records`);
  }
}

class SeglogClient extends Reader implements LogClient<RecordInput[]> {
  readonly #producer: Producer;

  constructor(backend: Backend, producer: Producer) {
    super(backend);
    this.#producer = producer;
  }

  prepare(values: readonly Uint8Array[]): RecordInput[] {
    return asRecords(values);
  }

  publish(records: RecordInput[]): Promise<unknown> {
    return this.#producer.write(records);
  }

  settle(): Promise<unknown> {
    return this.#producer.flush();
  }

  publishAndWait(records: RecordInput[]): Promise<unknown> {
    return this.backend.append(TOPIC, records);
  }

  async close(): Promise<void> {
    await this.#producer.close();
    await this.backend.close();
  }
}

class EncodedClient extends Reader implements LogClient<BatchView> {
  override readonly shape = ENCODED_SHAPE;

  prepare(values: readonly Uint8Array[]): BatchView {
    return asBatch(values);
  }

  publish(batch: BatchView): Promise<unknown> {
    return this.backend.appendBatch(TOPIC, batch);
  }

  close(): Promise<void> {
    return this.backend.close();
  }
}

function asRecords(values: readonly Uint8Array[]): RecordInput[] {
  return values.map((value) => ({ value }));
}

function asBatch(values: readonly Uint8Array[]): BatchView {
  const bytes = encodeBatch(asRecords(values), { nowMs: Date.now() });
  const batch = decodeBatch(bytes, 0, WIRE_SALT);
  if (typeof batch === "string") throw new Error(batch);
  return batch;
}
