import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hono } from "hono";
import { Store } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { jsonOf, openApp, overriding, post } from "./support.ts";

const BYTES = "application/octet-stream";

async function metricsOf(app: Hono): Promise<Record<string, unknown>> {
  const accept = { headers: { accept: "application/json" } };
  const { meters, ...facts } = await jsonOf(await app.request("/metrics", accept));
  assert.ok(Array.isArray(meters));
  return facts;
}

test("without blobs all is zero, and nothing is made by looking", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const { uptime_secs: uptime, ...facts } = await metricsOf(app);
  assert.equal(typeof uptime, "number");
  assert.deepEqual(facts, {
    volume_id: "default",
    total_keys: 0,
    total_segments: 0,
    total_bytes: 0,
    total_mb: 0,
    active_segment_id: 0,
    oldest_segment_id: 0,
    avg_value_size_bytes: 0,
  });
  const health = await jsonOf(await app.request("/health"));
  assert.deepEqual([health.status, health.volume_id, health.keys], ["ok", "default", 0]);
  assert.deepEqual([health.segments, health.total_mb], [0, 0]);
  assert.equal(typeof health.uptime_secs, "number");
  assert.deepEqual(await store.listTopics(), []);
});

test("what is kept of blobs is counted: keys that have a value, and bytes on disk", async () => {
  await using opened = await openApp({ volumeId: "v7" });
  const { app, store } = opened;
  await store.ensureTopic("blobs", { segmentBytes: 4096 });
  const put = (key: string, size: number) =>
    app.request(`/blobs/${key}`, post(BYTES, new Uint8Array(size)));
  for (const size of [3000, 3000, 2000]) await put("a", size);
  await put("b", 1000);
  await put("c", 1);
  await app.request("/blobs/c", { method: "DELETE" });
  const { partitions: [partition] } = await store.describeTopic("blobs");
  const facts = await metricsOf(app);
  assert.deepEqual(facts, {
    volume_id: "v7",
    uptime_secs: facts.uptime_secs,
    total_keys: 2,
    total_segments: partition!.segments,
    total_bytes: partition!.bytes,
    total_mb: Math.round(partition!.bytes / 1024 / 1024 * 1000) / 1000,
    active_segment_id: partition!.activeSegment,
    oldest_segment_id: 0,
    avg_value_size_bytes: 1500,
  });
  assert.ok(partition!.segments > 1 && partition!.activeSegment! > 0);
  const health = await jsonOf(await app.request("/health"));
  assert.deepEqual([health.keys, health.segments], [2, partition!.segments]);
  await store.truncate("blobs", { before: 3 });
  assert.ok(Number((await metricsOf(app)).oldest_segment_id) > 0);
});

test("a look does not wait for a bucket that takes long to open", async () => {
  await using store = await Store.memory();
  await store.append("blobs", [{ key: "k", value: "v" }]);
  const opening = Promise.withResolvers<void>();
  const slow = overriding(store, {
    async *batches(...args) {
      await opening.promise;
      yield* store.batches(...args);
    },
  });
  const clock = new FakeClock();
  const app = createApp(slow, { clock });
  const looking = metricsOf(app);
  while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(1000);
  const facts = await looking;
  assert.deepEqual([facts.total_keys, facts.total_segments], [null, 1]);
  opening.resolve();
  assert.equal((await jsonOf(await app.request("/v1/kv/blobs?keys=true"))).revision, 0);
  assert.equal((await metricsOf(app)).total_keys, 1);
});
