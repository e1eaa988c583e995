/** `IngestionService`: each record has an outcome of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import {
  HealthCheckResponse_Status as Status,
  IngestionService,
} from "../../../server/grpc/generated/seglog/v1/ingestion_service_pb.js";
import type { ValueType } from "../../../server/grpc/generated/seglog/v1/record_pb.js";
import { overriding } from "../support.ts";
import { SeglogError } from "../../../mod.ts";
import { all, bytes, failsWith, grpcJs, type Loose, openGrpc } from "./support.ts";

const INGESTION = "seglog.v1.IngestionService";
const UNKNOWN_TYPE = 7 as ValueType;

test("one record is told where it is, or why it is not there", async () => {
  await using opened = await openGrpc();
  const ingestion = opened.client(IngestionService);
  const { position } = await ingestion.ingestRecord({ topic: "t", record: { value: bytes("x") } });
  assert.deepEqual([position?.partition, position?.offset, position?.durable], [0, 0n, true]);
  await failsWith(Code.InvalidArgument, () => ingestion.ingestRecord({ topic: "t" }));
  const record = { value: bytes("x"), type: UNKNOWN_TYPE };
  const { problem } = await failsWith(
    Code.InvalidArgument,
    () => ingestion.ingestRecord({ topic: "t", record }),
  );
  assert.equal(problem?.code, "invalid-record");
});

test("a record of a type that is not known does not refuse the batch around it", async () => {
  await using opened = await openGrpc();
  const ingestion = opened.client(IngestionService);
  const { outcomes, accepted, rejected } = await ingestion.ingestBatch({
    topic: "t",
    records: [
      { value: bytes("a") },
      { value: bytes("b"), type: UNKNOWN_TYPE },
      { value: bytes("c") },
    ],
  });
  assert.deepEqual([accepted, rejected], [2, 1]);
  assert.deepEqual(outcomes.map(({ outcome }) => outcome.case), [
    "position",
    "problem",
    "position",
  ]);
  const [, { outcome }] = outcomes as [unknown, typeof outcomes[number]];
  assert.equal(outcome.case === "problem" && outcome.value.code, "invalid-record");
  assert.equal((await opened.store.bounds("t")).nextOffset, 2);
});

test("records that are refused are found among good ones, which stay in their order", async () => {
  await using opened = await openGrpc();
  const ingestion = opened.client(IngestionService);
  const bad = new Set([0, 7, 8, 499, 500, 999]);
  const records = Array.from(
    { length: 1000 },
    (_, i) =>
      bad.has(i)
        ? { value: bytes(`${i}`), headers: { ["n".repeat(300)]: "too long a name" } }
        : { value: bytes(`${i}`) },
  );
  const { outcomes, accepted, rejected } = await ingestion.ingestBatch({ topic: "t", records });
  assert.deepEqual([accepted, rejected], [994, 6]);
  let next = 0n;
  for (const [i, { outcome }] of outcomes.entries()) {
    assert.equal(outcome.case, bad.has(i) ? "problem" : "position", `${i}`);
    if (outcome.case === "position") assert.equal(outcome.value.offset, next++);
  }
});

test("records of a batch go to the partitions of their keys", async () => {
  await using opened = await openGrpc();
  const ingestion = opened.client(IngestionService);
  await opened.store.ensureTopic("t", { partitions: 4 });
  const records = Array.from({ length: 100 }, (_, i) => ({
    key: bytes(`k${i % 10}`),
    value: bytes(`${i}`),
  }));
  const { outcomes, accepted } = await ingestion.ingestBatch({ topic: "t", records });
  assert.equal(accepted, 100);
  for (const [i, { outcome }] of outcomes.entries()) {
    assert.equal(outcome.case, "position");
    if (outcome.case !== "position") continue;
    const { partition, offset } = outcome.value;
    assert.equal((await opened.store.read("t", Number(offset), partition)).text, `${i}`);
  }
});

test("a transactional batch is all there or not at all", async () => {
  await using opened = await openGrpc();
  const ingestion = opened.client(IngestionService);
  const good = { value: bytes("a") };
  const bad = { value: bytes("b"), type: UNKNOWN_TYPE };
  const { problem } = await failsWith(
    Code.InvalidArgument,
    () => ingestion.ingestBatch({ topic: "t", records: [good, bad], transactional: true }),
  );
  assert.equal(problem?.code, "invalid-record");
  assert.deepEqual(await opened.store.listTopics(), []);
  const producer = { id: "p", epoch: 0n, sequence: 0n };
  const whole = { topic: "t", records: [good, good], transactional: true, producer };
  const { accepted } = await ingestion.ingestBatch(whole);
  assert.equal(accepted, 2);
  const again = await ingestion.ingestBatch(whole);
  assert.equal(again.accepted, 2);
  assert.equal((await opened.store.bounds("t")).nextOffset, 2);
  await failsWith(
    Code.InvalidArgument,
    () => ingestion.ingestBatch({ ...whole, transactional: false }),
  );
});

test("a batch of which nothing could be taken in is an error of the call", async () => {
  const full = new SeglogError("disk-full", "Cannot append: the disk is full");
  await using opened = await openGrpc({
    backendOf: (store) => overriding(store, { append: () => Promise.reject(full) }),
  });
  const ingestion = opened.client(IngestionService);
  const { problem } = await failsWith(
    Code.ResourceExhausted,
    () => ingestion.ingestBatch({ topic: "t", records: [{ value: bytes("a") }] }),
  );
  assert.equal(problem?.code, "disk-full");
});

test("a batch is bounded", async () => {
  await using opened = await openGrpc();
  const ingestion = opened.client(IngestionService);
  const records = Array.from({ length: 10_001 }, () => ({ value: bytes("") }));
  const { problem } = await failsWith(
    Code.InvalidArgument,
    () => ingestion.ingestBatch({ topic: "t", records }),
  );
  assert.equal(problem?.code, "too-large");
  await failsWith(Code.InvalidArgument, () => ingestion.ingestBatch({ topic: "t" }));
});

test("a stream acknowledges each record in its order, tells problems, and ends with statistics", async () => {
  await using opened = await openGrpc();
  using ingestion = grpcJs(opened.port, INGESTION);
  const stream = ingestion.open("IngestStream");
  const reading = all(stream);
  const total = 3000;
  for (let i = 0; i < total; i++) {
    const record = i === 1234
      ? { value: bytes("x"), type: UNKNOWN_TYPE }
      : { value: bytes(`${i}`) };
    stream.write({ topic: i === 0 ? "t" : "", record });
  }
  stream.write({ sequence: 9000, topic: "u", record: { value: bytes("y") } });
  stream.write({ record: { value: bytes("z") } });
  stream.end();
  const answers = await reading;
  const final = answers.pop();
  const sequences = answers.filter(({ message }) => message !== "stats")
    .map((answer) => answer[answer.message].sequence);
  const expected = [...Array.from({ length: total }, (_, i) => i + 1), 9000, 9001];
  assert.deepEqual(sequences, expected);
  const errors = answers.filter(({ message }) => message === "error").map(({ error }) => error);
  assert.deepEqual(errors.map(({ sequence, problem }) => [sequence, problem.code]), [
    [1235, "invalid-record"],
  ]);
  const offsets = answers.filter(({ ack }) => ack?.sequence <= total)
    .map(({ ack }) => ack.position.offset);
  assert.deepEqual(offsets, Array.from({ length: total - 1 }, (_, i) => i));
  assert.equal(final.message, "stats");
  const { received, accepted, rejected, final: isFinal } = final.stats;
  assert.deepEqual([received, accepted, rejected, isFinal], [total + 2, total + 1, 1, true]);
  assert.equal((await opened.store.bounds("u")).nextOffset, 2);
});

test("an acknowledgement comes while the stream is open", async () => {
  await using opened = await openGrpc();
  using ingestion = grpcJs(opened.port, INGESTION);
  const stream = ingestion.open("IngestStream");
  const messages = stream[Symbol.asyncIterator]();
  for (let i = 0; i < 3; i++) {
    stream.write({ topic: "t", record: { value: bytes("x") } });
    const { value } = await messages.next();
    assert.equal(value.ack.position.offset, i);
  }
  const client = opened.client(IngestionService);
  const open = await client.getIngestionStatus({ topic: "t" });
  assert.deepEqual([open.openStreams, open.totals?.accepted], [1, 3n]);
  assert.deepEqual(open.partitions.map(({ bounds }) => bounds?.nextOffset), [3n]);
  stream.end();
  await messages.next(); // statistics
  await messages.next();
  assert.equal((await client.getIngestionStatus({})).openStreams, 0);
});

test("a stream with a topic that is wrong tells it of each record", async () => {
  await using opened = await openGrpc();
  using ingestion = grpcJs(opened.port, INGESTION);
  const stream = ingestion.open("IngestStream");
  stream.write({ record: { value: bytes("x") } });
  stream.write({ topic: "__seglog/x", record: { value: bytes("x") } });
  stream.write({ topic: "t", partition: 3, record: { value: bytes("x") } });
  stream.end();
  const answers: Loose[] = await all(stream);
  assert.deepEqual(answers.map(({ error, message }) => error?.problem.code ?? message), [
    "invalid-argument",
    "not-found",
    "not-found",
    "stats",
  ]);
});

test("a server that stops takes in no more, and says so", async () => {
  await using opened = await openGrpc();
  const ingestion = opened.client(IngestionService);
  assert.equal((await ingestion.healthCheck({})).status, Status.SERVING);
  using loose = grpcJs(opened.port, INGESTION);
  const stream = loose.open("IngestStream");
  const messages = stream[Symbol.asyncIterator]();
  stream.write({ topic: "t", record: { value: bytes("x") } });
  assert.equal((await messages.next()).value.message, "ack");
  opened.stopping.abort();
  const { value } = await messages.next();
  assert.equal(value.stats.final, true);
  await assert.rejects(messages.next(), { code: 14 });
  assert.equal((await ingestion.healthCheck({})).status, Status.NOT_SERVING);
});
