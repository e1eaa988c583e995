/** Who may not, is refused: at every route, and between tenants. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTES } from "../../../server/routes/all.ts";
import type { Route } from "../../../server/exchange.ts";
import { jsonOf, jsonRequest, post, problemOf } from "../support.ts";
import { type Asking, openGuarded } from "./access_support.ts";

/** A path that fits a route, about a topic or bucket. */
function pathOf({ path }: Route, topic: string): string {
  return path.replaceAll(
    /:(\w+)\+?/g,
    (_, name) => name === "topic" || name === "bucket" ? encodeURIComponent(topic) : "x",
  );
}

/** Each method of a service has a gate of its own, tried by the tests of gRPC. */
function isCall({ path }: Route): boolean {
  return /^\/(seglog|grpc)\./.test(path);
}

async function ask(asking: Asking, route: Route, topic: string): Promise<Response> {
  // A webhook says in its body which topic it is about.
  const body = route.path === "/v1/webhooks/:webhook" ? { topic, url: "https://example.com/" } : {};
  const init = route.method === "GET" ? {} : jsonRequest(route.method, body);
  return await asking(pathOf(route, topic), init);
}

test("a stranger is asked for credentials at every route that is not open", async () => {
  await using opened = await openGuarded();
  for (const route of ROUTES) {
    const response = await ask(opened.stranger, route, "orders");
    const isRefused = response.status === 401;
    const isOpen = route.access.kind === "open" || isCall(route);
    assert.equal(isRefused, !isOpen, `${route.method} ${route.path}`);
    await response.body?.cancel();
  }
  assert.deepEqual(
    ROUTES.filter((route) => route.access.kind === "open" && !isCall(route))
      .map(({ path }) => path),
    ["/livez", "/readyz", "/openapi.json"],
  );
});

test("every route refuses whose grants are for other topics, or of another scope", async () => {
  await using opened = await openGuarded();
  await opened.store.ensureTopic("orders");
  const others = await opened.somebody({ name: "others", grants: "admin:x*" });
  const wrong = {
    produce: await opened.somebody({ name: "consumer", grants: "consume:*" }),
    consume: await opened.somebody({ name: "producer", grants: "produce:*" }),
    admin: await opened.somebody({ name: "user", grants: "produce,consume:*" }),
    operator: await opened.somebody({ name: "some", grants: "produce,consume:*;admin:orders*" }),
  };
  let refused = 0;
  for (const route of ROUTES) {
    const { kind } = route.access;
    if (kind === "open" || kind === "recognized") continue;
    await problemOfAny(await ask(wrong[kind], route, "orders"), route);
    if (kind !== "operator") await problemOfAny(await ask(others, route, "orders"), route);
    refused++;
  }
  assert.ok(refused > 20);
});

/** The blobs tell errors in another shape. */
async function problemOfAny(response: Response, { method, path }: Route): Promise<void> {
  assert.equal(response.status, 403, `${method} ${path}: ${await response.text()}`);
}

test("what nobody granted is not in lists, and reached by no other way", async () => {
  await using opened = await openGuarded();
  const { operator } = opened;
  for (const topic of ["orders", "secret"]) {
    await jsonOf(await operator(`/v1/topics/${topic}/records`, jsonRequest("POST", { value: 1 })));
  }
  const ask = await opened.somebody({ name: "ci", grants: "produce,consume:orders" });
  const { topics } = await jsonOf<{ topics: { name: string }[] }>(await ask("/v1/topics"));
  assert.deepEqual(topics.map(({ name }) => name), ["orders"]);
  await problemOf(await ask("/v1/topics/secret"), 403, "forbidden");
  await problemOf(await ask("/v1/topics/secret/bounds"), 403, "forbidden");
  await problemOf(await ask("/read?partition=secret&offset=0"), 403, "forbidden");
  const published = jsonRequest("POST", { data: 1, partition_key: "secret" });
  await problemOf(await ask("/publish", published), 403, "forbidden");
  const tx = (operations: unknown[]) => jsonRequest("POST", { operations });
  const reader = await opened.somebody({ name: "reader", grants: "consume:orders" });
  const set = { op: "set", key: "k", value: "v" };
  await problemOf(await reader("/v1/kv/orders/tx", tx([set])), 403, "forbidden");
});

test("the server's own topics are reached by nobody", async () => {
  await using opened = await openGuarded();
  const { operator } = opened;
  const name = encodeURIComponent("__seglog/credentials");
  const { topics } = await jsonOf<{ topics: unknown[] }>(await operator("/v1/topics"));
  assert.deepEqual(topics, []);
  for (
    const [path, init] of [
      [`/v1/topics/${name}`, {}],
      [`/v1/topics/${name}/records`, {}],
      [`/v1/topics/${name}/records`, jsonRequest("POST", { key: "x", value: null })],
      [`/v1/topics/${name}/truncate`, jsonRequest("POST", { before: 1 })],
      [`/v1/topics/${name}`, { method: "DELETE" }],
      [`/v1/topics/${name}`, { method: "PUT" }],
      [`/v1/kv/${name}`, {}],
      [`/v1/kv/${name}/x`, post("application/octet-stream", "x")],
    ] as const
  ) {
    const response = await operator(path, path.endsWith("/x") ? { ...init, method: "PUT" } : init);
    await problemOf(response, 404, "not-found");
  }
});

test("tenants do not see each other, whatever they try", async () => {
  await using opened = await openGuarded();
  const acme = await opened.somebody({ name: "acme", grants: "admin", tenant: "acme" });
  const zeta = await opened.somebody({ name: "zeta", grants: "admin", tenant: "zeta" });
  const { operator } = opened;
  const all = [acme, zeta, operator];
  for (const [index, each] of all.entries()) {
    const record = jsonRequest("POST", { value: index });
    const result = await jsonOf(await each("/v1/topics/orders/records", record));
    assert.equal(result.topic, "orders");
    assert.equal(result.start, 0, "a log of its own");
    const value = { ...post("application/octet-stream", `v${index}`), method: "PUT" };
    await each("/v1/kv/bucket/k", value);
    await each("/blobs/b", post("application/octet-stream", `blob${index}`));
  }
  for (const [index, each] of all.entries()) {
    const { topics } = await jsonOf<{ topics: { name: string }[] }>(await each("/v1/topics"));
    assert.deepEqual(topics.map(({ name }) => name), ["blobs", "bucket", "orders"]);
    const page = await jsonOf<{ records: { value: number; topic: string }[] }>(
      await each("/v1/topics/orders/records"),
    );
    assert.deepEqual(page.records.map(({ value, topic }) => [value, topic]), [[index, "orders"]]);
    assert.equal(await (await each("/v1/kv/bucket/k")).text(), `v${index}`);
    assert.equal(await (await each("/blobs/b")).text(), `blob${index}`);
    assert.equal((await jsonOf(await each("/v1/topics/orders"))).name, "orders");
  }
  // The names of other tenants' topics in the store below lead nowhere.
  const inside = "__seglog/tenants/acme/orders";
  for (const each of all) {
    for (const name of [inside, `../acme/orders`, "__seglog/tenants/zeta/../acme/orders"]) {
      const response = await each(`/v1/topics/${encodeURIComponent(name)}/records`);
      await problemOf(response, 404, "not-found");
    }
  }
  // An error tells the name as the tenant knows it.
  const missing = await problemOf(await acme("/v1/topics/none/records"), 404, "not-found");
  assert.match(missing.detail, /"none"/);
  assert.doesNotMatch(JSON.stringify(missing), /__seglog/);
  // Snapshots are held by a tenant.
  const { id } = await jsonOf<{ id: string }>(
    await acme("/v1/kv/bucket/snapshots", { method: "POST" }),
    201,
  );
  await jsonOf(await acme(`/v1/kv/bucket/snapshots/${id}`));
  await problemOf(await zeta(`/v1/kv/bucket/snapshots/${id}`), 404, "not-found");
  // Who runs a tenant does not run the server.
  for (const path of ["/v1/tokens", "/v1/tenants"]) {
    await problemOf(await acme(path), 403, "forbidden");
  }
  await acme("/v1/topics/orders", { method: "DELETE" });
  await jsonOf(await zeta("/v1/topics/orders"));
});

test("what changes how the server is run is told to its log, tries included", async () => {
  await using opened = await openGuarded();
  const user = await opened.somebody({ name: "user", grants: "consume", tenant: "acme" });
  opened.notices.length = 0;
  await user("/v1/topics/orders", { method: "DELETE" });
  await opened.operator("/v1/topics/orders", { method: "PUT" });
  await opened.stranger("/v1/tokens", jsonRequest("POST", { name: "x", grants: "admin" }));
  await user("/v1/topics");
  const made = jsonRequest("POST", { name: "ann", grants: "produce:a*", tenant: "acme" });
  await opened.operator("/v1/tokens", made);
  await user("/v1/groups/billing");
  await user("/v1/groups/billing", { method: "DELETE" });
  await user("/v1/groups/billing/seek", jsonRequest("POST", { topic: "orders", to: "start" }));
  assert.deepEqual(opened.notices, [
    'audit: "user" of acme: DELETE /v1/topics/orders: 403',
    'audit: "operator" of default: PUT /v1/topics/orders: 201',
    'audit: "stranger" of default: POST /v1/tokens: 401',
    'audit: "operator" of default: made "ann" of acme, who may produce:a*',
    'audit: "operator" of default: POST /v1/tokens: 201',
    'audit: "user" of acme: DELETE /v1/groups/billing: 404',
    'audit: "user" of acme: POST /v1/groups/billing/seek: 404',
  ]);
});
