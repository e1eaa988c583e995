/** Deadlines, cancels, slow readers, and the end of the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import type { Backend, BatchView, ReadOptions } from "../../../mod.ts";
import { Health } from "../../../server/grpc/generated/grpc/health/v1/health_pb.js";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import { overriding } from "../support.ts";
import { callHeaders, END_HEADERS, END_STREAM, FRAME, frame, rawSession } from "./raw_http2.ts";
import { remoteClient, withRemoteClient } from "./remote_client.ts";
import { all, bytes, failsWith, grpcJs, type Loose, openGrpc, text } from "./support.ts";
import { until } from "../../support/until.ts";

const LOG = "seglog.v1.LogService";

/** Watches the reads of a backend: how many batches were taken, and whether reads began and ended. */
function watched(backend: Backend) {
  const seen = { batches: 0, isBegun: false, ended: Promise.withResolvers<void>() };
  const batches = async function* (topic: string, options?: ReadOptions) {
    seen.isBegun = true;
    try {
      for await (const batch of backend.batches(topic, options)) {
        seen.batches++;
        yield batch;
      }
    } finally {
      seen.ended.resolve();
    }
  };
  return { seen, backend: overriding(backend, { batches }) };
}

/** A read that never comes to anything. */
// deno-lint-ignore require-yield
async function* hung(): AsyncGenerator<BatchView, void, undefined> {
  await new Promise(() => {});
}

/** A server whose reads of topic `t` are watched. */
async function openWatched() {
  let seen: ReturnType<typeof watched>["seen"] | undefined;
  const opened = await openGrpc({
    backendOf(store) {
      const one = watched(store);
      seen = one.seen;
      return one.backend;
    },
  });
  return { opened, seen: seen! };
}

test("a deadline ends a wait, and what waited for it", async () => {
  const { opened, seen } = await openWatched();
  await using _ = opened;
  await opened.store.append("t", [{ value: "x" }]);
  using log = grpcJs(opened.port, LOG);
  await log.call("GetServers", {}); // connects
  const wait = { topic: "t", from: { last: 0 }, waitMs: 60_000 };
  await until(async () => {
    const error = await log.call("Consume", wait, { deadline: Date.now() + 500 })
      .catch((error) => error);
    assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED);
    return seen.isBegun; // the server has heard of it before its time was over
  });
  await seen.ended.promise;
  const follow = opened.client(LogService).consumeStream(
    { topic: "t", from: { position: { case: "last", value: 0n } }, follow: true },
    { timeoutMs: 50 },
  );
  await failsWith(Code.DeadlineExceeded, async () => {
    for await (const _ of follow);
  });
});

/** The client of these calls only says their deadline, and waits for whatever the server does. */
const ONE_SIDED = { "grpc-timeout": "50m" };

test("a deadline that cannot be met any more is told without a wait for what is done", {
  timeout: 60_000,
}, async () => {
  const appending = Promise.withResolvers<never>();
  appending.promise.catch(() => {}); // the call may be over before it asks
  await using opened = await openGrpc({
    backendOf: (store) => overriding(store, { append: () => appending.promise }),
  });
  const log = opened.client(LogService, ONE_SIDED);
  const request = { topic: "t", records: [{ value: bytes("x") }] };
  await failsWith(Code.DeadlineExceeded, () => log.produce(request));
  appending.reject(new Error("late")); // that nobody hears of it is no fault
});

test("a deadline ends the waiting for a message", { timeout: 60_000 }, async () => {
  await using opened = await openGrpc();
  using session = await rawSession(opened.port);
  const content = callHeaders(`/${LOG}/Produce`, ONE_SIDED);
  session.write(frame(FRAME.headers, 1, { flags: END_HEADERS, content }));
  await session.until(({ type, flags }) => type === FRAME.headers && (flags & END_STREAM) !== 0);
});

test("a client that cancels ends what follows for it", async () => {
  const { opened, seen } = await openWatched();
  await using _ = opened;
  await opened.store.append("t", [{ value: "x" }]);
  using log = grpcJs(opened.port, LOG);
  const stream = log.open("ConsumeStream", { topic: "t", follow: true });
  const messages = stream[Symbol.asyncIterator]();
  await messages.next();
  stream.cancel();
  await assert.rejects(messages.next(), { code: grpc.status.CANCELLED });
  await seen.ended.promise;
  const { metrics } = opened.service.services;
  while (metrics.followers > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("a client that goes away in the middle of a message leaves nothing behind", async () => {
  await using opened = await openGrpc();
  const { budget, limits } = opened.service.services;
  const client = grpcJs(opened.port, LOG);
  const stream = client.open("ProduceStream");
  stream.on("error", () => {});
  for (let i = 0; i < 50; i++) {
    stream.write({ id: i, produce: { topic: "t", records: [{ value: new Uint8Array(500_000) }] } });
  }
  await new Promise((resolve) => stream.once("data", resolve));
  stream.cancel();
  client[Symbol.dispose]();
  const isFree = () => {
    try {
      budget.take(limits.bodiesBytesMax);
      budget.give(limits.bodiesBytesMax);
      return true;
    } catch {
      return false;
    }
  };
  while (!isFree()) await opened.client(Health).check({});
});

test("nothing is read ahead of a client that does not read", async () => {
  const { opened, seen } = await openWatched();
  await using _ = opened;
  const value = "v".repeat(250_000);
  const total = 120; // more than sockets and windows hold on the way
  for (let i = 0; i < total; i++) await opened.store.append("t", [{ value }]);
  using log = grpcJs(opened.port, LOG);
  const stream = log.open("ConsumeStream", { topic: "t", format: 1 });
  await new Promise((resolve) => stream.once("metadata", resolve));
  stream.pause();
  // The server works on other calls meanwhile, and has had every opportunity to read on.
  const health = opened.client(Health);
  for (let i = 0; i < 200; i++) await health.check({});
  assert.ok(seen.batches < total / 2, `${seen.batches} batches were read`);
  stream.resume();
  let received = 0;
  for await (const message of stream) {
    received++;
    assert.equal(message.next, received);
  }
  assert.equal(received, total);
});

test("a follower that retention has overtaken is told where it can go on", async () => {
  await using opened = await openGrpc({ store: { config: { segmentBytes: 65_536 } } as Loose });
  const value = "v".repeat(60_000);
  for (let i = 0; i < 60; i++) await opened.store.append("t", [{ value }]);
  using log = grpcJs(opened.port, LOG);
  const stream = log.open("ConsumeStream", { topic: "t", follow: true, format: 1 });
  await new Promise((resolve) => stream.once("metadata", resolve));
  stream.pause();
  await opened.store.truncate("t", { before: 59 });
  const error: Loose = await all(stream).then(() => assert.fail("it went on"), (error) => error);
  assert.equal(error.code, grpc.status.OUT_OF_RANGE);
  assert.match(error.details, /59/);
});

test(
  "a server that stops answers what is under way, and tells followers to come again",
  withRemoteClient,
  async () => {
    await using opened = await openGrpc();
    await opened.store.append("t", [{ value: "x" }]);
    await using client = remoteClient(opened.port);
    const messages = client.open(LOG, "ConsumeStream", { topic: "t", follow: true });
    await messages.next();
    const produced = Array.from(
      { length: 20 },
      (_, i) => client.call(LOG, "Produce", { topic: "u", records: [{ value: btoa(`${i}`) }] }),
    ).map((call) => call.next());
    const settling = Promise.allSettled(produced);
    await produced[0];
    opened.stopping.abort();
    const closed = opened.server.close();
    await assert.rejects(messages.next(), { code: grpc.status.UNAVAILABLE });
    const settled = await settling;
    await closed;
    const acknowledged = settled.filter(({ status }) => status === "fulfilled").length;
    const { nextOffset } = await opened.store.bounds("u");
    assert.ok(acknowledged >= 1 && acknowledged <= nextOffset, `${acknowledged}, ${nextOffset}`);
    for (const one of settled) {
      if (one.status === "rejected") assert.equal(one.reason.code, grpc.status.UNAVAILABLE);
    }
  },
);

test(
  "calls that do not end do not keep the server from stopping, and are told",
  withRemoteClient,
  async () => {
    await using opened = await openGrpc({
      app: { limits: { stopMs: 100 } },
      backendOf: (store) =>
        overriding(store, {
          append: () => new Promise(() => {}),
          batches: () => hung(),
        }),
    });
    await opened.store.ensureTopic("t");
    await using client = remoteClient(opened.port);
    const calls = [
      client.call(LOG, "Produce", { topic: "t", records: [{ value: btoa("x") }] }),
      client.open(LOG, "ConsumeStream", { topic: "t", follow: true }),
    ];
    // Behind the others on its way in.
    await client.call("grpc.health.v1.Health", "Check", {}).next();
    opened.stopping.abort();
    await opened.server.close();
    for (const call of calls) {
      await assert.rejects(call.next(), { code: grpc.status.UNAVAILABLE });
    }
  },
);

test("a server that has stopped is not there any more", async () => {
  const opened = await openGrpc();
  await opened[Symbol.asyncDispose]();
  await failsWith(Code.Unavailable, () => opened.client(Health).check({}));
});

test("text of any language is the same on both ends", async () => {
  await using opened = await openGrpc();
  using log = grpcJs(opened.port, LOG);
  const topic = "zażółć/🦕 %20";
  await log.call("Produce", { topic, records: [{ value: bytes("привет"), type: "TEXT" }] });
  const { records } = await log.call("Consume", { topic });
  assert.equal(text(records[0].value), "привет");
  const error: Loose = await log.call("Consume", { topic, from: { offset: 9 } })
    .catch((error) => error);
  assert.ok(error.details.includes(topic), error.details);
});
