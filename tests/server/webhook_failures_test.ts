/** Webhooks whose receiver, records or server fail: nothing is skipped unseen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeglogError, type Store } from "../../mod.ts";
import { endOfTurn } from "../../core/base/turn.ts";
import { jsonRequest, overriding, problemOf } from "./support.ts";
import { fill, HOOKS, HOUR, open, post, put, show, until } from "./webhook_support.ts";

test("what fails is sent again after waits that grow, the same records under the same id", async () => {
  await using opened = await open();
  const { app, store, receiver, clock } = opened;
  await fill(store, 2);
  await put(app, { from: "start" });
  const ids = new Set<string>();
  const waits: number[] = [];
  for (let i = 0; i < 16; i++) {
    const received = await receiver.next();
    const status = i < 8 ? 500 : 302; // a redirect is not followed, and so it is a failure
    ids.add(received.id);
    assert.deepEqual(received.offsets, [0, 1]);
    received.answer(i % 2 === 0 ? { status } : { error: "connection refused" });
    const { deliveries: [{ retryAt, failures, lastError }] } = await until(
      app,
      ({ deliveries: [{ failures, retryAt }] }) => failures === i + 1 && retryAt !== null,
    );
    assert.equal(failures, i + 1);
    assert.match(lastError, i % 2 === 0 ? RegExp(`status ${status}`) : /connection refused/);
    const wait = Date.parse(retryAt) - clock.now();
    waits.push(wait);
    if (i === 0) await fill(store, 1); // what comes meanwhile waits its turn
    clock.advance(wait - 1);
    assert.equal(receiver.seen.length, i + 1);
    clock.advance(1);
  }
  assert.equal(ids.size, 1);
  waits.forEach((wait, i) => {
    const full = Math.min(HOUR, 1000 * 2 ** i);
    assert.ok(wait >= full / 2 && wait <= full, `wait ${i} is ${wait}`);
  });
  assert.equal((await show(app)).state, "failing");
  (await receiver.next()).answer({ status: 200 });
  assert.deepEqual((await receiver.next()).offsets, [2]);
  assert.equal((await show(app)).state, "active");
  const said = opened.notices.join("\n");
  assert.match(said, /webhook hook: delivery from "orders" partition 0 of offsets 0 to 1 fails/);
  assert.match(said, /arrives again/);
});

test("a receiver can ask for a longer wait, but not for one without end", async () => {
  await using opened = await open();
  const { app, store, receiver, clock } = opened;
  await fill(store, 1);
  await put(app, { from: "start" });
  const date = new Date(clock.now() + 2 * HOUR).toUTCString();
  for (const [retryAfter, expected] of [["120", 120_000], ["9999999", 24 * HOUR]] as const) {
    (await receiver.next()).answer({ status: 429, retryAfter });
    const { deliveries: [{ retryAt }] } = await until(
      app,
      ({ deliveries: [{ retryAt }] }) => retryAt,
    );
    assert.equal(Date.parse(retryAt) - clock.now(), expected);
    clock.advance(expected);
  }
  clock.advance(-24 * HOUR - 120_000);
  (await receiver.next()).answer({ status: 503, retryAfter: date });
  const { deliveries: [{ retryAt }] } = await until(
    app,
    ({ deliveries: [{ retryAt }] }) => retryAt,
  );
  assert.equal(Date.parse(retryAt) - clock.now(), 2 * HOUR);
});

test("after three days of failures it is paused and tells so; resumed, it has skipped nothing", async () => {
  await using opened = await open();
  const { store, receiver, clock } = opened;
  await fill(store, 2);
  receiver.always = { status: 500 };
  await put(opened.app, { from: "start", batch: 1 });
  let tries = 0;
  while ((await show(opened.app)).state !== "paused") {
    await until(
      opened.app,
      ({ state, deliveries: [{ retryAt }] }) => state === "paused" || retryAt,
    );
    clock.advance(HOUR);
    if (tries++ === 20) await opened.restart(); // the time counts across restarts
    assert.ok(tries < 100);
  }
  assert.ok(tries > 71, String(tries));
  const { pause, deliveries: [{ next, behind }] } = await show(opened.app);
  assert.deepEqual([pause.reason, next, behind], ["gave-up", 0, 2]);
  const said = opened.notices.filter((notice) => !notice.startsWith("audit")).at(-1)!;
  assert.match(said, /webhook hook: paused, nothing is delivered: .* since/);
  assert.match(await (await opened.app.request("/metrics")).text(), /^seglog_webhooks_paused 1$/m);
  receiver.always = undefined;
  const before = receiver.seen.length;
  await opened.restart();
  assert.equal((await show(opened.app)).state, "paused");
  assert.equal(receiver.seen.length, before);
  await post(opened.app, "resume");
  assert.equal((await show(opened.app)).state, "active");
  assert.match(await (await opened.app.request("/metrics")).text(), /^seglog_webhooks_paused 0$/m);
  const found = receiver.seen[before] ?? receiver.seen.at(-1)!;
  assert.deepEqual(found.offsets, [0]);
});

test("a receiver that answers that it is gone is not asked again", async () => {
  await using opened = await open();
  const { app, store, receiver, clock } = opened;
  await fill(store, 1);
  await put(app, { from: "start" });
  (await receiver.next()).answer({ status: 410 });
  const { pause } = await until(app, ({ state }) => state === "paused");
  assert.equal(pause.reason, "gone");
  clock.advance(24 * HOUR);
  assert.equal(receiver.seen.length, 1);
});

test("a crash between a delivery and its note delivers the same again, under the same id", async () => {
  await using opened = await open();
  const { app, store, receiver, notices } = opened;
  await fill(store, 2);
  await put(app, { from: "start" });
  const first = await receiver.next();
  let notes = 0;
  const crashing = overriding(store, {
    appendBatch(...args: Parameters<Store["appendBatch"]>) {
      if (args[0] !== "__seglog/webhooks") return store.appendBatch(...args);
      notes++;
      return Promise.reject(new SeglogError("disk-full", "Cannot append: the disk is full"));
    },
  });
  first.answer({ status: 500 });
  await opened.restart(crashing);
  const second = await receiver.next();
  second.answer({ status: 200 });
  while (notes === 0 || !notices.join().includes("cannot note where it is")) await endOfTurn();
  await opened.restart();
  const third = await receiver.next();
  assert.deepEqual([third.offsets, third.id], [second.offsets, second.id]);
  third.answer({ status: 200 });
  await until(opened.app, ({ deliveries: [{ next }] }) => next === 2);
  await opened.restart();
  await fill(store, 1);
  assert.deepEqual((await receiver.next()).offsets, [2]);
});

test("records that retention takes before they are delivered pause it, and none is skipped unseen", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 5);
  await put(app, { from: "start", batch: 1 });
  const first = await receiver.next();
  await store.truncate("orders", { before: 3 });
  first.answer({ status: 200 });
  const { pause, deliveries: [{ next }] } = await until(app, ({ state }) => state === "paused");
  assert.deepEqual([pause.reason, next], ["lost", 1]);
  assert.match(pause.detail, /at offset 1: the first readable offset is 3/);
  const refused = await app.request(`${HOOKS}/hook/resume`, jsonRequest("POST", {}));
  await problemOf(refused, 410, "offset-out-of-range");
  await post(app, "resume", { from: "start" });
  assert.deepEqual((await receiver.next()).offsets, [3]);
});

test("a topic that is deleted pauses its webhooks, one made anew is not taken for it", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 1);
  await put(app, {});
  await store.deleteTopic("orders");
  const { pause } = await until(app, ({ state }) => state === "paused");
  assert.equal(pause.reason, "topic-gone");
  const missing = await app.request(`${HOOKS}/hook/resume`, jsonRequest("POST", {}));
  await problemOf(missing, 404, "not-found");
  await fill(store, 2);
  const refused = await app.request(`${HOOKS}/hook/resume`, jsonRequest("POST", {}));
  await problemOf(refused, 412, "condition-failed");
  await post(app, "resume", { from: "start" });
  assert.deepEqual((await receiver.next()).offsets, [0, 1]);
});

test("a webhook whose removal cannot be written goes on", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 1);
  await put(app, {});
  let isFull = true;
  await opened.restart(overriding(store, {
    appendBatch(...args: Parameters<Store["appendBatch"]>) {
      return isFull
        ? Promise.reject(new SeglogError("disk-full", "Cannot append: the disk is full"))
        : store.appendBatch(...args);
    },
  }));
  const removal = await opened.app.request(`${HOOKS}/hook`, { method: "DELETE" });
  await problemOf(removal, 507, "disk-full");
  isFull = false;
  await fill(store, 1);
  assert.deepEqual((await receiver.next()).offsets, [1]);
});
