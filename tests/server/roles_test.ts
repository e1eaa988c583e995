/** Servers that only take in, that only answer, and that do both. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, Store } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { ROUTES } from "../../server/routes/all.ts";
import { serve } from "../../server/listen.ts";
import type { Sender } from "../../server/webhooks/http_sender.ts";
import { demandRole, inRole, ROLES, workOf } from "../../server/roles.ts";
import { tempDir } from "../support/temp_dir.ts";
import { eventsOf } from "./event_reader.ts";
import { jsonOf, jsonRequest, post, problemOf } from "./support.ts";

test("of every route it is told in one place whether it writes, reads, or is for all roles", () => {
  const routes = (work: "write" | "read" | undefined) =>
    ROUTES.filter((route) => workOf(route) === work).map(({ method, path }) => `${method} ${path}`);
  for (
    const route of [
      "POST /v1/topics/:topic/records",
      "PUT /v1/topics/:topic",
      "POST /v1/topics/:topic/truncate",
      "PUT /v1/kv/:bucket/:key+",
      "DELETE /blobs/:key+",
      "POST /publish",
    ]
  ) assert.ok(routes("write").includes(route), route);
  for (
    const route of [
      "GET /v1/topics/:topic/records",
      "GET /v1/kv/:bucket/:key+",
      "GET /blobs/:key+",
      "GET /read",
    ]
  ) assert.ok(routes("read").includes(route), route);
  for (
    const route of [
      "GET /v1",
      "GET /livez",
      "GET /readyz",
      "GET /health",
      "GET /metrics",
      "GET /v1/topics",
      "GET /v1/topics/:topic",
      "GET /v1/topics/:topic/bounds",
      "GET /v1/admin/status",
      "POST /v1/admin/compact",
      "POST /v1/kv/:bucket/tx",
    ]
  ) assert.ok(routes(undefined).includes(route), route);
});

test("a role refuses what is for the other, and says which it needs", () => {
  for (const role of ROLES) {
    demandRole(role, undefined);
    if (role !== "query") demandRole(role, "write");
    if (role !== "ingest") demandRole(role, "read");
  }
  const refusal = { code: "wrong-role", details: { role: "query", needs: "ingest" } };
  assert.throws(() => demandRole("query", "write"), refusal);
  assert.throws(() => demandRole("ingest", "read"), { code: "wrong-role" });
});

test("a backend in a role holds for every protocol", async () => {
  await using store = await Store.memory();
  await store.append("t", [{ value: "a" }]);
  assert.equal(inRole(store, "all"), store);
  const ingest = inRole(store, "ingest");
  assert.equal((await ingest.append("t", [{ value: "b" }])).start, 1);
  assert.equal((await ingest.bounds("t")).nextOffset, 2);
  await assert.rejects(ingest.read("t", 0), { code: "wrong-role" });
  assert.throws(() => ingest.batches("t"), { code: "wrong-role" });
  const query = inRole(store, "query");
  assert.equal((await query.read("t", 0)).text, "a");
  for (
    const change of [
      () => query.append("t", [{ value: "c" }]),
      () => query.ensureTopic("u"),
      () => query.truncate("t", { before: 1 }),
      () => query.deleteTopic("t"),
      () => query.compact("t"),
    ]
  ) await assert.rejects(change(), { code: "wrong-role" });
});

test("ingest takes records in and refuses readers", async () => {
  await using store = await Store.memory();
  const app = createApp(store, { role: "ingest" });
  await jsonOf(await app.request("/v1/topics/t/records", jsonRequest("POST", { value: "a" })));
  assert.equal((await app.request("/v1/kv/b/k", { method: "PUT", body: "v" })).status, 201);
  for (const path of ["/v1/topics/t/records", "/v1/topics/t/records/0", "/v1/kv/b/k", "/v1/kv/b"]) {
    const { role, needs } = await problemOf(await app.request(path), 403, "wrong-role");
    assert.deepEqual([role, needs], ["ingest", "query"]);
  }
  for (const path of ["/v1", "/livez", "/readyz", "/health", "/metrics", "/v1/admin/status"]) {
    assert.equal((await app.request(path)).status, 200, path);
  }
});

test("query answers readers and refuses to write, whatever the route", async () => {
  await using store = await Store.memory();
  await store.append("t", [{ value: "a" }]);
  const app = createApp(store, { role: "query" });
  assert.equal((await app.request("/v1/topics/t/records")).status, 200);
  const writes: [string, RequestInit][] = [
    ["/v1/topics/t/records", jsonRequest("POST", { value: "b" })],
    ["/v1/topics/u", jsonRequest("PUT", {})],
    ["/v1/topics/t", { method: "DELETE" }],
    ["/v1/topics/t/truncate", jsonRequest("POST", { before: 1 })],
    ["/v1/topics/t/compact", jsonRequest("POST", {})],
    ["/v1/kv/b/k", { method: "PUT", body: "v" }],
    ["/v1/admin/compact", jsonRequest("POST", {})],
    ["/publish", jsonRequest("POST", { data: "x", data_type: 2 })],
    ["/v1/topics/t/flush", post("application/json", "{}")],
  ];
  for (const [path, request] of writes) {
    const response = await app.request(path, request);
    assert.equal(response.status, 403, path);
    assert.ok((await response.text()).includes("ingest"), path);
  }
  assert.equal((await store.bounds("t")).nextOffset, 1);
});

test("a query server beside the one that owns the folder sees all that comes", async () => {
  await using dir = tempDir();
  await using owner = await Store.open(dir.path);
  await using ingest = await serve(owner, { port: 0, role: "ingest" });
  await using beside = await Store.open(dir.path, { readOnly: true });
  await using query = await serve(beside, { port: 0, role: "query" });
  await using writer = await connect(ingest.url);
  await using reader = await connect(query.url);
  await writer.append("t", [{ value: "before" }]);
  assert.equal((await reader.read("t", 0)).text, "before");
  const headers = { accept: "text/event-stream" };
  const events = eventsOf(await fetch(`${query.url}/v1/topics/t/records?from=end`, { headers }));
  await events.next(); // it is open now
  await writer.append("t", [{ value: "after" }]);
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(!done);
    if (value.event === "message") {
      assert.equal(JSON.parse(value.data).value, "after");
      break;
    }
  }
  await events.return();
  await fetch(`${ingest.url}/v1/kv/b/k`, { method: "PUT", body: "v1" });
  assert.equal(await (await fetch(`${query.url}/v1/kv/b/k`)).text(), "v1");
  await fetch(`${ingest.url}/v1/kv/b/k`, { method: "PUT", body: "v2" });
  while (await (await fetch(`${query.url}/v1/kv/b/k`)).text() !== "v2");
  await writer.truncate("t", { before: 1 });
  assert.equal((await reader.bounds("t")).logStartOffset, 1);
  await writer.deleteTopic("t");
  await assert.rejects(reader.bounds("t"), { code: "not-found" });
});

test("a token that was made on the one is known to the other", async () => {
  await using dir = tempDir();
  await using owner = await Store.open(dir.path);
  await using ingest = await serve(owner, { port: 0, role: "ingest" });
  await using beside = await Store.open(dir.path, { readOnly: true });
  await using query = await serve(beside, { port: 0, role: "query" });
  await owner.append("t", [{ value: "a" }]);
  const made = await jsonOf<{ token: string }>(
    await fetch(`${ingest.url}/v1/tokens`, jsonRequest("POST", { name: "n", grants: "admin" })),
    201,
  );
  const authorization = `Bearer ${made.token}`;
  const read = (headers: HeadersInit) => fetch(`${query.url}/v1/topics/t/records`, { headers });
  while ((await read({})).status !== 401); // it looks for what the owner keeps from time to time
  assert.equal((await read({ authorization })).status, 200);
});

test("webhooks are delivered by the owner of a folder, and not once more beside it", async () => {
  await using dir = tempDir();
  const sent: string[] = [];
  let heard = () => {};
  const delivered = async (count: number) => {
    while (sent.length < count) await new Promise<void>((resolve) => heard = resolve);
  };
  const senderOf = (who: string): Sender => ({
    check: () => Promise.resolve(),
    send: () => {
      sent.push(who);
      heard();
      return Promise.resolve({ status: 200 });
    },
  });
  await using owner = await Store.open(dir.path);
  await owner.append("t", [{ value: "a" }]);
  await using ingest = await serve(owner, {
    port: 0,
    role: "ingest",
    webhookSender: senderOf("ingest"),
  });
  await using beside = await Store.open(dir.path, { readOnly: true });
  const webhook = { topic: "t", url: "https://hook.example/", from: "start" };
  const made = await fetch(`${ingest.url}/v1/webhooks/w`, jsonRequest("PUT", webhook));
  assert.equal(made.status, 201, await made.text());
  await using query = await serve(beside, {
    port: 0,
    role: "query",
    webhookSender: senderOf("query"),
  });
  await problemOf(await fetch(`${query.url}/v1/webhooks`), 403, "wrong-role");
  await delivered(1);
  await owner.append("t", [{ value: "b" }]);
  await delivered(2);
  assert.deepEqual(sent, ["ingest", "ingest"]);
});
