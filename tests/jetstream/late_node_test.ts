/** What one node at a time does, where the first one was started before the cluster. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, MemoryDisk, NodeBackend, Store } from "../../mod.ts";
import { createService } from "../../server/app.ts";
import { jsonOf, jsonRequest } from "../server/support.ts";
import { FakeReceiver } from "../server/webhook_receiver.ts";
import { startNats } from "../support/nats.ts";
import { Relay } from "../support/relay.ts";
import { withNats } from "./support.ts";

test(
  "a node that was there before its cluster coordinates groups, and delivers",
  withNats,
  async () => {
    await using cluster = await startNats();
    await using relay = await Relay.open();
    const come = () => relay.leadTo(Number(new URL(cluster.url).port));
    const disk = new MemoryDisk();
    const open = async () => {
      const source = await connect(`nats://127.0.0.1:${relay.port}`, { mayBeAway: true });
      return new NodeBackend(
        source,
        await Store.open("/copy", { disk, follows: { source: "it" } }),
      );
    };
    await come();
    {
      await using node = await open();
      const { start } = await node.append("orders", [{ value: "a" }]);
      await node.read("orders", start); // the copy has it
      await node.following.ready;
    }
    await relay.shut();

    await using node = await open();
    const receiver = new FakeReceiver();
    const service = createService(node, { webhookSender: receiver });
    await service.start();
    const ask = async (method: string, path: string, body?: unknown) =>
      await service.app.request(path, body === undefined ? { method } : jsonRequest(method, body));
    assert.equal((await ask("GET", "/v1/topics/orders/records/0")).status, 200);
    await come();
    await node.following.ready;
    const hook = { topic: "orders", url: "https://receiver.example/hook", from: "start" };
    await jsonOf(await ask("PUT", "/v1/webhooks/hook", hook), 201);
    const delivery = await receiver.next();
    assert.deepEqual(delivery.offsets, [0]);
    delivery.answer({ status: 204 });
    const join = { member: "one", topics: ["orders"], from: "start" };
    const joined = await jsonOf<{ partitions: unknown[] }>(
      await ask("POST", "/v1/groups/billing/join", join),
    );
    assert.equal(joined.partitions.length, 1);
    await service.close();
  },
);
