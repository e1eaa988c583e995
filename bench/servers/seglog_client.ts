/**
 * The one place where the benchmark talks to a seglog server: batches appended and read through the
 * backend that `connect` gives.
 *
 * @module
 */
import { type Backend, type BatchView, connect, decodeBatch, encodeBatch } from "../../mod.ts";
import type { RecordInput } from "../../mod.ts";
import { Witness } from "../embedded/store.ts";
import { seglogCommand, serve } from "./seglog_server.ts";
import type { LogClient, ServerSystem, Sync } from "./server.ts";

const TOPIC = "log";
const SYNC_MODES = { interval: "interval:200ms", always: "always" } as const;
/** Batches of some 128 KiB, and enough of them on their way that the server never waits. */
const SHAPE = { batch: 1000, inFlight: 4 };
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
  return isEncoded
    ? new SeglogClient(backend, {
      prepare: asBatch,
      publish: (batch) => backend.appendBatch(TOPIC, batch),
    })
    : new SeglogClient(backend, {
      prepare: asRecords,
      publish: (records) => backend.append(TOPIC, records),
    });
}

class SeglogClient<Input> implements LogClient<Input> {
  readonly shape = SHAPE;
  readonly prepare: (values: readonly Uint8Array[]) => Input;
  readonly publish: (batch: Input) => Promise<unknown>;
  readonly #backend: Backend;
  readonly #witness = new Witness();

  constructor(backend: Backend, how: Pick<LogClient<Input>, "prepare" | "publish">) {
    this.#backend = backend;
    this.prepare = how.prepare;
    this.publish = how.publish;
  }

  async consume(count: number): Promise<void> {
    let seen = 0;
    for await (const batch of this.#backend.batches(TOPIC, { from: 0, until: count })) {
      for (const { value } of batch.records()) {
        this.#witness.see(value!);
        seen++;
      }
    }
    if (seen !== count) throw new Error(`seglog gave ${seen} of ${count} records`);
  }

  close(): Promise<void> {
    return this.#backend.close();
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
