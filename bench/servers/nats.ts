/**
 * NATS JetStream with one stream in files. Publishes are acknowledged one by one, many of them on
 * their way; an ordered consumer reads, as the client advises for a single reader.
 *
 * @module
 */
import { jetstream, type JetStreamClient, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Witness } from "../embedded/store.ts";
import { startNats } from "./nats_server.ts";
import type { LogClient, RunningServer, ServerSystem } from "./server.ts";

const STREAM = "log";
const SUBJECT = "log.all";

export const nats: ServerSystem = { start: startNats, connect: connectNats };

async function connectNats({ address }: RunningServer): Promise<LogClient> {
  const connection = await connect({ servers: address });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: STREAM, subjects: [SUBJECT] });
  return new NatsClient(connection);
}

class NatsClient implements LogClient<readonly Uint8Array[]> {
  readonly shape = { batch: 1000, inFlight: 4 };
  readonly #connection: NatsConnection;
  readonly #stream: JetStreamClient;
  readonly #witness = new Witness();

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#stream = jetstream(connection);
  }

  prepare(values: readonly Uint8Array[]): readonly Uint8Array[] {
    return values;
  }

  publish(batch: readonly Uint8Array[]): Promise<unknown> {
    return Promise.all(batch.map((value) => this.#stream.publish(SUBJECT, value)));
  }

  async consume(count: number): Promise<void> {
    const consumer = await this.#stream.consumers.get(STREAM);
    const messages = await consumer.consume({ max_messages: 10_000 });
    let seen = 0;
    for await (const message of messages) {
      this.#witness.see(message.data);
      if (++seen === count) break;
    }
    await messages.close();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
