/**
 * Redis Streams. The client is `redis`, which sends the commands of one turn of the event loop in one
 * write and takes replies as they come; values stay bytes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createClient, RESP_TYPES } from "redis";
import { Witness } from "../embedded/store.ts";
import { startRedis } from "./redis_server.ts";
import type { LogClient, ServerSystem } from "./server.ts";

const STREAM = "log";
const RECORDS_PER_READ = 1000;

export const redis: ServerSystem = {
  start: startRedis,
  connect: async ({ address }) => new RedisClient(await connectTo(address)),
};

function connectTo(address: string) {
  return createClient({ url: address }).connect();
}

class RedisClient implements LogClient<readonly Buffer[]> {
  readonly shape = { batch: 1000, inFlight: 4 };
  readonly #client: Awaited<ReturnType<typeof connectTo>>;
  readonly #witness = new Witness();

  constructor(client: Awaited<ReturnType<typeof connectTo>>) {
    this.#client = client;
  }

  prepare(values: readonly Uint8Array[]): readonly Buffer[] {
    return values.map((value) => Buffer.from(value.buffer, value.byteOffset, value.length));
  }

  publish(batch: readonly Buffer[]): Promise<unknown> {
    return Promise.all(
      batch.map((value) => this.#client.sendCommand(["XADD", STREAM, "*", "v", value])),
    );
  }

  async consume(count: number): Promise<void> {
    const client = this.#client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    let from = "-";
    for (let seen = 0; seen < count;) {
      const some = await client.sendCommand<[Buffer, [Buffer, Buffer]][]>(
        ["XRANGE", STREAM, from, "+", "COUNT", String(RECORDS_PER_READ)],
      );
      if (some.length === 0) throw new Error(`Redis gave ${seen} of ${count} records`);
      for (const [, fields] of some) this.#witness.see(fields[1]);
      from = `(${some.at(-1)![0]}`;
      seen += some.length;
    }
  }

  // deno-lint-ignore require-await -- the contract is asynchronous
  async close(): Promise<void> {
    this.#client.destroy();
  }
}
