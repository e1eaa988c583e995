/** `LogService`, mostly through grpc-js, which shares no code with the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { status } from "@grpc/grpc-js";
import { equalBytes } from "../../../core/base/bytes.ts";
import { type BatchView, decodeBatch } from "../../../core/format/batch.ts";
import { encodeBatch } from "../../../core/format/batch_builder.ts";
import { WIRE_SALT } from "../../../core/format/batch_header.ts";
import {
  ConsumeFormat,
  LogService,
} from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import type { ValueType } from "../../../server/grpc/generated/seglog/v1/record_pb.js";
import { overriding } from "../support.ts";
import { all, bytes, failsWith, grpcJs, type Loose, openGrpc, text } from "./support.ts";

const LOG = "seglog.v1.LogService";

test("what is produced is consumed, with its key, headers, type and time", async () => {
  await using opened = await openGrpc();
  using log = grpcJs(opened.port, LOG);
  const { appended } = await log.call("Produce", {
    topic: "orders",
    records: [
      { key: bytes("u1"), value: bytes('{"qty":2}'), type: "JSON", headers: { trace: "a1" } },
      { value: bytes("hello"), type: "TEXT", timestampMs: 1234 },
      { key: bytes("u1") },
      { value: new Uint8Array(0) },
    ],
  });
  assert.deepEqual(appended, { topic: "orders", partition: 0, start: 0, end: 4, durable: true });
  const page = await log.call("Consume", { topic: "orders" });
  assert.equal(page.next, 4);
  assert.deepEqual(page.bounds, { logStartOffset: 0, durableOffset: 4, nextOffset: 4 });
  const [first, second, tombstone, empty] = page.records;
  assert.equal(text(first.key), "u1");
  assert.equal(text(first.value), '{"qty":2}');
  assert.deepEqual([first.type, first.headers], [2, { trace: "a1" }]);
  assert.deepEqual([second.offset, second.timestampMs, second.type], [1, 1234, 1]);
  assert.equal(second._key, undefined);
  assert.equal(tombstone._value, undefined);
  assert.deepEqual([empty._value, empty.value.length], ["value", 0]);
  // It is the same log that the library reads.
  assert.equal((await opened.store.read("orders", 1)).text, "hello");
});

test("a page has as many records as are asked for, and tells where to go on", async () => {
  await using opened = await openGrpc();
  const log = opened.client(LogService);
  const values = Array.from({ length: 10 }, (_, i) => ({ value: `${i}`, key: `k${i % 2}` }));
  await opened.store.append("t", values, { partition: 0 });
  const page = await log.consume({ topic: "t", maxRecords: 4 });
  assert.deepEqual([page.records.length, page.next], [4, 4n]);
  const from = { position: { case: "offset" as const, value: page.next } };
  const rest = await log.consume({ topic: "t", from, until: 7n });
  assert.deepEqual(rest.records.map(({ offset }) => offset), [4n, 5n, 6n]);
  const last = await log.consume({ topic: "t", from: { position: { case: "last", value: 2n } } });
  assert.deepEqual(last.records.map(({ offset }) => offset), [8n, 9n]);
  const keyed = await log.consume({ topic: "t", key: bytes("k1") });
  assert.deepEqual(keyed.records.map(({ offset }) => offset), [1n, 3n, 5n, 7n, 9n]);
  assert.equal(keyed.next, 10n);
  await failsWith(Code.InvalidArgument, () => log.consume({ topic: "t", maxRecords: 10_001 }));
  await failsWith(
    Code.InvalidArgument,
    () => log.consume({ topic: "t", format: 9 as ConsumeFormat }),
  );
});

test("a page that is waited for has what comes, or is empty when nothing does", async () => {
  await using opened = await openGrpc();
  const log = opened.client(LogService);
  await opened.store.append("t", [{ value: "old" }]);
  const from = { position: { case: "offset" as const, value: 1n } };
  const waiting = log.consume({ topic: "t", from, waitMs: 60_000 });
  // Whether it is there before or after the question, it is in the answer.
  const [page] = await Promise.all([waiting, opened.store.append("t", [{ value: "new" }])]);
  assert.deepEqual(page.records.map(({ value }) => text(value)), ["new"]);
  assert.deepEqual([page.next, page.bounds?.nextOffset], [2n, 2n]);
  const end = { position: { case: "last" as const, value: 0n } };
  const none = await log.consume({ topic: "t", from: end, waitMs: 1 });
  assert.deepEqual([none.records.length, none.next], [0, 2n]);
});

test("an encoded batch is stored as it is, and handed on as it is stored", async () => {
  await using opened = await openGrpc();
  const log = opened.client(LogService);
  const records = Array.from({ length: 100 }, (_, i) => ({ value: `value ${i} `.repeat(20) }));
  const batch = encodeBatch(records, { nowMs: 5, codec: "zstd" }) as Uint8Array<ArrayBuffer>;
  const { appended } = await log.produce({ topic: "t", batch });
  assert.deepEqual([appended?.start, appended?.end], [0n, 100n]);
  const sent = decodeBatch(batch, 0, WIRE_SALT) as BatchView;
  const page = await log.consume({ topic: "t", format: ConsumeFormat.BATCHES });
  const back = decodeBatch(page.batches, 0, WIRE_SALT) as BatchView;
  assert.deepEqual([back.header.codec, back.header.recordCount], ["zstd", 100]);
  const payloadOf = ({ bytes, header }: BatchView) => bytes.subarray(64, 64 + header.payloadLength);
  assert.ok(equalBytes(payloadOf(back), payloadOf(sent)));
  for await (const message of log.consumeStream({ topic: "t", format: ConsumeFormat.BATCHES })) {
    assert.deepEqual(message.batch, page.batches);
    assert.equal(message.next, 100n);
  }
});

test("an encoded batch that is damaged is refused, and so are two at once", async () => {
  await using opened = await openGrpc();
  const log = opened.client(LogService);
  const batch = encodeBatch([{ value: "x" }], { nowMs: 5 }) as Uint8Array<ArrayBuffer>;
  const damaged = batch.slice();
  damaged[66]! ^= 1;
  const { problem } = await failsWith(
    Code.InvalidArgument,
    () => log.produce({ topic: "t", batch: damaged }),
  );
  assert.equal(problem?.code, "invalid-record");
  const two = new Uint8Array([...batch, ...batch]);
  await failsWith(Code.InvalidArgument, () => log.produce({ topic: "t", batch: two }));
  const both = { topic: "t", batch, records: [{ value: bytes("x") }] };
  await failsWith(Code.InvalidArgument, () => log.produce(both));
  assert.deepEqual(await opened.store.listTopics(), []);
});

test("a retry with the same producer and sequence is answered like the first try", async () => {
  await using opened = await openGrpc();
  const log = opened.client(LogService);
  const producer = { id: "p1", epoch: 0n, sequence: 0n };
  const once = { topic: "t", records: [{ value: bytes("x") }], producer };
  const first = await log.produce(once);
  assert.deepEqual((await log.produce(once)).appended, first.appended);
  assert.equal((await opened.store.bounds("t")).nextOffset, 1);
});

test("an append under a condition fails when others were faster", async () => {
  await using opened = await openGrpc();
  const log = opened.client(LogService);
  const records = [{ value: bytes("x") }];
  await log.produce({ topic: "t", records, expectedOffset: 0n });
  const { problem } = await failsWith(
    Code.FailedPrecondition,
    () => log.produce({ topic: "t", records, expectedOffset: 0n }),
  );
  assert.equal(problem?.code, "condition-failed");
});

test("a status has the stable code, the facts, and a message that can be read", async () => {
  await using opened = await openGrpc();
  using log = grpcJs(opened.port, LOG);
  await opened.store.append("täst", [{ value: "a" }, { value: "b" }, { value: "c" }]);
  await opened.store.truncate("täst", { before: 2 });
  const error: Loose = await log.call("Consume", { topic: "täst", from: { offset: 1 } })
    .then(() => assert.fail(), (error) => error);
  assert.equal(error.code, status.OUT_OF_RANGE);
  assert.match(error.details, /^Cannot read "täst" at offset 1: .* 2/);
  const client = opened.client(LogService);
  const from = { position: { case: "offset" as const, value: 1n } };
  const { problem, message } = await failsWith(
    Code.OutOfRange,
    () => client.consume({ topic: "täst", from }),
  );
  assert.equal(message, error.details);
  assert.deepEqual([problem?.code, problem?.retryable], ["offset-out-of-range", false]);
  assert.deepEqual(problem?.details, { offset: "1", logStartOffset: "2", nextOffset: "3" });
});

test("each kind of wrong request has the status for it", async () => {
  await using opened = await openGrpc();
  const log = opened.client(LogService);
  const value = bytes("x");
  const cases: [Code, string, () => Promise<unknown>][] = [
    [Code.NotFound, "not-found", () => log.consume({ topic: "none" })],
    [Code.InvalidArgument, "invalid-argument", () => log.consume({})],
    [Code.InvalidArgument, "invalid-argument", () => log.produce({ topic: "t" })],
    [Code.InvalidArgument, "invalid-argument", () => log.produce({ records: [{ value }] })],
    [
      Code.InvalidArgument,
      "invalid-record",
      () => log.produce({ topic: "t", records: [{ value, type: 7 as ValueType }] }),
    ],
    [
      Code.InvalidArgument,
      "invalid-record",
      () => log.produce({ topic: "t", records: [{ value: Uint8Array.of(0xff), type: 1 }] }),
    ],
    [
      Code.InvalidArgument,
      "invalid-argument",
      () => log.produce({ topic: "t", records: [{ value }], sync: "never" }),
    ],
    [
      Code.InvalidArgument,
      "invalid-argument",
      () => log.produce({ topic: "t", records: [{ value }], expectedOffset: 2n ** 60n }),
    ],
    [
      Code.NotFound,
      "not-found",
      () => log.produce({ topic: "t", records: [{ value }], partition: 5 }),
    ],
    [Code.NotFound, "not-found", () => log.consume({ topic: "__seglog/x" })],
  ];
  for (const [code, stable, call] of cases) {
    const { problem, message } = await failsWith(code, call);
    assert.equal(problem?.code, stable, message);
    assert.ok(message.startsWith("Cannot "), message);
  }
  assert.deepEqual(opened.notices, []);
});

test("an error that is the server's own fault keeps its message, and its log has it", async () => {
  await using opened = await openGrpc({
    backendOf: (store) =>
      overriding(store, {
        bounds: (topic, partition) =>
          topic === "t" ? Promise.reject(new Error("secret")) : store.bounds(topic, partition),
      }),
  });
  const log = opened.client(LogService);
  const { message, problem } = await failsWith(Code.Internal, () => log.consume({ topic: "t" }));
  assert.ok(!message.includes("secret"));
  assert.equal(problem?.code, "internal");
  assert.match(opened.notices.join("\n"), /LogService\/Consume: internal: secret/);
});

test("a stream of messages is appended in its order, and answered in it", async () => {
  await using opened = await openGrpc();
  using log = grpcJs(opened.port, LOG);
  const stream = log.open("ProduceStream");
  const total = 500;
  for (let i = 0; i < total; i++) {
    const topic = i === 0 ? "t" : "";
    stream.write({ id: i, produce: { topic, records: [{ value: bytes(`${i}`) }] } });
  }
  stream.end();
  const answers = await all(stream);
  assert.deepEqual(answers.map(({ id }) => id), Array.from({ length: total }, (_, i) => i));
  assert.deepEqual(
    answers.map(({ appended }) => appended.start),
    Array.from({ length: total }, (_, i) => i),
  );
  const { records } = await log.call("Consume", { topic: "t" });
  assert.deepEqual(
    records.map(({ value }: Loose) => Number(text(value))),
    Array.from({ length: total }, (_, i) => i),
  );
});

test("what is wrong with one message of a stream is its answer, and the stream goes on", async () => {
  await using opened = await openGrpc();
  using log = grpcJs(opened.port, LOG);
  const stream = log.open("ProduceStream");
  const good = { topic: "t", records: [{ value: bytes("x") }] };
  stream.write({ id: 1, produce: good });
  stream.write({ id: 2, produce: { topic: "t" } });
  stream.write({ id: 3 });
  stream.write({ id: 4, produce: { ...good, expectedOffset: 77 } });
  stream.write({ id: 5, produce: good });
  stream.end();
  const outcomes = (await all(stream)).map(({ id, outcome, problem }) => [
    id,
    outcome === "problem" ? problem.code : outcome,
  ]);
  assert.deepEqual(outcomes, [
    [1, "appended"],
    [2, "invalid-argument"],
    [3, "invalid-argument"],
    [4, "condition-failed"],
    [5, "appended"],
  ]);
});

test("a follower gets what is there and what comes, each record once and in order", async () => {
  await using opened = await openGrpc();
  using log = grpcJs(opened.port, LOG);
  await opened.store.append("t", [{ value: "0" }, { value: "1" }]);
  const stream = log.open("ConsumeStream", { topic: "t", follow: true, until: 50 });
  const reading = all(stream);
  for (let i = 2; i < 50; i++) await opened.store.append("t", [{ value: `${i}` }]);
  const messages = await reading; // it ends by itself where it was to end
  const values = messages.flatMap(({ records }) => records).map(({ value }) => Number(text(value)));
  assert.deepEqual(values, Array.from({ length: 50 }, (_, i) => i));
  assert.equal(messages.at(-1).next, 50);
});

test("a follower of a quiet topic knows at once that it follows", async () => {
  await using opened = await openGrpc();
  using log = grpcJs(opened.port, LOG);
  await opened.store.append("t", [{ value: "old" }]);
  const stream = log.open("ConsumeStream", { topic: "t", follow: true, from: { last: 0 } });
  stream.on("error", () => {});
  await new Promise((resolve) => stream.once("metadata", resolve));
  const first = new Promise<Loose>((resolve) => stream.once("data", resolve));
  await opened.store.append("t", [{ value: "new" }]);
  assert.equal(text((await first).records[0].value), "new");
  stream.cancel();
});

test("a stream without follow ends at the end, and an empty one at once", async () => {
  await using opened = await openGrpc();
  using log = grpcJs(opened.port, LOG);
  await opened.store.append("t", Array.from({ length: 2500 }, (_, i) => ({ value: `${i}` })));
  const messages = await all(log.open("ConsumeStream", { topic: "t", from: { offset: 10 } }));
  assert.ok(messages.length >= 3, "large batches go as several messages");
  assert.equal(messages.flatMap(({ records }) => records).length, 2490);
  for (const { records, next } of messages) assert.equal(next, records.at(-1).offset + 1);
  assert.deepEqual(await all(log.open("ConsumeStream", { topic: "t", from: { last: 0 } })), []);
});

test("the servers are this one, as the client has found it", async () => {
  await using opened = await openGrpc({ app: { version: "9.9.9", volumeId: "v7" } });
  using log = grpcJs(opened.port, LOG);
  const rpcAddress = `127.0.0.1:${opened.port}`;
  const expected = { id: "v7", rpcAddress, isLeader: true, version: "9.9.9" };
  assert.deepEqual(await log.call("GetServers", {}), { servers: [expected] });
});
