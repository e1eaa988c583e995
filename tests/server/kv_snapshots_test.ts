import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hono } from "hono";
import { FakeClock } from "../support/fake_clock.ts";
import { type KeyPage, keysIn, kv, setAll } from "./kv_support.ts";
import { jsonOf, jsonRequest, openApp, problemOf } from "./support.ts";

interface Snapshot {
  readonly id: string;
  readonly bucket: string;
  readonly revision: number;
  readonly expiresAt: string;
}

async function take(app: Hono, body?: unknown): Promise<Snapshot> {
  const init = body === undefined ? { method: "POST" } : jsonRequest("POST", body);
  return await jsonOf<Snapshot>(await kv(app, "b/snapshots", init), 201);
}

test("a snapshot is read as it was, key by key and in order, while others write", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await setAll(app, "b", { a: "1", b: "1" });
  const response = await kv(app, "b/snapshots", { method: "POST" });
  const location = response.headers.get("location");
  const { id, bucket, revision, expiresAt } = await jsonOf<Snapshot>(response, 201);
  assert.deepEqual([bucket, revision, location], ["b", 1, `/v1/kv/b/snapshots/${id}`]);
  const seconds = (Date.parse(expiresAt) - Date.now()) / 1000;
  assert.ok(seconds > 30 && seconds <= 60, expiresAt);
  await setAll(app, "b", { a: "2", c: "2" });
  await kv(app, "b/b", { method: "DELETE" });
  const read = await kv(app, `b/a?snapshot=${id}`);
  assert.deepEqual([await read.text(), read.headers.get("etag")], ["1", '"0"']);
  await problemOf(await kv(app, `b/c?snapshot=${id}`), 404, "not-found");
  assert.deepEqual(await keysIn(app, `b?snapshot=${id}`), ["a", "b"]);
  const page = await jsonOf<KeyPage>(await kv(app, `b?snapshot=${id}&reverse=true&limit=1`));
  assert.deepEqual([page.revision, page.entries[0]!.value, page.next], [1, "1", "b"]);
  const lines = await kv(app, `b?snapshot=${id}`, {
    headers: { accept: "application/x-ndjson" },
  });
  assert.equal((await lines.text()).split("\n").length, 3);
  assert.deepEqual(await keysIn(app, "b"), ["a", "c"]);
});

test("a snapshot tells of itself, is renewed, and is deleted", async () => {
  const clock = new FakeClock(Date.parse("2026-11-20T12:00:00Z"));
  await using opened = await openApp({ clock });
  const { app } = opened;
  await setAll(app, "b", { a: "1" });
  const { id, expiresAt } = await take(app, { ttlMs: 5000 });
  assert.equal(expiresAt, "2026-11-20T12:00:05.000Z");
  const path = `b/snapshots/${id}`;
  const told = await jsonOf(await kv(app, path));
  assert.deepEqual(told, { id, bucket: "b", revision: 0, expiresAt });
  clock.advance(4000);
  const renewed = await jsonOf(await kv(app, path, { method: "POST" }));
  assert.equal(renewed.expiresAt, "2026-11-20T12:00:09.000Z");
  clock.advance(4000);
  const longer = await jsonOf(await kv(app, path, jsonRequest("POST", { ttlMs: 60_000 })));
  assert.equal(longer.expiresAt, "2026-11-20T12:01:08.000Z");
  assert.equal((await kv(app, path, { method: "DELETE" })).status, 204);
  for (const init of [{}, { method: "POST" }, { method: "DELETE" }]) {
    const problem = await problemOf(await kv(app, path, init), 404, "not-found");
    assert.match(problem.detail, /expired, was deleted, or never was/);
  }
  await problemOf(await kv(app, `b/a?snapshot=${id}`), 404, "not-found");
});

test("a snapshot expires when its time is over, and leaves no timer", async () => {
  const clock = new FakeClock();
  await using opened = await openApp({ clock });
  const { app } = opened;
  await setAll(app, "b", { a: "1" });
  const before = clock.waiting;
  const { id } = await take(app, { ttlMs: 1000 });
  const { id: deleted } = await take(app, { ttlMs: 1000 });
  await kv(app, `b/snapshots/${deleted}`, { method: "DELETE" });
  await kv(app, `b/snapshots/${id}`, { method: "POST" });
  assert.equal(clock.waiting, before + 1);
  clock.advance(999);
  assert.equal(await (await kv(app, `b/a?snapshot=${id}`)).text(), "1");
  clock.advance(1);
  await problemOf(await kv(app, `b/a?snapshot=${id}`), 404, "not-found");
  await problemOf(await kv(app, `b?snapshot=${id}`), 404, "not-found");
  await problemOf(await kv(app, `b/snapshots/${id}`), 404, "not-found");
  assert.equal(clock.waiting, before);
});

test("no more snapshots are held than the server allows", async () => {
  await using opened = await openApp({ limits: { snapshotsMax: 2 } });
  const { app } = opened;
  await setAll(app, "b", { a: "1" });
  const { id } = await take(app);
  await take(app);
  const response = await kv(app, "b/snapshots", { method: "POST" });
  assert.equal(response.headers.get("retry-after"), "1");
  const problem = await problemOf(response, 503, "overloaded");
  assert.equal(problem.limit, 2);
  await kv(app, `b/snapshots/${id}`, { method: "DELETE" });
  await take(app);
});

test("what no snapshot can be is refused", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await problemOf(await kv(app, "b/snapshots", { method: "POST" }), 404, "not-found");
  assert.deepEqual(await store.listTopics(), []);
  await setAll(app, "b", { a: "1" });
  const bodies = ["{", "[]", "5", '{"ttlMs":0}', '{"ttlMs":3600001}', '{"ttlMs":"5"}', '{"ttl":5}'];
  for (const body of bodies) {
    await problemOf(
      await kv(app, "b/snapshots", jsonRequest("POST", body)),
      400,
      "invalid-argument",
    );
  }
  const form = { method: "POST", headers: { origin: "http://elsewhere.example" } };
  await problemOf(await kv(app, "b/snapshots", form), 403, "forbidden");
  await setAll(app, "c", { a: "1" });
  const { id } = await take(app);
  await problemOf(await kv(app, `c/a?snapshot=${id}`), 404, "not-found");
  await problemOf(await kv(app, `c/snapshots/${id}`), 404, "not-found");
  assert.equal((await kv(app, `b/snapshots/${id}`)).status, 200, "that did it no harm");
});

test("a snapshot of a bucket that was deleted is gone, also when it is made anew", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { a: "old" });
  const { id } = await take(app);
  await store.deleteTopic("b");
  await setAll(app, "b", { a: "new" });
  await problemOf(await kv(app, `b/a?snapshot=${id}`), 404, "not-found");
});
