import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTES } from "../../server/routes/all.ts";
import { openApiDocument } from "../../server/openapi/document.ts";
import { SeglogError, Store } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { jsonOf, jsonRequest, openApp, overriding, problemOf } from "./support.ts";

test("a path that is not known is 404, a method that is not is 405 with those that are", async () => {
  await using opened = await openApp();
  const { app } = opened;
  for (const path of ["/", "/nothing", "/v1/topics/", "/v1/topics/a/records/1/2", "/v2/topics"]) {
    await problemOf(await app.request(path), 404, "not-found");
  }
  const cases: [string, string, string][] = [
    ["POST", "/v1/topics", "GET, HEAD"],
    ["POST", "/v1/topics/a", "GET, HEAD, PUT, PATCH, DELETE"],
    ["DELETE", "/v1/topics/a/records", "POST, GET, HEAD"],
    ["OPTIONS", "/v1/topics/a/records", "POST, GET, HEAD"],
    ["PUT", "/v1/topics/a/records/5", "GET, HEAD"],
    ["GET", "/v1/topics/a/truncate", "POST"],
    ["GET", "/publish", "POST"],
    ["POST", "/read", "GET, HEAD"],
  ];
  for (const [method, path, allow] of cases) {
    const response = await app.request(path, { method });
    assert.equal(response.headers.get("allow"), allow);
    await problemOf(response, 405, "method-not-allowed");
  }
});

test("the OpenAPI document has every route, and no other", () => {
  const documented: string[] = [];
  for (const [path, item] of Object.entries(openApiDocument("1", ROUTES).paths)) {
    for (const method of Object.keys(item)) {
      if (method !== "parameters") documented.push(`${method.toUpperCase()} ${path}`);
    }
  }
  const served = ROUTES.map(({ method, path }) =>
    `${method} ${path.replaceAll(/:(\w+)\+?/g, "{$1}")}`
  );
  assert.deepEqual(documented.toSorted(), served.toSorted());
});

test("every reference within the OpenAPI document leads somewhere", async () => {
  await using opened = await openApp({ version: "9.9.9" });
  const document = await jsonOf<Record<string, never>>(await opened.app.request("/openapi.json"));
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
  assert.ok(references.length > 20);
  for (const reference of references) {
    let found: unknown = document;
    for (const name of reference.split("/")) found = (found as Record<string, unknown>)?.[name];
    assert.notEqual(found, undefined, reference);
  }
  assert.match(text, /"version":"9.9.9"/);
});

test("the paths of the OpenAPI document name their parameters", () => {
  const { paths } = openApiDocument("1", ROUTES);
  for (const [path, item] of Object.entries(paths)) {
    const names = JSON.stringify(item.parameters ?? []);
    for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
      assert.ok(
        names.includes(`parameters/${name}"`) || names.includes(`"name":"${name}"`),
        `${path} has the parameter ${name}`,
      );
    }
  }
});

test("health says that the server is well, ready and what it is", async () => {
  await using opened = await openApp({ version: "9.9.9" });
  const { app } = opened;
  assert.deepEqual(await jsonOf(await app.request("/livez")), { status: "ok" });
  assert.deepEqual(await jsonOf(await app.request("/readyz")), { status: "ok" });
  const health = await jsonOf(await app.request("/health"));
  assert.deepEqual([health.status, health.version, health.kind], ["ok", "9.9.9", "memory"]);
  const about = await jsonOf(await app.request("/v1"));
  assert.deepEqual([about.name, about.canWrite, about.batchFormat], ["seglog", true, 1]);
});

test("a server that stops, or whose store is closed, is live but not ready", async () => {
  const stopping = new AbortController();
  await using opened = await openApp({ stopping: stopping.signal });
  const { app, store } = opened;
  stopping.abort();
  await problemOf(await app.request("/readyz"), 503, "unavailable");
  assert.equal((await app.request("/livez")).status, 200);
  assert.equal((await jsonOf(await app.request("/health"), 503)).status, "unavailable");
  await store.close();
  const closed = await problemOf(await createApp(store).request("/readyz"), 503, "closed");
  assert.equal(closed.retryable, true);
});

test("metrics count requests and records, and measure partitions", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await app.request('/v1/topics/a"b/records', jsonRequest("POST", [{ value: 1 }, { value: 2 }]));
  await app.request("/v1/topics/none");
  const response = await app.request("/metrics");
  assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  const has = (line: string) => assert.ok(text.includes(`\n${line}\n`), line);
  has('seglog_http_requests_total{method="POST",route="/v1/topics/:topic/records",status="200"} 1');
  has('seglog_http_requests_total{method="GET",route="/v1/topics/:topic",status="404"} 1');
  has("seglog_appended_records_total 2");
  has('seglog_next_offset{topic="a\\"b",partition="0"} 2');
  const accept = { headers: { accept: "application/json" } };
  const { meters } = await jsonOf<{ meters: { name: string }[] }>(
    await app.request("/metrics", accept),
  );
  assert.ok(meters.some(({ name }) => name === "seglog_http_request_seconds"));
});

test("metrics tell what compaction won", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  for (let i = 0; i < 10; i++) await store.append("orders", [{ key: "k", value: `${i}` }]);
  const { records, bytes } = await store.compact("orders");
  const text = await (await app.request("/metrics")).text();
  const labels = '{topic="orders",partition="0"}';
  assert.match(text, new RegExp(`^seglog_compactions_total${labels} 1$`, "m"));
  assert.match(text, new RegExp(`^seglog_compacted_records_total${labels} ${records}$`, "m"));
  assert.match(text, new RegExp(`^seglog_compacted_bytes_total${labels} ${bytes}$`, "m"));
  assert.equal(records, 9);
});

test("metrics forget a topic that is gone", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.ensureTopic("orders");
  assert.match(await (await app.request("/metrics")).text(), /topic="orders"/);
  await store.deleteTopic("orders");
  assert.doesNotMatch(await (await app.request("/metrics")).text(), /topic="orders"/);
});

test("a surprise is told as internal, and its stack only to the server's own log", async () => {
  await using store = await Store.memory();
  const broken = overriding(store, {
    listTopics: () => Promise.reject(new TypeError("secret /path")),
    bounds: (topic) =>
      topic === "a"
        ? Promise.reject(new SeglogError("poisoned", "The log gave up"))
        : store.bounds(topic),
  });
  const notices: string[] = [];
  const app = createApp(broken, { onNotice: (notice) => notices.push(notice) });
  const problem = await problemOf(await app.request("/v1/topics"), 500, "internal");
  assert.doesNotMatch(JSON.stringify(problem), /secret/);
  assert.match(notices[0]!, /secret[^]*\n\s+at /);
  await problemOf(await app.request("/v1/topics/a/bounds"), 503, "poisoned");
  assert.equal(notices.length, 2);
});
