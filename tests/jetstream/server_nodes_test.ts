/** Several nodes of one cluster, of which some are killed, or stand still. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { type ConsumedBatch, type GroupConsumer, Kv, SeglogError } from "../../mod.ts";
import { connectHttp } from "../../client/connect_http.ts";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { WEBHOOK_BUCKET } from "../../server/webhooks/webhook_book.ts";
import { openMember } from "../groups/support.ts";
import { until } from "../support/until.ts";
import { jsonOf, jsonRequest } from "../server/support.ts";
import { ServerNode } from "./server_node.ts";
import { nats, newPrefix, openOn, sharedServer } from "./support.ts";

const PARTITIONS = 4;

/** Appends numbers, in turn to each partition. */
async function fill(url: string, start: number, end: number): Promise<void> {
  await using backend = await connectHttp(url);
  for (let at = start; at < end; at++) {
    await backend.append("orders", [{ value: `${at}` }], { partition: at % PARTITIONS });
  }
}

/** Works whatever is taken away: that is handed out again. */
async function workOn(
  consumer: GroupConsumer,
  seen: Set<string>,
  isOver: () => boolean,
): Promise<void> {
  for await (const batch of consumer) {
    note(batch, seen);
    await consumer.commit(batch).catch((error) => {
      if (!(error instanceof SeglogError)) throw error;
      const isLeft = error.code === "closed" && isOver(); // what came again was in hand
      if (error.code !== "condition-failed" && !isLeft) throw error;
    });
  }
}

function note(batch: ConsumedBatch, seen: Set<string>): void {
  for (const { text } of batch) seen.add(text);
}

/** Receives what webhooks deliver. */
async function receiver() {
  const offsets: number[] = [];
  const server: Server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    offsets.push(...JSON.parse(body).map(({ offset }: { offset: number }) => offset));
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    offsets,
    url: `http://127.0.0.1:${port}/hook`,
    [Symbol.dispose]: () => void server.close(),
  };
}

/** Where the webhook is in partition 0, as the cluster has it: whoever takes over goes on from there. */
async function notedIn(url: string): Promise<number> {
  await using cluster = await JetStreamBackend.open(url);
  await using kv = await Kv.open(cluster, WEBHOOK_BUCKET);
  const position = (await kv.get("position/hook/0"))?.json() as { offset: number } | undefined;
  return position?.offset ?? 0;
}

describe("nodes of a cluster", () => {
  if (typeof nats === "string") return void test("share groups", { skip: nats }, () => {});
  const cluster = sharedServer();

  async function openTopic(): Promise<string> {
    const prefix = newPrefix();
    await using backend = await openOn(await cluster(), { prefix });
    await backend.ensureTopic("orders", { partitions: PARTITIONS });
    return `${(await cluster()).url}/?prefix=${prefix}`;
  }

  test("when the one that coordinates is killed, members of the others go on: nothing is passed over", async () => {
    const url = await openTopic();
    await using first = await ServerNode.start(url);
    await using one = await connectHttp(first.url);
    assert.deepEqual(await one.groups.list(), []); // so it is the first that coordinates
    await using second = await ServerNode.start(url);
    await using two = await connectHttp(second.url);
    await using consumer = await openMember(two);
    const seen = new Set<string>();
    let isOver = false;
    const working = workOn(consumer, seen, () => isOver);
    await fill(second.url, 0, 40);
    await until(() => seen.size === 40);
    await first.kill();
    await fill(second.url, 40, 80);
    await until(() => seen.size === 80);
    await until(async () => (await two.groups.list())[0]!.lag === 0);
    isOver = true;
    await consumer.close();
    await working;
  });

  test("who stood still and comes back is one of them again, and commits nothing that is over", async () => {
    const url = await openTopic();
    await using first = await ServerNode.start(url);
    await using one = await connectHttp(first.url);
    assert.deepEqual(await one.groups.list(), []);
    await using second = await ServerNode.start(url);
    await using two = await connectHttp(second.url);
    await fill(second.url, 0, 4 * PARTITIONS);
    const join = { topics: ["orders"], leaseMs: 60_000 };
    const old = await one.groups.join("g", { ...join, member: "one" });
    const { topic, partition, since } = old.partitions[0]!;
    first.stop();
    const anew = await two.groups.join("g", { ...join, member: "two" });
    assert.ok(anew.generation > old.generation);
    const place = anew.partitions.find((each) => each.partition === partition)!;
    const done = { topic, partition, offset: 2, since: place.since };
    await two.groups.commit("g", { member: "two", offsets: [done] });
    first.go();
    const late = { member: "one", offsets: [{ topic, partition, offset: 4, since }] };
    const error = await one.groups.commit("g", late).catch((error) => error);
    assert.equal(error.code, "condition-failed", `${error}`);
    for (const { groups } of [one, two]) {
      const { partitions, members } = await groups.describe("g");
      assert.equal(partitions.find((each) => each.partition === partition)!.committed, 2);
      assert.deepEqual(members.map(({ member }) => member), ["two"]);
    }
  });

  test("when the one that delivers webhooks is killed another does", async () => {
    const url = await openTopic();
    using hook = await receiver();
    await using first = await ServerNode.start(url);
    const put = { topic: "orders", url: hook.url, from: "start", partitions: [0] };
    const at = "/v1/webhooks/hook";
    await jsonOf(await fetch(`${first.url}${at}`, jsonRequest("PUT", put)), 201);
    await using second = await ServerNode.start(url);
    await fill(second.url, 0, 2 * PARTITIONS);
    await until(() => hook.offsets.length === 2);
    const shown = async () => {
      const { deliveries } = await jsonOf<{ deliveries: { next: number }[] }>(
        await fetch(`${second.url}${at}`),
      );
      return deliveries[0]!.next;
    };
    await until(async () => await shown() === 2);
    await until(async () => await notedIn(url) === 2);
    await first.kill();
    await fill(second.url, 0, PARTITIONS);
    await until(() => hook.offsets.includes(2));
    assert.deepEqual(hook.offsets, [0, 1, 2]);
  });
});
