/** Where a cluster keeps the consumer of a feed: on a server that may be lost, and nobody knows yet. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { parseClusterUrl } from "../../jetstream/cluster_url.ts";
import { Connection } from "../../jetstream/connection.ts";
import { EMPTY_STATE, encodeHead, HEAD_HEADER } from "../../jetstream/log_state.ts";
import { messageFeed } from "../../jetstream/message_feed.ts";
import { rejectsWith } from "../support/collect.ts";
import { startNats } from "../support/nats.ts";
import { withNats } from "./support.ts";

const HOUR_MS = 3_600_000;
/** More than a feed waits before it looks whether its consumer says anything. */
const LOOKED_MS = 2500;

/** What the cluster does that a test plays; consumers are counted from 0. */
interface Played {
  /** Resolves when somebody who has a consumer is told so; never where it is lost. */
  place(consumer: number): Promise<void>;
  /** Answers who asks a consumer for messages. */
  send(consumer: number, inbox: Inbox): void;
}

/** Who asked for messages. */
class Inbox {
  readonly #cluster: NatsConnection;
  readonly #subject: string;

  constructor(cluster: NatsConnection, subject: string) {
    this.#cluster = cluster;
    this.#subject = subject;
  }

  message(sequence: number): void {
    const told = headers();
    const head = { baseOffset: 0, state: EMPTY_STATE, pieces: 1, isPiece: false };
    told.set(HEAD_HEADER, encodeHead(head));
    const reply = `played.ACK.S.consumer.1.${sequence}.1.0.0`;
    this.#cluster.publish(this.#subject, "one", { headers: told, reply });
  }

  /** Says that the consumer is gone. */
  gone(): void {
    this.#cluster.publish(this.#subject, "", { headers: headers(503, "no responders") });
  }
}

/** A feed of a cluster that is played. */
async function openFeed({ place, send }: Played, timeoutMs = 60_000) {
  // What goes to JetStream comes to this test.
  const server = await startNats({ config: 'mappings { "$JS.API.>": "played.>" }' });
  const cluster = await connect({ servers: server.url });
  const consumers: string[] = [];
  const numberOf = (subject: string) => {
    const name = subject.split(".").at(-1)!;
    if (!consumers.includes(name)) consumers.push(name);
    return consumers.indexOf(name);
  };
  cluster.subscribe("played.CONSUMER.CREATE.S.*", {
    callback: (_, message) => {
      void place(numberOf(message.subject)).then(() => message.respond("{}"));
    },
  });
  cluster.subscribe("played.CONSUMER.MSG.NEXT.S.*", {
    callback: (_, { reply, subject }) => send(numberOf(subject), new Inbox(cluster, reply!)),
  });
  await cluster.flush();
  const connection = await Connection.open(parseClusterUrl(server.url), { timeoutMs });
  const ending = new AbortController();
  const range = { stream: "S", what: '"orders"', from: 1, signal: ending.signal };
  const feed = messageFeed(connection, range);
  return {
    consumers,
    /** Number of the next message. */
    next: async () => (await feed.next()).value?.sequence,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await connection.close();
      await cluster.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Time that goes on only when it is told to. */
function heldTime() {
  const { now } = Date;
  let nowMs = now();
  Date.now = () => nowMs;
  return {
    advance: (ms: number) => nowMs += ms,
    [Symbol.dispose]: () => void (Date.now = now),
  };
}

const NEVER = new Promise<never>(() => {});
const here = () => Promise.resolve();

describe("a feed whose consumer is placed on a server that does not answer", () => {
  test("gets another one", withNats, async () => {
    await using feed = await openFeed({
      place: (consumer) => consumer === 0 ? NEVER : here(),
      send: (_, inbox) => inbox.message(1),
    }, 10_000);
    assert.equal(await feed.next(), 1);
    assert.ok(feed.consumers.length > 1);
  });

  test("ends with an error when none of them does in time", withNats, async () => {
    await using feed = await openFeed({ place: () => NEVER, send: () => {} }, 10_000);
    const { message } = await rejectsWith("unavailable", () => feed.next());
    assert.match(message, /follow "orders": no answer came in time/);
    assert.ok(feed.consumers.length > 1);
  });
});

describe("a feed", () => {
  test("goes on when its consumer is lost long after it was made", withNats, async () => {
    using time = heldTime();
    const asked = Promise.withResolvers<Inbox>();
    await using feed = await openFeed({
      place: () => delay(50),
      send(consumer, inbox) {
        inbox.message(consumer + 1);
        if (consumer === 0) asked.resolve(inbox);
      },
    });
    assert.equal(await feed.next(), 1);
    time.advance(HOUR_MS);
    (await asked.promise).gone();
    assert.equal(await feed.next(), 2);
  });

  test("waits for a consumer that was long in coming as for any other", withNats, async () => {
    using time = heldTime();
    const asked = new Set<number>();
    await using feed = await openFeed({
      async place(consumer) {
        await here();
        if (consumer === 0) time.advance(10_000);
      },
      send(consumer, inbox) {
        asked.add(consumer);
        void delay(asked.size === 1 ? LOOKED_MS : 0).then(() => inbox.message(1));
      },
    });
    assert.equal(await feed.next(), 1);
    assert.equal(asked.size, 1);
  });
});
