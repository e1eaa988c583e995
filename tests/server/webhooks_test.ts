import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { jsonOf, jsonRequest, problemOf } from "./support.ts";
import { fill, HOOKS, open, post, put, show, until, URL_OF_HOOK } from "./webhook_support.ts";

test("records are delivered in order, in batches, from where the webhook begins", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 5);
  const made = await put(app, { from: "start", batch: 2 });
  assert.equal(made.state, "active");
  const first = await receiver.next();
  assert.deepEqual(first.offsets, [0, 1]);
  assert.equal(first.delivery.url.href, URL_OF_HOOK);
  assert.equal(first.delivery.headers["content-type"], "application/json");
  assert.match(
    new TextDecoder().decode(first.delivery.body),
    /^\[\{"topic":"orders","partition":0,"offset":0,"timestamp":"[^"]+","key":"k0","type":"text","value":"x"\},/,
  );
  assert.equal(receiver.seen.length, 1); // the next one waits until this one has arrived
  first.answer({ status: 200 });
  const second = await receiver.next();
  assert.deepEqual(second.offsets, [2, 3]);
  second.answer({ status: 204 });
  (await receiver.next()).answer({ status: 299 });
  await until(app, ({ deliveries: [{ next, behind }] }) => next === 5 && behind === 0);
  await fill(store, 1);
  assert.deepEqual((await receiver.next()).offsets, [5]);
});

test("a new webhook begins with what comes from then on, also when the server starts anew", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 3);
  await put(app, {});
  await opened.restart();
  await fill(store, 1);
  assert.deepEqual((await receiver.next()).offsets, [3]);
});

test("a delivery is signed as Standard Webhooks has it, and its secret is told once", async () => {
  await using opened = await open();
  const { app, store, receiver, clock } = opened;
  await fill(store, 1);
  const { secret } = await put(app, { from: "start" });
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const { delivery, id, answer } = await receiver.next();
  answer({ status: 204 });
  const timestamp = Math.floor(clock.now() / 1000);
  assert.equal(delivery.headers["webhook-timestamp"], String(timestamp));
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), delivery.body]);
  const expected = createHmac("sha256", key).update(signed).digest("base64");
  assert.equal(delivery.headers["webhook-signature"], `v1,${expected}`);
  const again = await put(app, {}, 200);
  for (const shown of [again, await show(app), await jsonOf(await app.request(HOOKS))]) {
    assert.ok(!JSON.stringify(shown).includes("secret"), JSON.stringify(shown));
  }
  const own = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
  assert.equal((await put(app, { secret: own }, 200)).secret, undefined);
  const refused = await app.request(
    `${HOOKS}/hook`,
    jsonRequest("PUT", { topic: "orders", url: URL_OF_HOOK, secret: "hunter2" }),
  );
  const problem = await problemOf(refused, 400, "invalid-argument");
  assert.ok(!problem.detail.includes("hunter2"));
});

test("partitions are delivered from beside one another, each in order", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await store.ensureTopic("orders", { partitions: 3 });
  for (let i = 0; i < 4; i++) {
    for (const partition of [0, 1, 2]) {
      await store.append("orders", [{ value: "x" }], { partition });
    }
  }
  await put(app, { from: "start", batch: 1, partitions: [0, 2] });
  const first = [await receiver.next(), await receiver.next()];
  assert.deepEqual(first.map(({ records: [record] }) => record!.partition).toSorted(), [0, 2]);
  const [ofZero, ofTwo] = first.toSorted((a, b) =>
    a.records[0]!.partition - b.records[0]!.partition
  );
  ofTwo!.answer({ status: 200 }); // that partition 0 hangs is nothing to partition 2
  for (let offset = 1; offset < 4; offset++) {
    const received = await receiver.next();
    assert.deepEqual(received.records.map(({ partition }) => partition), [2]);
    assert.deepEqual(received.offsets, [offset]);
    received.answer({ status: 200 });
  }
  ofZero!.answer({ status: 200 });
  assert.deepEqual((await receiver.next()).offsets, [1]);
});

test("only records with a key are delivered when asked to, and the rest is passed", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 4);
  await put(app, { from: "start", key: "k1" });
  const first = await receiver.next();
  assert.deepEqual(first.offsets, [1, 3]);
  first.answer({ status: 200 });
  await store.append("orders", [{ key: "other", value: "x" }]);
  await until(app, ({ deliveries: [{ next }] }) => next === 5);
  await fill(store, 2);
  assert.deepEqual((await receiver.next()).offsets, [6]);
});

test("what was delivered can be delivered again from an offset, under new ids", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 3);
  await put(app, { from: "start", batch: 1 });
  const ids = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const received = await receiver.next();
    ids.add(received.id);
    received.answer({ status: 200 });
  }
  await until(app, ({ deliveries: [{ next }] }) => next === 3);
  await post(app, "resume", { from: 1 });
  const again = await receiver.next();
  assert.deepEqual(again.offsets, [1]);
  assert.ok(!ids.has(again.id));
  for (const from of ["7", "x"]) {
    const refused = await app.request(`${HOOKS}/hook/resume`, jsonRequest("POST", { from }));
    assert.ok(refused.status >= 400 && refused.status < 500);
  }
  again.answer({ status: 200 });
  assert.deepEqual((await receiver.next()).offsets, [2]); // a refused resume changes nothing
});

test("paused by hand it delivers nothing; resumed it goes on where it was", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 1);
  await put(app, {});
  const { pause } = await post(app, "pause") as { pause: { reason: string } };
  assert.equal(pause.reason, "asked");
  await post(app, "pause");
  await fill(store, 1);
  assert.equal(receiver.seen.length, 0);
  await put(app, { batch: 7 }, 200); // changing it does not resume it
  assert.equal((await show(app)).state, "paused");
  await post(app, "resume");
  assert.deepEqual((await receiver.next()).offsets, [1]);
});

test("a test sends no records, signed, and tells what came of it", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 1);
  await put(app, {});
  receiver.always = { status: 201 };
  const { ms, ...result } = await post(app, "test");
  assert.deepEqual(result, { delivered: true, status: 201 });
  assert.equal(typeof ms, "number");
  const { records, delivery } = await receiver.next();
  assert.deepEqual(records, []);
  assert.match(delivery.headers["webhook-signature"]!, /^v1,/);
  receiver.always = { error: "connection refused" };
  assert.equal((await post(app, "test")).error, "connection refused");
  assert.equal((await show(app)).state, "active");
});

test("what a removed webhook was is forgotten; one of the same name begins anew", async () => {
  await using opened = await open();
  const { app, store, receiver } = opened;
  await fill(store, 1);
  await put(app, { from: "start" });
  (await receiver.next()).answer({ status: 200 });
  await until(app, ({ deliveries: [{ next }] }) => next === 1);
  assert.equal((await app.request(`${HOOKS}/hook`, { method: "DELETE" })).status, 204);
  await problemOf(await app.request(`${HOOKS}/hook`), 404, "not-found");
  await opened.restart();
  await put(opened.app, { from: "start" });
  assert.deepEqual((await receiver.next()).offsets, [0]);
});

test("a webhook that makes no sense is refused, and says what is wrong", async () => {
  await using opened = await open();
  const { app, store } = opened;
  await fill(store, 1);
  const cases: [Record<string, unknown>, number, string][] = [
    [{ topic: "nothing" }, 404, "not-found"],
    [{ topic: "__seglog/webhooks" }, 404, "not-found"],
    [{ url: "receiver" }, 400, "invalid-argument"],
    [{ url: undefined }, 400, "invalid-argument"],
    [{ batch: 0 }, 400, "invalid-argument"],
    [{ partitions: [1] }, 404, "not-found"],
    [{ from: 9 }, 416, "offset-out-of-range"],
    [{ colour: "red" }, 400, "invalid-argument"],
  ];
  for (const [body, status, code] of cases) {
    const whole = { topic: "orders", url: URL_OF_HOOK, ...body };
    await problemOf(await app.request(`${HOOKS}/hook`, jsonRequest("PUT", whole)), status, code);
  }
  const name = await app.request(`${HOOKS}/${"x".repeat(65)}`, jsonRequest("PUT", {}));
  await problemOf(name, 400, "invalid-argument");
  await put(app, {});
  for (const body of [{ topic: "other" }, { from: "start" }]) {
    const whole = { topic: "orders", url: URL_OF_HOOK, ...body };
    await problemOf(await app.request(`${HOOKS}/hook`, jsonRequest("PUT", whole)), 409, "exists");
  }
  await problemOf(
    await app.request(`${HOOKS}/other/pause`, jsonRequest("POST", {})),
    404,
    "not-found",
  );
});

test("what webhooks keep is not among the topics", async () => {
  await using opened = await open();
  const { app, store } = opened;
  await fill(store, 1);
  await put(app, {});
  const { topics } = await jsonOf<{ topics: { name: string }[] }>(await app.request("/v1/topics"));
  assert.deepEqual(topics.map(({ name }) => name), ["orders"]);
});
