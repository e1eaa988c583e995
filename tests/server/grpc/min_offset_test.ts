/** `min_offset` and `min_revision`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { KvService } from "../../../server/grpc/generated/seglog/v1/kv_service_pb.js";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import { collect } from "../../support/collect.ts";
import { bytes, failsWith, openGrpc, text } from "./support.ts";

test("Consume and ConsumeStream begin when the end has passed min_offset", async () => {
  await using opened = await openGrpc();
  const { store } = opened;
  const log = opened.client(LogService);
  await store.append("orders", [{ value: "a" }]);
  const page = log.consume({ topic: "orders", minOffset: 3n });
  const stream = collect(log.consumeStream({ topic: "orders", minOffset: 3n }));
  await store.append("orders", [{ value: "b" }, { value: "c" }]);
  assert.equal((await page).records.length, 3);
  assert.equal((await stream).flatMap(({ records }) => records).length, 3);
});

test("Get and List answer when the bucket shows min_revision", async () => {
  await using opened = await openGrpc();
  const kv = opened.client(KvService);
  const set = (value: string) => kv.set({ bucket: "b", key: "k", value: { value: bytes(value) } });
  await set("one");
  const got = kv.get({ bucket: "b", key: "k", minRevision: 1n });
  const listed = kv.list({ bucket: "b", minRevision: 1n });
  await set("two");
  assert.equal(text((await got).entry?.value), "two");
  assert.equal((await listed).revision, 1n);
});

test("what does not come in time is UNAVAILABLE, and waits have a limit", async () => {
  await using opened = await openGrpc();
  const { store } = opened;
  const [log, kv] = [opened.client(LogService), opened.client(KvService)];
  await store.append("orders", [{ key: "k", value: "a" }]);
  const late = { minOffset: 2n, minOffsetWaitMs: 30 };
  const { problem } = await failsWith(
    Code.Unavailable,
    () => log.consume({ topic: "orders", ...late }),
  );
  assert.equal(problem?.code, "unavailable");
  await failsWith(
    Code.Unavailable,
    () => collect(log.consumeStream({ topic: "orders", follow: true, ...late })),
  );
  const lateRevision = { bucket: "orders", minRevision: 1n, minRevisionWaitMs: 30 };
  await failsWith(Code.Unavailable, () => kv.get({ key: "k", ...lateRevision }));
  await failsWith(Code.Unavailable, () => kv.list(lateRevision));
  const endless = { minOffset: 2n, minOffsetWaitMs: 60_001 };
  await failsWith(Code.InvalidArgument, () => log.consume({ topic: "orders", ...endless }));
});
