import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import type { Hono } from "hono";
import { type Backend, SeglogError, Store, type StoreOptions } from "../../mod.ts";
import { endOfTurn } from "../../core/base/turn.ts";
import { createService } from "../../server/app.ts";
import type { AppOptions } from "../../server/open_services.ts";
import { Slots } from "../../server/webhooks/slots.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { jsonOf, jsonRequest, overriding, problemOf } from "./support.ts";
import { FakeReceiver } from "./webhook_receiver.ts";

const HOOKS = "/v1/webhooks";
const URL_OF_HOOK = "https://receiver.example/hook";
const HOUR = 3_600_000;

interface Opened extends AsyncDisposable {
  readonly app: Hono;
  readonly store: Store;
  readonly clock: FakeClock;
  readonly receiver: FakeReceiver;
  readonly notices: string[];
  /** Ends the service in good order, and begins another one over the same store. */
  restart(backend?: Backend): Promise<void>;
}

async function open(options: AppOptions & { store?: StoreOptions } = {}): Promise<Opened> {
  const store = await Store.memory(options.store);
  const clock = new FakeClock(Date.parse("2026-12-01T00:00:00Z"));
  const receiver = new FakeReceiver();
  const notices: string[] = [];
  const begin = (backend: Backend) =>
    createService(backend, {
      clock,
      webhookSender: receiver,
      onNotice: (notice) => notices.push(notice),
      ...options,
    });
  let service = begin(store);
  await service.start();
  return {
    get app() {
      return service.app;
    },
    ...{ store, clock, receiver, notices },
    async restart(backend = store) {
      await service.close();
      service = begin(backend);
      await service.start();
    },
    async [Symbol.asyncDispose]() {
      receiver.always = { status: 204 };
      for (const { answer } of receiver.seen) answer({ status: 204 });
      await service.close();
      await store.close();
    },
  };
}

async function fill(store: Store, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await store.append("orders", [{ key: `k${i % 2}`, value: "x" }]);
}

// deno-lint-ignore no-explicit-any -- the shape is what the tests look at
async function put(app: Hono, body: Record<string, unknown>, status = 201): Promise<any> {
  const whole = { topic: "orders", url: URL_OF_HOOK, ...body };
  return await jsonOf(await app.request(`${HOOKS}/hook`, jsonRequest("PUT", whole)), status);
}

// deno-lint-ignore no-explicit-any -- likewise
async function show(app: Hono): Promise<any> {
  return await jsonOf(await app.request(`${HOOKS}/hook`));
}

/** Asks again until it is so; what is waited for happens without anybody telling. */
// deno-lint-ignore no-explicit-any -- likewise
async function until(app: Hono, isSo: (hook: any) => boolean): Promise<any> {
  for (;;) {
    const hook = await show(app);
    if (isSo(hook)) return hook;
    await endOfTurn();
  }
}

async function post(app: Hono, verb: string, body: unknown = {}, status = 200) {
  return await jsonOf(
    await app.request(`${HOOKS}/hook/${verb}`, jsonRequest("POST", body)),
    status,
  );
}

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

test("who waits for a place is gone when it is not wanted any more, and takes none", async () => {
  const slots = new Slots(1);
  const owner = {};
  let end = () => {};
  const first = slots.run(() => new Promise<void>((resolve) => end = resolve), { owner });
  const leaving = new AbortController();
  const { signal } = leaving;
  const second = slots.run(() => Promise.resolve("second"), { owner, signal });
  const third = slots.run(() => Promise.resolve("third"), { owner });
  const gone = new Error("gone");
  leaving.abort(gone);
  await assert.rejects(second, gone);
  end();
  await first;
  assert.equal(await third, "third");
  assert.equal(await slots.run(() => Promise.resolve("fourth"), { owner }), "fourth");
});

test("a place that becomes free goes to whose deliveries have fewest", async () => {
  const slots = new Slots(2);
  const [many, few] = [{}, {}];
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const run = (owner: object, name: string) =>
    slots.run(() => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    }, { owner });
  const all = ["a", "b", "c", "d"].map((name) => run(many, name));
  all.push(run(few, "x"), run(few, "y"));
  for (let done = 0; done < all.length; done++) {
    while (ends.length === done) await endOfTurn();
    ends[done]!();
  }
  await Promise.all(all);
  assert.deepEqual(begun, ["a", "b", "x", "c", "y", "d"]);
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
