/**
 * Two ways to keep batches of records in a stream of NATS: a message for each record, made one by the
 * server's atomic batch publish, and a message for each batch, as seglog writes it.
 *
 * @module
 */
import { jetstream, type JetStreamClient, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { decodeBatch, encodeBatch } from "../../mod.ts";
import { Witness } from "../embedded/store.ts";

const STREAM = "log";
const SUBJECT = "log.all";
const ACKNOWLEDGED_MS = 10_000;
/** How much the server sends ahead of who reads. */
const AHEAD_BYTES = 8 * 1024 * 1024;
/** The salt of batches that are in no segment. */
const WIRE_SALT = 0;

/** A way to keep batches in a stream. */
interface Mapping {
  append(values: readonly Uint8Array[]): Promise<void>;
  /** The values of a message. */
  valuesOf(data: Uint8Array): Iterable<Uint8Array>;
}

/** The ways by name. */
const MAPPINGS: Readonly<Record<string, new (connection: NatsConnection) => Mapping>> = {
  "seglog": class BatchMapping implements Mapping {
    readonly #connection: NatsConnection;

    constructor(connection: NatsConnection) {
      this.#connection = connection;
    }

    async append(values: readonly Uint8Array[]): Promise<void> {
      const records = values.map((value) => ({ value }));
      await publish(this.#connection, encodeBatch(records, { nowMs: Date.now() }));
    }

    *valuesOf(data: Uint8Array): Iterable<Uint8Array> {
      const batch = decodeBatch(data, 0, WIRE_SALT);
      if (typeof batch === "string") throw new Error(batch);
      for (const { value } of batch.records()) yield value!;
    }
  },
  "a message a record": class RecordMapping implements Mapping {
    readonly #connection: NatsConnection;
    #batches = 0;

    constructor(connection: NatsConnection) {
      this.#connection = connection;
    }

    async append(values: readonly Uint8Array[]): Promise<void> {
      if (values.length === 1) return await publish(this.#connection, values[0]!);
      const id = String(this.#batches++);
      for (const [i, value] of values.entries()) {
        const about = headers();
        about.set("Nats-Batch-Id", id);
        about.set("Nats-Batch-Sequence", String(i + 1));
        if (i === values.length - 1) {
          about.set("Nats-Batch-Commit", "1");
          await publish(this.#connection, value, about);
        } else {
          this.#connection.publish(SUBJECT, value, { headers: about });
        }
      }
    }

    valuesOf(data: Uint8Array): Iterable<Uint8Array> {
      return [data];
    }
  },
};

/** A stream that batches are kept in, one way or another. */
export class MappedStream {
  readonly #connection: NatsConnection;
  readonly #stream: JetStreamClient;
  readonly #mapping: Mapping;

  private constructor(connection: NatsConnection, mapping: Mapping) {
    this.#connection = connection;
    this.#stream = jetstream(connection);
    this.#mapping = mapping;
  }

  static async open(address: string, name: string): Promise<MappedStream> {
    const Mapping = MAPPINGS[name];
    if (Mapping === undefined) throw new RangeError(`There is no mapping "${name}"`);
    const connection = await connect({ servers: address });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: STREAM, subjects: [SUBJECT], allow_atomic: true });
    return new MappedStream(connection, new Mapping(connection));
  }

  /** Appends a batch, all of it or nothing, and waits until it is acknowledged. */
  append(values: readonly Uint8Array[]): Promise<void> {
    return this.#mapping.append(values);
  }

  /** Reads so many records from the first one on, looking at each. */
  async readAll(count: number): Promise<void> {
    const witness = new Witness();
    const consumer = await this.#stream.consumers.get(STREAM);
    const messages = await consumer.consume({ max_bytes: AHEAD_BYTES });
    let seen = 0;
    for await (const { data } of messages) {
      for (const value of this.#mapping.valuesOf(data)) {
        witness.see(value);
        seen++;
      }
      if (seen >= count) break;
    }
    await messages.close();
  }

  /** What the server says it stores. */
  async storedBytes(): Promise<number> {
    const manager = await jetstreamManager(this.#connection);
    return (await manager.streams.info(STREAM)).state.bytes;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

async function publish(
  connection: NatsConnection,
  data: Uint8Array,
  about = headers(),
): Promise<void> {
  const options = { headers: about, timeout: ACKNOWLEDGED_MS };
  const { error } = (await connection.request(SUBJECT, data, options))
    .json<{ error?: { description: string } }>();
  if (error !== undefined) throw new Error(error.description);
}
