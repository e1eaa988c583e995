/** Subscribers and webhooks are let in, and shown out, as everybody is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { openGuarded } from "./access/access_support.ts";
import { eventsOf } from "./event_reader.ts";
import { openSocket, type RawSocket } from "./raw_socket.ts";
import { jsonOf, jsonRequest, problemOf } from "./support.ts";
import { FakeReceiver } from "./webhook_receiver.ts";

const RECORDS = "/v1/topics/orders/records";

function statusOf({ head }: RawSocket): number {
  return Number(/^HTTP\/1.1 (\d+)/.exec(head)![1]);
}

test("a subscriber by WebSocket shows a token in a header, or among the protocols", async () => {
  await using opened = await openGuarded();
  const { store } = opened;
  await store.append("orders", [{ value: "a" }]);
  const token = await opened.token({ name: "reader", grants: "consume:orders" });
  const other = await opened.token({ name: "writer", grants: "produce:*" });
  await using server = await serve(store, { port: 0 });
  const ask = (headers: Record<string, string>) => openSocket(server.port, RECORDS, headers);
  const offer = (text: string) => ({ "sec-websocket-protocol": `seglog.v1, seglog.token.${text}` });
  assert.equal(statusOf(await ask({})), 401);
  assert.equal(statusOf(await ask(offer(`${token}x`))), 401);
  assert.equal(statusOf(await ask(offer(other))), 403);
  for (const headers of [{ authorization: `Bearer ${token}` }, offer(token)]) {
    const socket = await ask(headers);
    assert.equal((await socket.message()).value, "a");
    assert.ok(!socket.head.includes(token));
    socket.socket.destroy();
  }
});

test("a token that is revoked ends those who follow with it, and nobody else", async () => {
  await using opened = await openGuarded();
  const { app, store, operator } = opened;
  await store.append("orders", [{ value: "a" }]);
  const token = await opened.token({ name: "reader", grants: "consume:*" });
  const headers = { authorization: `Bearer ${token}` };
  const accept = { accept: "text/event-stream" };
  const events = eventsOf(await app.request(RECORDS, { headers: { ...headers, ...accept } }));
  while ((await events.next()).value!.event !== "message");
  const others = eventsOf(await operator(RECORDS, { headers: accept }));
  while ((await others.next()).value!.event !== "message");
  assert.equal((await operator("/v1/tokens/reader", { method: "DELETE" })).status, 200);
  const { value: last } = await events.next();
  assert.deepEqual([last!.event, JSON.parse(last!.data).code], ["error", "unauthenticated"]);
  assert.equal((await events.next()).done, true);
  await store.append("orders", [{ value: "b" }]);
  assert.equal((await others.next()).value!.event, "message");
  await others.return();
});

test("a token that is revoked ends its WebSockets, which are told why", async () => {
  await using opened = await openGuarded();
  const { store } = opened;
  await store.append("orders", [{ value: "a" }]);
  const token = await opened.token({ name: "reader", grants: "consume:*" });
  const admin = await opened.token({ name: "admin", grants: "admin" });
  await using server = await serve(store, { port: 0 });
  const socket = await openSocket(server.port, RECORDS, { authorization: `Bearer ${token}` });
  await socket.message();
  const revoked = await fetch(`${server.url}/v1/tokens/reader`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${admin}` },
  });
  await revoked.body?.cancel();
  const { messages: [told], closed } = await socket.rest();
  const { event, error } = told as { event: string; error: { code: string } };
  assert.deepEqual([event, error.code], ["error", "unauthenticated"]);
  assert.deepEqual(closed, [4401, "unauthenticated"]);
});

test("webhooks are for who administers their topic, and each tenant has its own", async () => {
  const receiver = new FakeReceiver();
  receiver.always = { status: 204 };
  await using opened = await openGuarded({ webhookSender: receiver });
  const { store, operator } = opened;
  await store.append("orders", [{ value: "a" }]);
  await store.append("bills", [{ value: "a" }]);
  const owner = await opened.somebody({ name: "owner", grants: "admin:orders;consume:*" });
  const tenant = await opened.somebody({ name: "acme", tenant: "acme", grants: "admin" });
  const hook = (topic: string) =>
    jsonRequest("PUT", { topic, url: "https://a.example/", from: "start" });
  await jsonOf(await owner("/v1/webhooks/mine", hook("orders")), 201);
  await jsonOf(await operator("/v1/webhooks/theirs", hook("bills")), 201);
  await problemOf(await owner("/v1/webhooks/other", hook("bills")), 403, "forbidden");
  const told = new Set<string>();
  for (const name of ["theirs", "nobodys"]) {
    told.add((await problemOf(await owner(`/v1/webhooks/${name}`), 403, "forbidden")).detail);
  }
  assert.equal(told.size, 1, "which topics others have is not told");
  const taken = await problemOf(
    await owner("/v1/webhooks/theirs", hook("orders")),
    403,
    "forbidden",
  );
  assert.doesNotMatch(taken.detail, /bills/);
  await problemOf(await operator("/v1/webhooks/nobodys"), 404, "not-found");
  const names = async (ask: typeof owner) =>
    (await jsonOf<{ webhooks: { name: string }[] }>(await ask("/v1/webhooks"))).webhooks
      .map(({ name }) => name);
  assert.deepEqual(await names(operator), ["mine", "theirs"]);
  assert.deepEqual(await names(owner), ["mine"]);
  assert.deepEqual(await names(tenant), []);
  await problemOf(await tenant("/v1/webhooks/mine", hook("orders")), 404, "not-found");
  await jsonOf(await tenant("/v1/topics/orders/records", jsonRequest("POST", { value: "b" })));
  await jsonOf(await tenant("/v1/webhooks/mine", hook("orders")), 201);
  const came = [await receiver.next(), await receiver.next(), await receiver.next()];
  assert.deepEqual(came.map(({ records: [record] }) => record!.value).toSorted(), ["a", "a", "b"]);
});

test("webhooks of all tenants begin again when the server does, with nobody asking", async () => {
  const receiver = new FakeReceiver();
  receiver.always = { status: 204 };
  await using opened = await openGuarded({ webhookSender: receiver });
  const tenant = await opened.somebody({ name: "acme", tenant: "acme", grants: "admin" });
  await jsonOf(await tenant("/v1/topics/orders/records", jsonRequest("POST", { value: "b" })));
  const body = { topic: "orders", url: "https://a.example/" };
  await jsonOf(await tenant("/v1/webhooks/mine", jsonRequest("PUT", body)), 201);
  const later = new FakeReceiver();
  later.always = { status: 204 };
  await using server = await serve(opened.store, { port: 0, webhookSender: later });
  assert.ok(server.port > 0);
  await opened.store.append("__seglog/tenants/acme/orders", [{ value: "c" }]);
  assert.equal((await later.next()).records[0]!.value, "c");
});

test("a server that only takes records in has no subscribers, one that only reads no webhooks", async () => {
  await using store = await Store.memory();
  await store.append("orders", [{ value: "a" }]);
  await using ingesting = await serve(store, { port: 0, role: "ingest" });
  const refused = await openSocket(ingesting.port, RECORDS);
  assert.match(refused.head, /"code":"wrong-role"/);
  await using querying = await serve(store, { port: 0, role: "query" });
  const socket = await openSocket(querying.port, RECORDS);
  assert.equal((await socket.message()).value, "a");
  socket.socket.destroy();
  const listed = await fetch(`${querying.url}/v1/webhooks`);
  assert.equal((await listed.json()).code, "wrong-role");
});
