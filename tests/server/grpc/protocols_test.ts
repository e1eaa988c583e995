/** The same methods through gRPC, gRPC-Web and Connect, over HTTP/2 and over the port of HTTP. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, createClient, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { KvService } from "../../../server/grpc/generated/seglog/v1/kv_service_pb.js";
import {
  LogService,
  ProduceRequestSchema,
} from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import { openServer } from "../support.ts";
import { all, bytes, failsWith, grpcJs, openGrpc, text } from "./support.ts";

const JSON_CALL = { "content-type": "application/json" };

/** What every transport can do, whatever it is. */
async function expectService(transport: Transport): Promise<void> {
  const log = createClient(LogService, transport);
  const records = [{ value: bytes("a") }, { value: bytes("b") }];
  const { appended } = await log.produce({ topic: "t", records });
  assert.deepEqual([appended?.start, appended?.end], [0n, 2n]);
  const { records: read } = await log.consume({ topic: "t" });
  assert.deepEqual(read.map(({ value }) => text(value)), ["a", "b"]);
  const streamed: string[] = [];
  for await (const { records } of log.consumeStream({ topic: "t", follow: true, until: 2n })) {
    streamed.push(...records.map(({ value }) => text(value)));
  }
  assert.deepEqual(streamed, ["a", "b"]);
  const { problem } = await failsWith(Code.NotFound, () => log.consume({ topic: "none" }));
  assert.equal(problem?.code, "not-found");
  const late = await failsWith(Code.OutOfRange, async () => {
    const from = { position: { case: "offset" as const, value: 9n } };
    for await (const _ of log.consumeStream({ topic: "t", from }));
  });
  assert.equal(late.problem?.details.nextOffset, "2");
}

for (const useBinaryFormat of [true, false]) {
  const format = useBinaryFormat ? "protobuf" : "JSON";
  const transports = {
    "Connect": createConnectTransport,
    "gRPC-Web": createGrpcWebTransport,
  };
  for (const [name, create] of Object.entries(transports)) {
    test(`${name} in ${format} works over HTTP/2 and over the port of HTTP`, async () => {
      await using opened = await openGrpc();
      const sessionManager = opened.sessions();
      const options = { baseUrl: opened.url, httpVersion: "2", useBinaryFormat } as const;
      await expectService(create({ ...options, sessionManager }));
      await using http = await openServer();
      await expectService(create({ baseUrl: http.url, httpVersion: "1.1", useBinaryFormat }));
    });
  }

  test(`gRPC in ${format} works over HTTP/2`, async () => {
    await using opened = await openGrpc();
    const sessionManager = opened.sessions();
    await expectService(
      createGrpcTransport({ baseUrl: opened.url, useBinaryFormat, sessionManager }),
    );
  });
}

test("a call is one request of JSON, for whoever has nothing but curl", async () => {
  await using http = await openServer();
  const call = (method: string, message: unknown) =>
    fetch(`${http.url}/seglog.v1.LogService/${method}`, {
      method: "POST",
      headers: JSON_CALL,
      body: JSON.stringify(message),
    });
  const value = btoa("hello");
  const produced = await call("Produce", { topic: "t", records: [{ value, type: "TEXT" }] });
  assert.deepEqual(await produced.json(), {
    appended: { topic: "t", partition: 0, start: "0", end: "1", durable: true },
  });
  const misspelled = await (await call("Consume", { topic: "t", untill: 5 })).json();
  assert.equal(misspelled.code, "invalid_argument");
  assert.match(misspelled.message, /untill/);
  const { records } = await (await call("Consume", { topic: "t" })).json();
  assert.deepEqual([records[0].value, records[0].type], [value, "TEXT"]);
  const wrong = await call("Consume", { topic: "none" });
  assert.equal(wrong.status, 404);
  const error = await wrong.json();
  assert.deepEqual([error.code, error.details[0].type], ["not_found", "seglog.v1.Problem"]);
  assert.equal(error.details[0].debug.code, "not-found");
  const query = new URLSearchParams({ encoding: "json", message: '{"topic":"t"}' });
  const got = await fetch(`${http.url}/seglog.v1.LogService/Consume?${query}`);
  assert.equal((await got.json()).next, "1");
  const text = await (await fetch(`${http.url}/metrics`)).text();
  assert.match(
    text,
    /seglog_grpc_calls_total\{method="seglog.v1.LogService\/Consume",code="NotFound"\} 1/,
  );
});

test("what is no call on the port of HTTP is told so", async () => {
  await using http = await openServer();
  const ask = (path: string, type: string, body = "{}") =>
    fetch(http.url + path, { method: "POST", headers: { "content-type": type }, body });
  const path = "/seglog.v1.LogService/Produce";
  assert.equal((await ask("/seglog.v1.LogService/None", "application/json")).status, 404);
  assert.equal((await ask("/seglog.v1.None/Produce", "application/json")).status, 404);
  assert.equal((await ask(path, "text/plain")).status, 415);
  assert.equal((await ask(path, "application/grpc")).status, 415);
  assert.equal((await fetch(http.url + path)).status, 405);
  assert.equal((await ask(path, "application/json", "{")).status, 400);
  const both = await ask("/seglog.v1.LogService/ProduceStream", "application/connect+json");
  assert.equal(both.status, 505);
});

test("a body on the port of HTTP is bounded in bytes and in time", async () => {
  await using http = await openServer({ limits: { bodyBytesMax: 1000, bodyMs: 20 } });
  const path = `${http.url}/seglog.v1.KvService/Set`;
  const large = { bucket: "b", key: "k", value: { value: "A".repeat(2000) } };
  const body = JSON.stringify(large);
  const answer = await fetch(path, { method: "POST", headers: JSON_CALL, body });
  assert.equal((await answer.json()).code, "invalid_argument");
  const slow = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes('{"bucket":"b",')),
  });
  const init = { method: "POST", headers: JSON_CALL, body: slow, duplex: "half" } as RequestInit;
  const late = await fetch(path, init);
  assert.equal((await late.json()).code, "deadline_exceeded");
});

test("an unknown method is UNIMPLEMENTED, and an unknown path is no page", async () => {
  await using opened = await openGrpc();
  const client = new grpc.Client(`127.0.0.1:${opened.port}`, grpc.credentials.createInsecure());
  const raw = (value: unknown) => value as never;
  const error = await new Promise<grpc.ServiceError | null>((resolve) => {
    client.makeUnaryRequest(
      "/seglog.v1.LogService/None",
      raw,
      raw,
      Buffer.alloc(0) as never,
      (error: grpc.ServiceError | null) => resolve(error),
    );
  });
  client.close();
  assert.equal(error?.code, grpc.status.UNIMPLEMENTED);
  assert.match(error?.details ?? "", /^Cannot call "\/seglog.v1.LogService\/None"/);
});

test("messages may be packed with gzip, and no other way", async () => {
  await using opened = await openGrpc();
  const sessionManager = opened.sessions();
  const zipping = createGrpcTransport({
    baseUrl: opened.url,
    sessionManager,
    sendCompression: compressionGzip,
    compressMinBytes: 1,
  });
  const log = createClient(LogService, zipping);
  const value = bytes("x".repeat(10_000));
  await log.produce({ topic: "t", records: [{ value }] });
  assert.equal((await opened.store.read("t", 0)).value?.length, 10_000);
  const web = createConnectTransport({
    baseUrl: opened.url,
    sessionManager,
    httpVersion: "2",
    sendCompression: compressionGzip,
    compressMinBytes: 1,
  });
  await createClient(KvService, web).set({ bucket: "b", key: "k", value: { value } });
  const strange = createGrpcTransport({
    baseUrl: opened.url,
    sessionManager,
    sendCompression: { ...compressionGzip, name: "strange" },
    compressMinBytes: 1,
  });
  const { message } = await failsWith(
    Code.Unimplemented,
    () => createClient(LogService, strange).consume({ topic: "t" }),
  );
  assert.match(message, /gzip/);
});

test("a message above the bound is refused, packed or not, and the connection lives on", async () => {
  const limits = { messageBytesMax: 100_000 };
  await using opened = await openGrpc({ grpc: { limits } });
  const log = opened.client(LogService);
  const large = { topic: "t", records: [{ value: new Uint8Array(200_000) }] };
  const { message } = await failsWith(Code.InvalidArgument, () => log.produce(large));
  assert.match(message, /more than 100000 bytes/);
  const packed = gzipSync(toBinary(ProduceRequestSchema, create(ProduceRequestSchema, large)));
  assert.ok(packed.length < 1000);
  const answer = await createClient(
    LogService,
    createGrpcTransport({
      baseUrl: opened.url,
      sessionManager: opened.sessions(),
      sendCompression: compressionGzip,
      compressMinBytes: 1,
    }),
  ).produce(large).then(() => undefined, (error) => error);
  assert.match(answer.rawMessage, /more than 100000 bytes/);
  await log.produce({ topic: "t", records: [{ value: bytes("x") }] });
  // Nothing of what was refused is still counted.
  const { budget, limits: { bodiesBytesMax } } = opened.service.services;
  budget.take(bodiesBytesMax);
  budget.give(bodiesBytesMax);
});

test("messages of all calls together are bounded: one more may come again", async () => {
  await using opened = await openGrpc({ app: { limits: { bodiesBytesMax: 1000 } } });
  using log = grpcJs(opened.port, "seglog.v1.LogService");
  const records = [{ value: new Uint8Array(2000) }];
  const error = await log.call("Produce", { topic: "t", records }).catch((error) => error);
  assert.equal(error.code, grpc.status.RESOURCE_EXHAUSTED);
  await log.call("Produce", { topic: "t", records: [{ value: bytes("x") }] });
  assert.deepEqual(
    (await all(log.open("ConsumeStream", { topic: "t" }))).flatMap(({ records }) => records).length,
    1,
  );
});
