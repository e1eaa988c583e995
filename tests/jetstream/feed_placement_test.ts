/** Where a cluster keeps the consumer of a feed: on a server of which it may not know yet that it is lost. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect, headers, type Msg } from "@nats-io/transport-node";
import { parseClusterUrl } from "../../jetstream/cluster_url.ts";
import { Connection } from "../../jetstream/connection.ts";
import { EMPTY_STATE, encodeHead, HEAD_HEADER } from "../../jetstream/log_state.ts";
import { messageFeed } from "../../jetstream/message_feed.ts";
import type { StoredMessage } from "../../jetstream/stored_message.ts";
import { rejectsWith } from "../support/collect.ts";
import { startNats } from "../support/nats.ts";
import { withNats } from "./support.ts";

describe("a feed whose consumer is placed on a server that does not answer", () => {
  /**
   * A feed of a stream of one message.
   *
   * @param isLost whether the server is that has this one of the consumers, in their order
   */
  async function openFeed(isLost: (consumer: number) => boolean, timeoutMs: number) {
    // What goes to JetStream comes to this test.
    const server = await startNats({ config: 'mappings { "$JS.API.>": "played.>" }' });
    const members = await connect({ servers: server.url });
    const consumers = new Set<string>();
    const isOn = (message: Msg) => {
      const [name] = message.subject.split(".").slice(-1);
      consumers.add(name!);
      return !isLost([...consumers].indexOf(name!));
    };
    members.subscribe("played.CONSUMER.CREATE.S.*", {
      callback: (_, message) => void (isOn(message) && message.respond("{}")),
    });
    members.subscribe("played.CONSUMER.MSG.NEXT.S.*", {
      callback: (_, message) => {
        const told = headers();
        const head = { baseOffset: 0, state: EMPTY_STATE, pieces: 1, isPiece: false };
        told.set(HEAD_HEADER, encodeHead(head));
        const reply = "played.ACK.S.consumer.1.1.1.0.0";
        members.publish(message.reply!, "one", { headers: told, reply });
      },
    });
    await members.flush();
    const connection = await Connection.open(parseClusterUrl(server.url), { timeoutMs });
    const ending = new AbortController();
    const range = { stream: "S", what: '"orders"', from: 1, signal: ending.signal };
    const feed = messageFeed(connection, range);
    return {
      consumers,
      async first(): Promise<StoredMessage | undefined> {
        for await (const message of feed) return message;
        return undefined;
      },
      async [Symbol.asyncDispose]() {
        ending.abort();
        await connection.close();
        await members.close();
        await server[Symbol.asyncDispose]();
      },
    };
  }

  test("gets another one", withNats, async () => {
    await using feed = await openFeed((consumer) => consumer === 0, 60_000);
    assert.equal((await feed.first())?.sequence, 1);
    assert.ok(feed.consumers.size > 1);
  });

  test("ends with an error when none of them does in time", withNats, async () => {
    await using feed = await openFeed(() => true, 3000);
    const { message } = await rejectsWith("unavailable", () => feed.first());
    assert.match(message, /follow "orders": no answer came in time/);
    assert.ok(feed.consumers.size > 1);
  });
});
