import assert from "node:assert/strict";
import { test } from "node:test";
import { type Backend, Kv, SeglogError, Store } from "../../mod.ts";
import { systemClock } from "../../core/base/clock.ts";
import { Buckets } from "../../server/buckets.ts";
import { serve } from "../../server/listen.ts";
import { rejectsWith } from "../support/collect.ts";
import { eventsOf } from "./event_reader.ts";
import { kv, setAll } from "./kv_support.ts";
import { openApp, overriding, problemOf } from "./support.ts";

const READ = { create: false };
const WRITE = { create: true };

function buckets(backend: Backend, bucketsMax = 2): Buckets {
  return new Buckets(backend, { bucketsMax, clock: systemClock, notice: assert.fail });
}

async function storeWith(...names: string[]): Promise<Store> {
  const store = await Store.memory();
  for (const name of names) await store.ensureTopic(name);
  return store;
}

test("a bucket is opened once, however many ask for it at the same time", async () => {
  await using store = await storeWith();
  const open = buckets(store);
  const held = await Promise.all([1, 2, 3].map(() => open.hold("a", WRITE)));
  assert.equal(new Set(held.map(({ kv }) => kv)).size, 1);
  const again = await open.hold("a", READ);
  assert.equal(again.kv, held[0]!.kv);
  await open.close();
});

test("a reader makes no bucket, also when a writer comes at the same time", async () => {
  await using store = await storeWith();
  const open = buckets(store);
  await rejectsWith("not-found", () => open.hold("a", READ));
  assert.deepEqual(await store.listTopics(), []);
  const reading = open.hold("a", READ).catch((error: unknown) => error);
  const { kv } = await open.hold("a", WRITE);
  assert.equal(await kv.set("k", "v"), 0);
  const read = await reading;
  if (read instanceof SeglogError) assert.equal(read.code, "not-found");
  await open.close();
});

test("the bucket that was not used for longest is closed for another one", async () => {
  await using store = await storeWith("a", "b", "c");
  const open = buckets(store);
  const kvOf = (name: string) => open.use(name, READ, (kv) => kv);
  const [a, b] = [await kvOf("a"), await kvOf("b")];
  assert.equal(await kvOf("a"), a);
  await kvOf("c");
  assert.equal(await kvOf("a"), a);
  assert.notEqual(await kvOf("b"), b);
  await open.close();
  await rejectsWith("closed", () => b.get("k"));
});

test("a bucket in use is not closed; when all are, another one has to wait", async () => {
  await using store = await storeWith("a", "b", "c");
  const open = buckets(store);
  const [a, b] = [await open.hold("a", READ), await open.hold("b", READ)];
  const error = await rejectsWith("overloaded", () => open.hold("c", READ));
  assert.equal(error.details.limit, 2);
  assert.equal(await a.kv.get("k"), undefined);
  b.release();
  b.release();
  const c = await open.hold("c", READ);
  assert.equal(await a.kv.get("k"), undefined);
  await rejectsWith("overloaded", () => open.hold("b", READ));
  c.release();
  await open.close();
});

test("a bucket that cannot be opened is tried again", async () => {
  await using store = await storeWith("a");
  let isBroken = true;
  const broken = overriding(store, {
    describeTopic: (...args) => {
      if (!isBroken) return store.describeTopic(...args);
      return Promise.reject(new SeglogError("io", "No"));
    },
  });
  const open = buckets(broken, 1);
  await rejectsWith("io", () => open.hold("a", READ));
  isBroken = false;
  assert.equal(await open.use("a", READ, (kv) => kv.get("k")), undefined);
  await open.close();
});

test("a bucket whose topic was made anew is opened anew, and the old one closed with its last user", async () => {
  await using store = await storeWith("a");
  const open = buckets(store);
  const old = await open.hold("a", READ);
  await store.deleteTopic("a");
  const fresh = await open.hold("a", WRITE);
  assert.notEqual(fresh.kv, old.kv);
  assert.equal(await fresh.kv.set("k", "v"), 0);
  old.release();
  await open.close();
});

test("closing ends all, and opens no more", async () => {
  await using store = await storeWith("a");
  const open = buckets(store);
  const { kv } = await open.hold("a", READ);
  await open.close();
  await rejectsWith("closed", () => kv.get("k"));
  await rejectsWith("unavailable", () => open.hold("a", READ));
});

test("watchers and held snapshots keep their bucket open", async () => {
  await using opened = await openApp({ limits: { bucketsMax: 2 } });
  const { app } = opened;
  for (const bucket of ["a", "b", "c"]) await setAll(app, bucket, { k: "v" });
  const response = await kv(app, "a?from=0", { headers: { accept: "text/event-stream" } });
  const events = eventsOf(response);
  while ((await events.next()).value!.event !== "set");
  const { id } = await (await kv(app, "b/snapshots", { method: "POST" })).json();
  await problemOf(await kv(app, "c/k"), 503, "overloaded");
  await events.return();
  assert.equal((await kv(app, "c/k")).status, 200);
  assert.equal(await (await kv(app, `b/k?snapshot=${id}`)).text(), "v");
});

test("a server that stops closes its buckets before it is gone", async () => {
  await using store = await Store.memory();
  const server = await serve(store, { port: 0 });
  const put = await fetch(`${server.url}/v1/kv/b/k`, { method: "PUT", body: "v" });
  assert.equal(put.status, 201);
  await put.body?.cancel();
  const taken = await fetch(`${server.url}/v1/kv/b/snapshots`, { method: "POST" });
  assert.equal(taken.status, 201);
  await taken.body?.cancel();
  await server.close();
  await using bucket = await Kv.open(store, "b");
  assert.equal((await bucket.get("k"))?.text, "v");
});
