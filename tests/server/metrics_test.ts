/** What the server counts, and who may see it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBatch, MemoryDisk, SeglogError, Store } from "../../mod.ts";
import { createApp, createService } from "../../server/app.ts";
import { ROUTES } from "../../server/routes/all.ts";
import { METRIC_PARTITIONS_MAX } from "../../server/limits.ts";
import { watchEventLoop } from "../../server/metrics/event_loop.ts";
import { Metrics } from "../../server/metrics/metrics.ts";
import { partitionSamples } from "../../server/metrics/partition_samples.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { openGuarded } from "./access/access_support.ts";
import { damagedStore } from "./damaged_store.ts";
import { rawConnect } from "./raw_client.ts";
import { jsonRequest, openApp, openServer, post } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";
const all = () => true;

/** A sample as Prometheus reads it; `undefined` where there is none. */
function sample(text: string, series: string): number | undefined {
  const line = text.split("\n").find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

async function scraped(app: { request(path: string): Response | Promise<Response> }) {
  const text = await (await app.request("/metrics")).text();
  return (series: string) => sample(text, series);
}

test("every meter has a name that Prometheus expects of its type, and says what it is", async () => {
  await using opened = await openServer();
  await opened.store.ensureTopic("orders");
  const text = await (await fetch(`${opened.url}/metrics`)).text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  assert.ok(types.length > 40);
  for (const [, name, type] of types) {
    assert.match(name!, /^(seglog|process)_[a-z_]+$/);
    assert.equal(name!.endsWith("_total"), type === "counter", name!);
    if (type === "histogram") assert.match(name!, /_seconds$/);
    assert.match(text, new RegExp(`^# HELP ${name} [A-Z].{10,}\\.$`, "m"), name!);
  }
});

test("appends and reads are measured, whichever way they come", async () => {
  await using opened = await openApp();
  const { app } = opened;
  const batch = encodeBatch([{ value: "a" }], { nowMs: 0 });
  await app.request(RECORDS, jsonRequest("POST", [{ value: 1 }]));
  await app.request(RECORDS, post("application/x-ndjson", '{"value":1}\n{"value":2}\n'));
  await app.request(RECORDS, post("application/vnd.seglog.batch", batch));
  await app.request("/v1/kv/settings/a", { method: "PUT", body: "x" });
  await app.request(RECORDS);
  await app.request(`${RECORDS}/0`);
  const value = await scraped(app);
  assert.equal(value("seglog_append_seconds_count"), 4);
  assert.ok(value('seglog_read_seconds_count{what="range"}')! >= 1);
  assert.ok(value('seglog_read_seconds_count{what="record"}')! >= 1);
  assert.equal(value("seglog_appended_records_total"), 5);
  assert.equal(value('seglog_append_seconds_bucket{le="+Inf"}'), 4);
});

test("an append that fails is an error by its code, and no latency", async () => {
  await using opened = await openApp();
  await opened.app.request(RECORDS, jsonRequest("POST", []));
  await opened.app.request("/v1/topics/none");
  await opened.app.request("/nowhere");
  const value = await scraped(opened.app);
  assert.equal(value('seglog_errors_total{protocol="http",code="invalid-argument"}'), 1);
  assert.equal(value('seglog_errors_total{protocol="http",code="not-found"}'), 2);
  assert.equal(value("seglog_append_seconds_count"), 0);
});

test("bytes of bodies are counted both ways, those of streams as they pass", async () => {
  await using opened = await openApp();
  const { app } = opened;
  const before = await scraped(app);
  const body = '{"value":1}\n{"value":2}\n';
  const answers = [
    await app.request(RECORDS, post("application/x-ndjson", body)),
    await app.request(RECORDS, post("application/json", '{"value":3}')),
    await app.request(RECORDS),
    await app.request(RECORDS, { headers: { accept: "application/x-ndjson" } }),
    await app.request(RECORDS, { method: "HEAD" }),
    await app.request("/v1/topics/orders/flush", { method: "POST" }),
  ];
  let sent = 0;
  for (const answer of answers) sent += (await answer.text()).length;
  const value = await scraped(app);
  const received = 'seglog_received_bytes_total{protocol="http"}';
  assert.equal(before(received), 0);
  assert.equal(value(received), body.length + '{"value":3}'.length);
  const scrape = value('seglog_sent_bytes_total{protocol="http"}')! - sent;
  assert.ok(scrape > 5000 && scrape < 40_000, `the first look at the metrics took ${scrape}`);
});

test("an answer that breaks off is an error by its code, although it began well", async () => {
  await using store = await damagedStore();
  const app = createApp(store);
  const lines = await app.request(RECORDS, { headers: { accept: "application/x-ndjson" } });
  assert.equal(lines.status, 200);
  await assert.rejects(lines.text());
  const value = await scraped(app);
  assert.equal(value('seglog_errors_total{protocol="http",code="corrupt"}'), 1);
});

test("a stream that the client leaves is left by the server, counted or not", async () => {
  await using opened = await openApp();
  const response = await opened.app.request(RECORDS.replace("orders", "none"), {
    headers: { accept: "text/event-stream" },
  });
  assert.equal(response.status, 404);
  await opened.store.append("orders", [{ value: "a" }]);
  const events = await opened.app.request(RECORDS, { headers: { accept: "text/event-stream" } });
  const reader = events.body!.getReader();
  await reader.read();
  assert.equal((await scraped(opened.app))("seglog_followers"), 1);
  await reader.cancel();
  assert.equal((await scraped(opened.app))("seglog_followers"), 0);
});

test("what is written and synced is counted, and what compression saves", async () => {
  await using opened = await openApp({ store: { defaults: { compression: "zstd" } } });
  await opened.app.request(RECORDS, jsonRequest("POST", [{ value: "x".repeat(20_000) }]));
  const value = await scraped(opened.app);
  assert.equal(value("seglog_written_records_total"), 1);
  assert.equal(value("seglog_written_batches_total"), 1);
  assert.ok(value("seglog_written_uncompressed_bytes_total")! > 20_000);
  assert.ok(value("seglog_written_bytes_total")! < 1000);
  assert.equal(value("seglog_sync_seconds_count"), 1);
  assert.equal(value("seglog_sync_failures_total"), 0);
});

test("a sync that fails is counted, and so is the append whose fate it leaves open", async () => {
  const disk = new TrickDisk();
  await using store = await Store.open("/data", { disk });
  const app = createApp(store);
  await app.request(RECORDS, jsonRequest("POST", [{ value: 1 }]));
  disk.onOperation = (operation, path) => {
    if (operation === "sync" && path.endsWith(".log")) throw new SeglogError("io", "EIO");
  };
  await app.request(RECORDS, jsonRequest("POST", [{ value: 2 }]));
  const value = await scraped(app);
  assert.equal(value("seglog_sync_failures_total"), 1);
  assert.equal(value('seglog_errors_total{protocol="http",code="outcome-unknown"}'), 1);
});

test("what recovery finds is counted: torn tails with their bytes, and damage", async () => {
  const disk = new MemoryDisk();
  const crashed = await Store.open("/data", { disk });
  for (const value of ["first", "second"]) await crashed.append("orders", [{ value }]);
  await crashed.append("torn", [{ value: "whole" }]);
  disk.crash();
  const alter = (path: string, at: (bytes: Uint8Array) => number, bytes: Uint8Array) => {
    const file = disk.open(`/data/${path}/00000000000000000000.log`, "write");
    const content = new Uint8Array(file.size());
    file.read(content, 0);
    file.write(bytes, at(content));
    return file.sync().then(() => file.close());
  };
  const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
  await alter("orders-0", (bytes) => text(bytes).indexOf("first"), Uint8Array.of(0x46));
  await alter("torn-0", (bytes) => bytes.length, Uint8Array.of(1, 2, 3));
  await using store = await Store.open("/data", { disk });
  const app = createApp(store);
  await app.request(RECORDS.replace("orders", "torn"), jsonRequest("POST", [{ value: 1 }]));
  await app.request(RECORDS, jsonRequest("POST", [{ value: 1 }]));
  const value = await scraped(app);
  assert.equal(value("seglog_recovery_torn_tails_total"), 1);
  assert.equal(value("seglog_recovery_quarantined_bytes_total"), 3);
  assert.ok(value("seglog_recovery_damaged_total")! >= 1);
});

test("a service that has ended is told nothing more by its store", async () => {
  await using store = await Store.memory();
  const service = createService(store);
  await service.close();
  await store.append("orders", [{ value: "a" }]);
  const { values } = await service.services.metrics.registry.getSingleMetric(
    "seglog_written_records_total",
  )!.get();
  assert.deepEqual(values.map(({ value }) => value), [0]);
});

test("connections are counted while they are open, and those that are turned away", async () => {
  await using opened = await openServer({ limits: { connectionsMax: 1 } });
  const held = await rawConnect(opened.port);
  held.write("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await held.until("ok");
  const refused = await rawConnect(opened.port);
  await refused.ended;
  held.write("GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  const text = await held.ended;
  assert.equal(sample(text.replaceAll("\r", ""), 'seglog_connections{protocol="http"}'), 1);
  assert.ok(text.includes('seglog_connections_refused_total{protocol="http"} 1'));
});

test("requests that wait for their answer are counted while they do", async () => {
  await using opened = await openApp();
  await opened.store.append("orders", [{ value: "a" }]);
  const waiting = opened.app.request(`${RECORDS}?from=end&wait=60s`);
  assert.equal((await scraped(opened.app))("seglog_http_requests_in_flight"), 2);
  await opened.store.append("orders", [{ value: "b" }]);
  await waiting;
  assert.equal((await scraped(opened.app))("seglog_http_requests_in_flight"), 1);
});

test("nothing that a client makes up becomes a label", async () => {
  await using opened = await openApp();
  for (let i = 0; i < 20; i++) {
    await opened.app.request(`/made/up/${i}`);
    await opened.app.request(`/v1/topics/none-${i}`);
    await opened.app.request("/v1/topics/a", { method: i % 2 === 0 ? "PROPFIND" : "OPTIONS" });
  }
  const text = await (await opened.app.request("/metrics")).text();
  const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route]) => route!));
  const known = new Set([...ROUTES.map(({ path }) => path), "unknown"]);
  assert.deepEqual([...routes].filter((route) => !known.has(route)), []);
  assert.doesNotMatch(text, /none-\d|made|PROPFIND|OPTIONS/);
});

test("whoever may read some topics sees the metrics of those, and none of the server", async () => {
  await using opened = await openGuarded();
  const { operator, store } = opened;
  await store.append("orders", [{ value: "a" }]);
  await store.append("secret", [{ value: "a" }]);
  await store.append("inbox", [{ value: "a" }]);
  const reader = await opened.somebody({ name: "r", grants: "consume:orders;produce:inbox" });
  const seen = await (await reader("/metrics")).text();
  assert.equal(sample(seen, 'seglog_next_offset{topic="orders",partition="0"}'), 1);
  assert.equal(sample(seen, "seglog_topics"), 1);
  assert.doesNotMatch(seen, /secret|inbox|process_|seglog_http/);
  const whole = await (await operator("/metrics")).text();
  assert.equal(sample(whole, "seglog_topics"), 3);
  assert.match(whole, /topic="secret"/);
  assert.match(whole, /^process_resident_memory_bytes \d/m);
  assert.equal((await opened.stranger("/metrics")).status, 401);
  assert.equal((await reader("/v1/tokens")).status, 403);
  const after = await (await operator("/metrics")).text();
  assert.equal(sample(after, 'seglog_auth_failures_total{reason="unauthenticated"}'), 1);
  assert.equal(sample(after, 'seglog_auth_failures_total{reason="forbidden"}'), 1);
});

test("topics of tenants are named as the tenant names them, for it and for the operator", async () => {
  await using opened = await openGuarded();
  const acme = await opened.somebody({ name: "a", grants: "admin", tenant: "acme" });
  await acme(RECORDS, jsonRequest("POST", [{ value: 1 }, { value: 2 }]));
  const own = await (await acme("/metrics")).text();
  assert.equal(sample(own, 'seglog_next_offset{topic="orders",partition="0"}'), 2);
  assert.doesNotMatch(own, /process_|__seglog/);
  const whole = await (await opened.operator("/metrics")).text();
  const labels = '{tenant="acme",topic="orders",partition="0"}';
  assert.equal(sample(whole, `seglog_next_offset${labels}`), 2);
  assert.equal(sample(whole, 'seglog_partitions{tenant="acme"}'), 1);
  assert.doesNotMatch(whole, /__seglog/);
});

test("a quota that refuses is counted by tenant and quota", async () => {
  await using opened = await openGuarded();
  const acme = await opened.somebody({ name: "a", grants: "admin", tenant: "acme" });
  await opened.operator("/v1/tenants/acme/quota", jsonRequest("PUT", { topics: 1 }));
  for (const topic of ["one", "two"]) await acme(`/v1/topics/${topic}`, { method: "PUT" });
  const text = await (await opened.operator("/metrics")).text();
  assert.equal(sample(text, 'seglog_quota_refusals_total{tenant="acme",quota="topics"}'), 1);
});

test("partitions are measured up to a bound, and all of them are counted", async () => {
  await using store = await Store.memory();
  await store.ensureTopic("many", { partitions: 64 });
  const { name, id, config } = (await store.listTopics())[0]!;
  const info = (await store.describeTopic("many")).partitions[0]!;
  const topics = Array.from({ length: 20 }, (_, i) => ({ name: `t${i}`, id, config }));
  const partitions = Array.from({ length: 64 }, (_, partition) => ({ ...info, partition }));
  const backend = {
    listTopics: () => Promise.resolve(topics),
    describeTopic: () => Promise.resolve({ name, id, config, partitions }),
  };
  const text = await (await partitionSamples([{ backend, shows: all }])).metrics();
  assert.equal(text.match(/^seglog_next_offset\{/gm)!.length, METRIC_PARTITIONS_MAX);
  assert.equal(sample(text, "seglog_partitions"), 20 * 64);
});

test("groups are measured by their lag, where there are any", async () => {
  await using store = await Store.memory();
  const place = (topic: string, partition: number, lag: number) => ({ topic, partition, lag });
  const groups = {
    list: () => Promise.resolve([{ group: "billing", members: 2 }, { group: "other", members: 1 }]),
    describe: (group: string) =>
      group === "other"
        ? Promise.reject(new SeglogError("not-found", "gone"))
        : Promise.resolve({ partitions: [place("orders", 0, 7), place("hidden", 0, 1)] }),
  };
  const shows = (topic: string) => topic !== "hidden";
  const text = await (await partitionSamples([{ backend: store, shows, groups }])).metrics();
  assert.equal(sample(text, 'seglog_group_members{group="billing"}'), 2);
  const lag = 'seglog_group_lag_records{group="billing",topic="orders",partition="0"}';
  assert.equal(sample(text, lag), 7);
  assert.doesNotMatch(text, /hidden|other/);
  const failing = { ...groups, list: () => Promise.reject(new SeglogError("io", "gone")) };
  const rest = await (await partitionSamples([{ backend: store, shows, groups: failing }]))
    .metrics();
  assert.equal(sample(rest, "seglog_topics"), 0);
});

test("the groups of a server are measured, for whoever may read their topics", async () => {
  await using opened = await openGuarded();
  for (const topic of ["orders", "secret"]) await opened.store.append(topic, [{ value: "a" }]);
  const { operator } = opened;
  for (const [group, topic] of [["billing", "orders"], ["audit", "secret"]]) {
    const offsets = jsonRequest("POST", { topic, to: "start" });
    const response = await operator(`/v1/groups/${group}/seek`, offsets);
    assert.equal(response.status, 200, await response.text());
  }
  const lag = (group: string, topic: string) =>
    `seglog_group_lag_records{group="${group}",topic="${topic}",partition="0"}`;
  const whole = await (await operator("/metrics")).text();
  assert.equal(sample(whole, lag("billing", "orders")), 1);
  assert.equal(sample(whole, lag("audit", "secret")), 1);
  const reader = await opened.somebody({ name: "r", grants: "consume:orders" });
  const seen = await (await reader("/metrics")).text();
  assert.equal(sample(seen, lag("billing", "orders")), 1);
  assert.doesNotMatch(seen, /secret|audit/);
});

test("a topic that cannot be measured leaves the others as they are", async () => {
  await using store = await damagedStore();
  await store.append("whole", [{ value: "a" }]);
  const text = await (await createApp(store).request("/metrics")).text();
  assert.equal(sample(text, 'seglog_next_offset{topic="whole",partition="0"}'), 1);
});

test("calls over gRPC are counted by method and status", async () => {
  const metrics = new Metrics("1.2.3");
  metrics.called("LogService/Produce", "OK", 0.2);
  metrics.failed("grpc", new SeglogError("closed", "gone"));
  metrics.failed("grpc", new TypeError("not ours"));
  const text = await metrics.registry.metrics();
  assert.equal(
    sample(text, 'seglog_grpc_calls_total{method="LogService/Produce",code="OK"}'),
    1,
  );
  assert.equal(sample(text, 'seglog_errors_total{protocol="grpc",code="closed"}'), 1);
  assert.equal(sample(text, 'seglog_errors_total{protocol="grpc",code="internal"}'), 1);
  assert.match(
    text,
    /^seglog_build_info\{version="1\.2\.3",runtime="(deno|bun|node) \d[^"]*"\} 1$/m,
  );
});

test("work that holds the thread is seen as delay", async () => {
  const delays: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = watchEventLoop({
    delayed(ms) {
      delays.push(ms);
      if (delays.length === 1) hold(250);
      if (delays.length === 2) resolve();
    },
  });
  const waiting = setInterval(() => {}, 10_000); // the watch itself keeps no process alive
  await promise;
  clearInterval(waiting);
  end();
  assert.ok(delays[1]! >= 100, `${delays}`);
});

/** Keeps everything else from running. */
function hold(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}
