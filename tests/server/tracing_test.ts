/** Traces: who is part of whom, and what tracing costs where nobody traces. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { context, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AlwaysOffSampler, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { connect, Producer, readRecords, Store } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { inRequestSpan } from "../../server/tracing/request_span.ts";
import { isRecorded, isTracing } from "../../tracing/spans.ts";
import { collect } from "../support/collect.ts";
import { tracing } from "../support/tracing.ts";
import { openGuarded } from "./access/access_support.ts";
import { damagedStore } from "./damaged_store.ts";
import { jsonRequest, openApp, openServer, overriding } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";
const TEMPLATE = "/v1/topics/:topic/records";
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";
const PARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;

const idOf = (span: ReadableSpan) => span.spanContext().spanId;

/** Runs `work` as a span of the program's own, as one that is traced does. */
async function within<Result>(name: string, work: (span: Span) => Promise<Result>) {
  return await trace.getTracer("test").startActiveSpan(name, async (span) => {
    try {
      return await work(span);
    } finally {
      span.end();
    }
  });
}

test("a request is a span that says what OpenTelemetry expects of a server", async () => {
  using traced = tracing();
  await using opened = await openServer();
  await opened.store.append("orders", [{ value: "a" }]);
  await (await fetch(`${opened.url}${RECORDS}?from=0`, { headers: { "user-agent": "me/1" } }))
    .text();
  const span = traced.span(`GET ${TEMPLATE}`);
  assert.equal(span.kind, SpanKind.SERVER);
  assert.equal(span.status.code, SpanStatusCode.UNSET);
  const { "server.port": port, "client.address": client, ...attributes } = span.attributes;
  assert.equal(port, opened.port);
  assert.match(String(client), /127\.0\.0\.1$/);
  assert.deepEqual(attributes, {
    "http.request.method": "GET",
    "url.path": RECORDS,
    "url.scheme": "http",
    "server.address": "127.0.0.1",
    "http.route": TEMPLATE,
    "user_agent.original": "me/1",
    "network.protocol.version": "1.1",
    "http.response.status_code": 200,
    "enduser.id": "anybody",
    "seglog.tenant": "default",
  });
  assert.equal(span.parentSpanContext, undefined);
});

test("a request that names its trace becomes part of it", async () => {
  using traced = tracing();
  await using opened = await openApp();
  await opened.app.request("/livez", { headers: { traceparent: PARENT } });
  const span = traced.span("GET /livez");
  assert.equal(span.spanContext().traceId, TRACE_ID);
  assert.equal(span.parentSpanContext?.spanId, PARENT_ID);
  assert.equal(span.parentSpanContext?.isRemote, true);
});

test("a span that the runtime has begun for the request is its parent", async () => {
  using traced = tracing();
  await using opened = await openApp();
  await within("runtime", async () => {
    await opened.app.request("/livez", { headers: { traceparent: PARENT } });
  });
  const parent = traced.span("runtime");
  assert.equal(traced.span("GET /livez").parentSpanContext?.spanId, idOf(parent));
});

test("appends and reads are spans within their request, and tell what and how much", async () => {
  using traced = tracing();
  await using opened = await openApp();
  await opened.app.request(RECORDS, jsonRequest("POST", [{ value: 1 }, { value: 2 }]));
  await opened.app.request(RECORDS);
  await opened.app.request(`${RECORDS}/1`);
  const append = traced.span("append orders");
  assert.equal(append.kind, SpanKind.INTERNAL);
  assert.equal(append.parentSpanContext?.spanId, idOf(traced.span(`POST ${TEMPLATE}`)));
  assert.deepEqual(append.attributes, {
    "messaging.system": "seglog",
    "messaging.operation.name": "append",
    "messaging.operation.type": "send",
    "messaging.destination.name": "orders",
    "messaging.destination.partition.id": "0",
    "messaging.batch.message_count": 2,
    "seglog.start": 0,
    "seglog.end": 2,
  });
  const reads = traced.spans().filter(({ name }) => name === "read orders");
  const parents = [traced.span(`GET ${TEMPLATE}`), traced.span(`GET ${TEMPLATE}/:offset`)];
  assert.deepEqual(reads.map((span) => span.parentSpanContext?.spanId), parents.map(idOf));
  assert.deepEqual(reads.map(({ attributes }) => attributes["messaging.batch.message_count"]), [
    2,
    1,
  ]);
  assert.equal(reads[0]!.attributes["messaging.operation.type"], "receive");
});

test("what is read for a stream is part of its request, although that was answered before", async () => {
  using traced = tracing();
  await using opened = await openServer();
  await opened.store.append("orders", [{ value: "a" }]);
  const lines = { headers: { accept: "application/x-ndjson" } };
  await (await fetch(`${opened.url}${RECORDS}`, lines)).text();
  const read = traced.span("read orders");
  assert.equal(read.parentSpanContext?.spanId, idOf(traced.span(`GET ${TEMPLATE}`)));
});

test("keys and values are appended and read within their request, too", async () => {
  using traced = tracing();
  await using opened = await openApp();
  await opened.app.request("/v1/kv/settings/a", { method: "PUT", body: "x" });
  const put = traced.span("PUT /v1/kv/:bucket/:key+");
  const append = traced.spans().filter(({ name }) => name === "append settings");
  assert.ok(append.length > 0);
  assert.ok(append.every((span) => span.spanContext().traceId === put.spanContext().traceId));
});

test("a topic of a tenant has the name that the tenant gave it", async () => {
  using traced = tracing();
  await using opened = await openGuarded();
  const acme = await opened.somebody({ name: "ann", grants: "admin", tenant: "acme" });
  await acme(RECORDS, jsonRequest("POST", [{ value: 1 }]));
  assert.equal(traced.span("append orders").attributes["messaging.destination.name"], "orders");
  const { attributes } = traced.span(`POST ${TEMPLATE}`);
  assert.deepEqual([attributes["enduser.id"], attributes["seglog.tenant"]], ["ann", "acme"]);
});

test("what a caller did wrong is told by its code, and is no error of the server", async () => {
  using traced = tracing();
  await using opened = await openApp();
  await opened.app.request("/v1/topics/none");
  await opened.app.request("/nowhere/at/all", { method: "PROPFIND" });
  const missing = traced.span("GET /v1/topics/:topic");
  assert.equal(missing.attributes["error.type"], "not-found");
  assert.equal(missing.attributes["http.response.status_code"], 404);
  assert.equal(missing.status.code, SpanStatusCode.UNSET);
  const strange = traced.span("HTTP");
  assert.equal(strange.attributes["http.request.method"], "_OTHER");
  assert.equal(strange.attributes["http.request.method_original"], "PROPFIND");
  assert.equal(strange.attributes["http.route"], undefined);
});

test("what the server failed at is an error with its cause, in the read and in the request", async () => {
  using traced = tracing();
  await using store = await damagedStore();
  await createApp(store).request(`${RECORDS}?from=1`);
  for (const name of ["read orders", `GET ${TEMPLATE}`]) {
    const { status, attributes } = traced.span(name);
    assert.equal(status.code, SpanStatusCode.ERROR, name);
    assert.match(status.message!, /checksum/);
    assert.equal(attributes["error.type"], "corrupt");
  }
  const surprise = { listTopics: () => Promise.reject(new TypeError("surprise")) };
  await createApp(overriding(store, surprise)).request("/v1/topics");
  const { events, attributes } = traced.span("GET /v1/topics");
  assert.equal(attributes["error.type"], "internal");
  assert.equal(events[0]?.name, "exception");
  assert.match(String(events[0]?.attributes?.["exception.stacktrace"]), /surprise/);
});

test("a client's append and the server's are one trace", async () => {
  using traced = tracing();
  await using opened = await openServer();
  await using backend = await connect(opened.url);
  await within("checkout", async () => {
    await backend.append("orders", [{ value: "a" }, { value: "b" }]);
    await collect(readRecords(backend, "orders"));
  });
  const program = traced.span("checkout");
  const [server, client] = traced.spans().filter(({ name }) => name === "append orders");
  const request = traced.span(`POST ${TEMPLATE}`);
  assert.equal(client!.kind, SpanKind.PRODUCER);
  assert.equal(client!.parentSpanContext?.spanId, idOf(program));
  assert.equal(request.parentSpanContext?.spanId, idOf(client!));
  assert.equal(server!.parentSpanContext?.spanId, idOf(request));
  assert.deepEqual([client!, server!].map(({ attributes }) => attributes["seglog.end"]), [2, 2]);
  const [read, page] = traced.spans().filter(({ name }) => name === "read orders");
  assert.equal(page!.kind, SpanKind.CONSUMER);
  assert.equal(page!.parentSpanContext?.spanId, idOf(program));
  assert.equal(read!.spanContext().traceId, program.spanContext().traceId);
});

test("a producer's batches are spans, and asking by itself begins no trace", async () => {
  using traced = tracing();
  await using opened = await openServer();
  await using backend = await connect(opened.url);
  {
    await using producer = await Producer.open(backend, "orders");
    void producer.send({ value: "a" });
  }
  await collect(readRecords(backend, "orders"));
  const producers = traced.spans().filter(({ kind }) => kind === SpanKind.PRODUCER);
  assert.deepEqual(producers.map(({ name }) => name), ["append orders"]);
  assert.equal(traced.spans().filter(({ kind }) => kind === SpanKind.CONSUMER).length, 0);
});

test("an append that fails at the server is an error of the client's span", async () => {
  using traced = tracing();
  await using opened = await openServer();
  await using backend = await connect(opened.url);
  await assert.rejects(backend.append("orders", [{ value: "a" }], { expectedOffset: 7 }));
  const [client] = traced.spans().filter(({ kind }) => kind === SpanKind.PRODUCER);
  assert.equal(client!.attributes["error.type"], "condition-failed");
  assert.equal(client!.status.code, SpanStatusCode.ERROR);
});

test("a trace that is not sampled stays so, and what is within is not described", async () => {
  using traced = tracing(new AlwaysOffSampler());
  await using opened = await openServer();
  let sampled: boolean | undefined;
  const app = createApp(overriding(opened.store, {
    append(...args) {
      sampled = isRecorded();
      return opened.store.append(...args);
    },
  }));
  await app.request(RECORDS, jsonRequest("POST", [{ value: 1 }]));
  assert.equal(sampled, false);
  const headers: (string | null)[] = [];
  await using backend = await connect(opened.url, {
    fetch: (url, init) => {
      headers.push(new Headers(init.headers).get("traceparent"));
      return fetch(url, init);
    },
  });
  await backend.append("orders", [{ value: "a" }]);
  assert.match(headers.at(-1)!, /-00$/);
  assert.deepEqual(traced.spans(), []);
});

test("where nobody traces, a request is answered as if there were no tracing", () => {
  assert.equal(isTracing(), false);
  let looks = 0;
  const untouched = new Proxy({}, { get: () => looks++ }) as Request;
  const promise = Promise.resolve(new Response());
  const traced = { request: untouched, incoming: undefined, route: "/x" };
  assert.equal(inRequestSpan(traced, () => promise), promise, "no promise of its own");
  assert.equal(looks, 0, "nothing is looked at");
});

test("where nobody traces, a client sends no header of a trace", async () => {
  await using opened = await openServer();
  const headers: string[] = [];
  await using backend = await connect(opened.url, {
    fetch: (url, init) => {
      headers.push(...new Headers(init.headers).keys());
      return fetch(url, init);
    },
  });
  await backend.append("orders", [{ value: "a" }]);
  assert.ok(!headers.includes("traceparent"));
});

// Only V8 tells of every byte that is allocated, as long as nothing is collected in between.
const isV8 = process.versions.bun === undefined;

test("where nobody traces, to ask whether anybody does allocates nothing", { skip: !isV8 }, () => {
  const rounds = 20_000;
  const ask = () => {
    let traced = 0;
    for (let i = 0; i < rounds; i++) if (isRecorded() || isTracing()) traced++;
    return traced;
  };
  for (let i = 0; i < 20; i++) ask(); // until it is compiled
  const grown = Array.from({ length: 20 }, () => {
    const before = process.memoryUsage().heapUsed;
    ask();
    return process.memoryUsage().heapUsed - before;
  });
  // The smallest object has 12 bytes or more, and one for each round would be seen in every run.
  const least = Math.min(...grown.map(Math.abs));
  assert.ok(least < rounds * 4, `${least} bytes in ${rounds} rounds`);
});

test("the contexts of the test's own tracer are gone with it", () => {
  assert.equal(trace.getSpan(context.active()), undefined);
});

test("a store by itself knows nothing of traces", async () => {
  using traced = tracing();
  await using store = await Store.memory();
  await within("program", async () => {
    await store.append("orders", [{ value: "a" }]);
  });
  assert.deepEqual(traced.spans().map(({ name }) => name), ["program"]);
});
