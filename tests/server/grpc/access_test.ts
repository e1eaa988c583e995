/** Who may call what: looked at before a message is read, and again for the topic that it names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { needOf } from "../../../server/grpc/gate.ts";
import { Health } from "../../../server/grpc/generated/grpc/health/v1/health_pb.js";
import { IngestionService } from "../../../server/grpc/generated/seglog/v1/ingestion_service_pb.js";
import { KvService } from "../../../server/grpc/generated/seglog/v1/kv_service_pb.js";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import { jsonOf, jsonRequest, openServer } from "../support.ts";
import { callHeaders, END_HEADERS, END_STREAM, FRAME, frame, rawSession } from "./raw_http2.ts";
import {
  bytes,
  failsWith,
  grpcJs,
  type Loose,
  type OpenGrpc,
  openGrpc,
  withHeaders,
} from "./support.ts";

/** A server that has an operator, so that everybody has to show something. */
async function openGuarded(): Promise<OpenGrpc & { token(given: Loose): Promise<string> }> {
  const opened = await openGrpc();
  const make = async (given: Loose, by?: string): Promise<string> => {
    const init = jsonRequest("POST", given);
    const headers = { ...init.headers as Record<string, string> };
    if (by !== undefined) headers.authorization = `Bearer ${by}`;
    const answer = await opened.service.app.request("/v1/tokens", { ...init, headers });
    return (await jsonOf<{ token: string }>(answer, 201)).token;
  };
  const operator = await make({ name: "operator", grants: "admin" });
  return { ...opened, token: (given) => make(given, operator) };
}

const withToken = (token: string) => ({ authorization: `Bearer ${token}` });
const records = [{ value: bytes("x") }];

test("whoever shows nothing may ask for health and what is served, and nothing else", async () => {
  await using opened = await openGuarded();
  assert.equal((await opened.client(Health).check({})).status, 1);
  const log = opened.client(LogService);
  const { problem } = await failsWith(
    Code.Unauthenticated,
    () => log.produce({ topic: "t", records }),
  );
  assert.equal(problem?.code, "unauthenticated");
  const kv = opened.client(KvService);
  const ingestion = opened.client(IngestionService);
  await failsWith(Code.Unauthenticated, () => kv.get({ bucket: "b", key: "k" }));
  await failsWith(Code.Unauthenticated, () => log.getServers({}));
  await failsWith(Code.Unauthenticated, () => ingestion.getIngestionStatus({}));
  assert.equal((await ingestion.healthCheck({})).status, 1);
  const wrong = opened.client(LogService, withToken("nonsense"));
  await failsWith(Code.Unauthenticated, () => wrong.consume({ topic: "t" }));
  using reflection = grpcJs(opened.port, "grpc.reflection.v1.ServerReflection");
  const stream = reflection.open("ServerReflectionInfo");
  const answer = new Promise<Loose>((resolve) => stream.once("data", resolve));
  stream.write({ listServices: "" });
  assert.equal((await answer).messageResponse, "listServicesResponse");
  const ended = new Promise((resolve) => stream.once("end", resolve));
  stream.end();
  await ended;
});

test("a stranger's message is not waited for", async () => {
  await using opened = await openGuarded();
  using session = await rawSession(opened.port);
  for (const [i, path] of ["LogService/Produce", "IngestionService/IngestStream"].entries()) {
    const stream = 2 * i + 1;
    const content = callHeaders(`/seglog.v1.${path}`);
    session.write(frame(FRAME.headers, stream, { flags: END_HEADERS, content }));
    await session.until((frame) =>
      frame.stream === stream && frame.type === FRAME.headers && (frame.flags & END_STREAM) !== 0
    );
  }
});

test("each method asks for its scope, on the topic that is named", async () => {
  await using opened = await openGuarded();
  await opened.store.append("orders.1", [{ value: "a" }]);
  await opened.store.append("secret", [{ value: "s" }]);
  const reader = withToken(await opened.token({ name: "r", grants: "consume:orders.*" }));
  const writer = withToken(await opened.token({ name: "w", grants: "produce:orders.*" }));
  const [reads, writes] = [opened.client(LogService, reader), opened.client(LogService, writer)];
  assert.equal((await reads.consume({ topic: "orders.1" })).records.length, 1);
  const { problem } = await failsWith(
    Code.PermissionDenied,
    () => reads.produce({ topic: "orders.1", records }),
  );
  assert.equal(problem?.code, "forbidden");
  await writes.produce({ topic: "orders.1", records });
  await failsWith(Code.PermissionDenied, () => writes.consume({ topic: "orders.1" }));
  await failsWith(Code.PermissionDenied, () => reads.consume({ topic: "secret" }));
  await failsWith(Code.PermissionDenied, async () => {
    for await (const _ of reads.consumeStream({ topic: "secret", follow: true }));
  });
  const ingestion = opened.client(IngestionService, writer);
  await failsWith(
    Code.PermissionDenied,
    () => ingestion.ingestBatch({ topic: "secret", records }),
  );
  assert.equal((await ingestion.ingestBatch({ topic: "orders.1", records })).accepted, 1);
  assert.equal((await opened.store.bounds("secret")).nextOffset, 1);
});

test("keys are read with one scope and written with another", async () => {
  await using opened = await openGuarded();
  const reads = opened.client(
    KvService,
    withToken(await opened.token({ name: "r", grants: "consume:b" })),
  );
  const writes = opened.client(
    KvService,
    withToken(await opened.token({ name: "w", grants: "produce,consume:b" })),
  );
  const value = { value: bytes("x") };
  await failsWith(Code.PermissionDenied, () => reads.set({ bucket: "b", key: "k", value }));
  await writes.set({ bucket: "b", key: "k", value });
  assert.equal((await reads.get({ bucket: "b", key: "k" })).entry?.revision, 0n);
  const set = { key: "k", operation: { case: "set" as const, value } };
  const get = { key: "k", operation: { case: "get" as const, value: {} } };
  await failsWith(
    Code.PermissionDenied,
    () => reads.transact({ bucket: "b", operations: [set] }),
  );
  assert.equal((await reads.transact({ bucket: "b", operations: [get] })).results.length, 1);
  await writes.transact({ bucket: "b", operations: [set] });
  await failsWith(Code.PermissionDenied, () => writes.set({ bucket: "c", key: "k", value }));
});

test("tenants do not see each other", async () => {
  await using opened = await openGuarded();
  const one = withToken(await opened.token({ name: "a", tenant: "one", grants: "admin" }));
  const two = withToken(await opened.token({ name: "b", tenant: "two", grants: "admin" }));
  await opened.client(LogService, one).produce({ topic: "t", records });
  await failsWith(Code.NotFound, () => opened.client(LogService, two).consume({ topic: "t" }));
  const page = await opened.client(LogService, one).consume({ topic: "t" });
  assert.equal(page.records.length, 1);
  await opened.client(IngestionService, two).ingestRecord({ topic: "t", record: records[0]! });
  const status = await opened.client(IngestionService, one).getIngestionStatus({});
  assert.equal(status.totals?.received, 0n);
});

test("a stream ends when its credentials do not count any more", {
  timeout: 60_000,
}, async () => {
  await using opened = await openGuarded();
  const token = await opened.token({ name: "r", grants: "consume" });
  const admin = await opened.token({ name: "a", grants: "admin" });
  await opened.store.append("t", [{ value: "x" }]);
  const log = opened.client(LogService, withToken(token));
  const stream = log.consumeStream({ topic: "t", follow: true })[Symbol.asyncIterator]();
  await stream.next();
  const headers = withToken(admin);
  const gone = await opened.service.app.request("/v1/tokens/r", { method: "DELETE", headers });
  assert.ok(gone.ok, await gone.text());
  await failsWith(Code.Unauthenticated, () => stream.next());
});

test("the port of HTTP asks for the same", async () => {
  await using http = await openServer();
  const made = await fetch(
    `${http.url}/v1/tokens`,
    jsonRequest("POST", { name: "operator", grants: "admin" }),
  );
  const { token } = await jsonOf<{ token: string }>(made, 201);
  const clientWith = (headers: HeadersInit) =>
    createClient(
      LogService,
      createConnectTransport({
        baseUrl: http.url,
        httpVersion: "1.1",
        interceptors: [withHeaders(headers)],
      }),
    );
  const { problem } = await failsWith(
    Code.Unauthenticated,
    () => clientWith({}).produce({ topic: "t", records }),
  );
  assert.equal(problem?.code, "unauthenticated");
  await clientWith(withToken(token)).produce({ topic: "t", records });
});

test("a method that nobody has thought of is not for strangers", () => {
  const open = new Set([
    "seglog.v1.IngestionService/HealthCheck",
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/List",
    "grpc.health.v1.Health/Watch",
  ]);
  for (const { typeName, methods } of [LogService, IngestionService, KvService, Health]) {
    for (const { name } of methods) {
      const method = `${typeName}/${name}`;
      assert.equal(needOf(method) === "nothing", open.has(method), method);
    }
  }
  assert.equal(needOf("seglog.v1.NewService/Any"), "any");
});
