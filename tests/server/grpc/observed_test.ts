/** What is seen of calls from outside: meters, traces, and the log. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { Code } from "@connectrpc/connect";
import { SeglogError } from "../../../mod.ts";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import { jsonLogger } from "../../../server/logger.ts";
import { tracing } from "../../support/tracing.ts";
import { overriding } from "../support.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { type OpenGrpc, openGrpc } from "./support.ts";

const PRODUCE = "seglog.v1.LogService/Produce";

async function metered(opened: OpenGrpc): Promise<(series: string) => number | undefined> {
  const text = await opened.service.services.metrics.registry.metrics();
  return (series) => {
    const line = text.split("\n").find((line) => line.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
}

function record(text: string) {
  return { value: new TextEncoder().encode(text) };
}

test("calls, their bytes, their errors and their connections are metered", async () => {
  await using opened = await openGrpc();
  const client = opened.client(LogService);
  await client.produce({ topic: "t", records: [record("a"), record("b")] });
  await assert.rejects(client.consume({ topic: "none" }), { code: Code.NotFound });
  const value = await metered(opened);
  assert.equal(value(`seglog_grpc_calls_total{method="${PRODUCE}",code="OK"}`), 1);
  assert.equal(value(`seglog_grpc_call_seconds_count{method="${PRODUCE}"}`), 1);
  assert.equal(value('seglog_errors_total{protocol="grpc",code="not-found"}'), 1);
  assert.equal(value('seglog_connections{protocol="grpc"}'), 1);
  assert.ok(value('seglog_received_bytes_total{protocol="grpc"}')! > 5);
  assert.ok(value('seglog_sent_bytes_total{protocol="grpc"}')! > 5);
  assert.equal(value("seglog_append_seconds_count"), 1);
  assert.equal(value("seglog_appended_records_total"), 2);
});

test("a call is a span of the trace that it names, and the append is part of it", async () => {
  using traced = tracing();
  await using opened = await openGrpc();
  const headers: Record<string, string> = {};
  await trace.getTracer("test").startActiveSpan("program", async (span) => {
    propagation.inject(context.active(), headers);
    await opened.client(LogService, headers).produce({ topic: "t", records: [record("a")] });
    span.end();
  });
  const call = traced.span(PRODUCE);
  assert.equal(call.kind, SpanKind.SERVER);
  assert.equal(call.parentSpanContext?.spanId, traced.span("program").spanContext().spanId);
  assert.deepEqual(call.attributes, {
    "rpc.system": "grpc",
    "rpc.service": "seglog.v1.LogService",
    "rpc.method": "Produce",
    "enduser.id": "anybody",
    "seglog.tenant": "default",
    "rpc.grpc.status_code": 0,
  });
  const append = traced.span("append t");
  assert.equal(append.parentSpanContext?.spanId, call.spanContext().spanId);
});

test("a span of a call has the status of an error where the server is at fault", async () => {
  using traced = tracing();
  const failing = new SeglogError("corrupt", "Cannot read it");
  await using opened = await openGrpc({
    backendOf: (store) => overriding(store, { append: () => Promise.reject(failing) }),
  });
  const client = opened.client(LogService);
  await assert.rejects(client.produce({ topic: "t", records: [record("a")] }));
  await assert.rejects(client.consume({ topic: "none" }));
  const broken = traced.span(PRODUCE);
  assert.equal(broken.status.code, SpanStatusCode.ERROR);
  assert.equal(broken.attributes["error.type"], "corrupt");
  assert.equal(broken.attributes["rpc.grpc.status_code"], Code.DataLoss);
  const missing = traced.span("seglog.v1.LogService/Consume");
  assert.equal(missing.status.code, SpanStatusCode.UNSET);
  assert.equal(missing.attributes["error.type"], "NotFound");
});

test("a call is a line of the log where requests are, and a fault is one in any case", async () => {
  const texts: string[] = [];
  const logger = jsonLogger((line) => texts.push(line), { clock: new FakeClock() });
  await using opened = await openGrpc({
    app: { logger, logRequests: true },
    backendOf: (store) =>
      overriding(store, { append: () => Promise.reject(new TypeError("surprise")) }),
  });
  const client = opened.client(LogService);
  await assert.rejects(client.produce({ topic: "t", records: [record("a")] }));
  const lines = texts.map((text) => JSON.parse(text));
  const call = lines.find(({ event }) => event === "call");
  assert.deepEqual([call.msg, call.method, call.code, call.principal], [
    `${PRODUCE}: Internal`,
    PRODUCE,
    "Internal",
    "anybody",
  ]);
  const fault = lines.find(({ event }) => event === "fault");
  assert.equal(fault.msg, `${PRODUCE}: internal: surprise`);
  assert.match(fault.stack, /surprise|@/);
});
