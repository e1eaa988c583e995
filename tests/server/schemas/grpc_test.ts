import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { encodeBatch, json } from "../../../mod.ts";
import { IngestionService } from "../../../server/grpc/generated/seglog/v1/ingestion_service_pb.js";
import { KvService } from "../../../server/grpc/generated/seglog/v1/kv_service_pb.js";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import { ValueType } from "../../../server/grpc/generated/seglog/v1/record_pb.js";
import { SCHEMA_HEADER } from "../../../server/schemas/schema_header.ts";
import { bytes, failsWith, openGrpc } from "../grpc/support.ts";
import { addSchema, ORDER } from "./schema_support.ts";

const record = (qty: number) => ({ value: bytes(`{"qty":${qty}}`), type: ValueType.JSON });
const topic = "orders";

test("what comes by gRPC is checked as all else, and has the version on it", async () => {
  await using opened = await openGrpc();
  const { store } = opened;
  await addSchema(opened.service.app, topic, { schema: ORDER });
  await addSchema(opened.service.app, "kv", { schema: ORDER });
  const [log, ingestion, kv] = [
    opened.client(LogService),
    opened.client(IngestionService),
    opened.client(KvService),
  ];
  const batch = (qty: number) =>
    encodeBatch([json({ qty: 1 }), json({ qty })], { nowMs: 1 }) as Uint8Array<ArrayBuffer>;
  const value = (qty: number) => ({ bucket: "kv", key: "k", value: record(qty) });
  const refusals = [
    () => log.produce({ topic, records: [record(1), record(0)] }),
    () => log.produce({ topic, batch: batch(0) }),
    () => ingestion.ingestRecord({ topic, record: record(0) }),
    () => ingestion.ingestBatch({ topic, records: [record(1), record(0)], transactional: true }),
    () => kv.set(value(0)),
  ];
  for (const call of refusals) {
    const { problem, message } = await failsWith(Code.InvalidArgument, call);
    assert.equal(problem?.code, "invalid-record");
    assert.match(message, /at \/qty: must be >= 1 \(version 1 of its schema\)/);
  }
  assert.equal((await store.bounds(topic)).nextOffset, 0);
  assert.equal((await store.bounds("kv")).nextOffset, 0);

  await log.produce({ topic, records: [record(1)] });
  await log.produce({ topic, batch: batch(2) });
  await ingestion.ingestRecord({ topic, record: record(4) });
  await kv.set(value(1));
  const { outcomes, accepted, rejected } = await ingestion.ingestBatch({
    topic,
    records: [5, 0, 6, 0, 7].map(record),
  });
  assert.deepEqual([accepted, rejected], [3, 2]);
  assert.deepEqual(outcomes.map(({ outcome }) => outcome.case), [
    ...["position", "problem", "position", "problem", "position"],
  ]);
  const { nextOffset } = await store.bounds(topic);
  const all = await store.readAll(topic, [...Array(nextOffset).keys()]);
  assert.deepEqual(all.map((each) => each.headers[SCHEMA_HEADER]), new Array(7).fill("1"));
  assert.deepEqual((await store.read("kv", 0)).headers, { [SCHEMA_HEADER]: "1" });
});
