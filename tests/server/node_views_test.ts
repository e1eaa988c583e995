/** What servers know is in the log: two nodes over one source know the same. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Hono } from "hono";
import { createService } from "../../server/app.ts";
import { type HeldNode, openTwoNodes } from "../replica/two_nodes.ts";
import { FakeReceiver } from "./webhook_receiver.ts";
import { jsonOf, jsonRequest, problemOf } from "./support.ts";

interface Served extends HeldNode {
  readonly app: Hono;
  ask(path: string, init?: RequestInit, token?: string): Promise<Response>;
}

async function openServed() {
  const two = await openTwoNodes();
  const services: { close(): Promise<void> }[] = [];
  const serve = async (held: HeldNode): Promise<Served> => {
    const service = createService(held.node, { webhookSender: new FakeReceiver() });
    await service.start();
    services.push(service);
    const ask = async (path: string, init: RequestInit = {}, token?: string) => {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      return await service.app.request(path, { ...init, headers });
    };
    return { ...held, app: service.app, ask };
  };
  return {
    store: two.store,
    one: await serve(two.one),
    other: await serve(two.other),
    async [Symbol.asyncDispose]() {
      for (const service of services) await service.close();
      await two[Symbol.asyncDispose]();
    },
  };
}

/** Asks until the answer is this: what another node did comes a moment later. */
async function until(status: number, ask: () => Promise<Response>): Promise<void> {
  for (;;) {
    const response = await ask();
    await response.body?.cancel();
    if (response.status === status) return;
    await setImmediate(); // timers have their turn
  }
}

describe("two servers with a node each", () => {
  test("know the tokens and tenants that the other one made, and that they are revoked", async () => {
    await using served = await openServed();
    const { one, other } = served;
    const make = async (body: unknown, token?: string) =>
      await jsonOf<{ id: string; token: string }>(
        await one.ask("/v1/tokens", jsonRequest("POST", body), token),
        201,
      );
    const operator = await make({ name: "operator", grants: "admin" });
    await until(401, () => other.ask("/v1/topics"));
    assert.equal((await other.ask("/v1/topics", {}, operator.token)).status, 200);

    const grants = { name: "acme-app", tenant: "acme", grants: "admin" };
    const acme = await make(grants, operator.token);
    const record = jsonRequest("POST", { value: "x" });
    await until(200, () => other.ask("/v1/topics/orders/records", record, acme.token));
    const read = await one.ask("/v1/topics/orders/records?min-offset=1", {}, acme.token);
    assert.equal((await jsonOf<{ records: unknown[] }>(read)).records.length, 1);
    assert.equal((await one.ask("/v1/topics/orders/records", {}, operator.token)).status, 404);

    const revoked = await one.ask(`/v1/tokens/${acme.id}`, { method: "DELETE" }, operator.token);
    assert.ok(revoked.ok, await revoked.text());
    await until(401, () => other.ask("/v1/topics", {}, acme.token));
  });

  test("check records by the schemas that the other one was given", async () => {
    await using served = await openServed();
    const { one, other } = served;
    const schema = { schema: { type: "object", required: ["qty"] } };
    const made = await one.ask("/v1/schemas/orders", jsonRequest("POST", schema));
    assert.equal(made.status, 201, await made.text());
    const append = (value: unknown) =>
      other.ask("/v1/topics/orders/records", jsonRequest("POST", { value }));
    await until(422, () => append({}));
    assert.equal((await append({ qty: 1 })).status, 200);
  });

  test("leave webhooks to whoever has the records, where nobody is elected", async () => {
    await using served = await openServed();
    const { one } = served;
    const body = jsonRequest("PUT", { topic: "orders", url: "https://receiver.example/hook" });
    await problemOf(await one.ask("/v1/webhooks/hook", body), 501, "unsupported");
  });
});

test("a server over a copy is ready when the copy has had everything", async () => {
  await using served = await openServed();
  const { one, store } = served;
  const about = await jsonOf(await one.ask("/v1"));
  assert.deepEqual([about.kind, about.source], ["node", "memory"]);
  await one.node.following.ready;
  assert.equal((await one.ask("/readyz")).status, 200);
  one.source.hold();
  await store.append("orders", [{ value: "a" }]);
  await one.node.ensureTopic("other");
  const metrics = await (await one.ask("/metrics")).text();
  assert.match(metrics, /seglog_replica_lag_records\{topic="orders",partition="0"\} 1\n/);
  assert.equal((await one.ask("/readyz")).status, 200);
});
