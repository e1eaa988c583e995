import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { json, Store } from "../../../mod.ts";
import { systemClock } from "../../../core/base/clock.ts";
import { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { createService } from "../../../server/app.ts";
import { createSchemas } from "../../../server/schemas/create_schemas.ts";
import { SCHEMAS_TOPIC } from "../../../server/schemas/schema_registry.ts";
import { openGuarded } from "../access/access_support.ts";
import { jsonOf, jsonRequest, openApp, problemOf } from "../support.ts";
import { addSchema, ORDER } from "./schema_support.ts";

const OPTIONS = { clock: systemClock, notice() {} };
const LOOSER = { ...ORDER, properties: { ...ORDER.properties, qty: { type: "integer" } } };
const records = "/v1/topics/orders/records";

async function opened(store: Store) {
  const schemas = createSchemas(store, OPTIONS);
  await schemas.registry.open();
  return schemas;
}

describe("versions", () => {
  test("are numbered from 1, listed and shown", async () => {
    await using app = await openApp();
    const ask = (path: string) => app.app.request(`/v1/schemas${path}`);
    assert.deepEqual(await jsonOf(await ask("")), { schemas: [] });
    await problemOf(await ask("/orders"), 404, "not-found");
    assert.equal(await addSchema(app.app, "orders", { schema: ORDER }), 1);
    assert.equal(await addSchema(app.app, "orders", { schema: LOOSER }), 2);
    assert.equal(await addSchema(app.app, "a/b", { schema: true, compatibility: "none" }), 1);
    const { schemas } = await jsonOf<{ schemas: Record<string, unknown>[] }>(await ask(""));
    assert.deepEqual(
      schemas.map(({ topic, version, compatibility }) => [topic, version, compatibility]),
      [["a/b", 1, "none"], ["orders", 2, "backward"]],
    );
    const all = await jsonOf<{ schema: unknown; versions: { version: number }[] }>(
      await ask("/orders"),
    );
    assert.deepEqual(all.schema, LOOSER);
    assert.deepEqual(all.versions.map(({ version }) => version), [1, 2]);
    const first = await jsonOf(await ask("/orders/1"));
    assert.deepEqual([first.schema, first.version], [ORDER, 1]);
    assert.match(String(first.registeredAt), /^20\d\d-.*Z$/);
    assert.equal((await jsonOf(await ask("/orders/latest"))).version, 2);
    assert.equal((await jsonOf(await ask("/a%2Fb/1"))).schema, true);
    const missing = await problemOf(await ask("/orders/3"), 404, "not-found");
    assert.match(missing.detail, /there are 1, 2/);
    await problemOf(await ask("/orders/x"), 400, "invalid-argument");
    await problemOf(await ask("/orders?x=1"), 400, "invalid-argument");
  });

  test("the latest one again is no other, whatever the order of its members", async () => {
    await using app = await openApp();
    await addSchema(app.app, "orders", { schema: ORDER });
    const { type, required, properties } = ORDER;
    const same = await app.app.request(
      "/v1/schemas/orders",
      jsonRequest("POST", { schema: { properties, type, required }, compatibility: "full" }),
    );
    assert.deepEqual(await jsonOf(same), {
      topic: "orders",
      version: 1,
      compatibility: "full",
      isNew: false,
    });
    const refused = await app.app.request(
      "/v1/schemas/orders",
      jsonRequest("POST", { schema: LOOSER }),
    );
    await problemOf(refused, 409, "incompatible");
  });

  test("one that is not compatible is 409, with what it does not go together with", async () => {
    await using app = await openApp();
    await addSchema(app.app, "orders", { schema: LOOSER });
    const response = await app.app.request(
      "/v1/schemas/orders",
      jsonRequest("POST", { schema: ORDER }),
    );
    const problem = await problemOf(response, 409, "incompatible");
    assert.match(
      problem.detail,
      /"orders".*backward compatible: it may refuse what version 1 accepts: at \/properties\/qty\/minimum: it says 1, and documents may have any number/,
    );
    assert.deepEqual(
      [problem.version, problem.direction, problem.path],
      [1, "backward", "/properties/qty/minimum"],
    );
    assert.equal(
      await addSchema(app.app, "orders", { schema: ORDER, compatibility: "forward" }),
      2,
    );
    const wider = { schema: LOOSER };
    const forward = await app.app.request("/v1/schemas/orders", jsonRequest("POST", wider));
    const { detail } = await problemOf(forward, 409, "incompatible");
    assert.match(detail, /version 2 may refuse what it accepts/);
  });

  test("numbers are not used again, and a topic that is made anew starts without", async () => {
    await using app = await openApp();
    const remove = (path: string) => app.app.request(path, { method: "DELETE" });
    await addSchema(app.app, "orders", { schema: ORDER, compatibility: "full" });
    assert.equal((await remove("/v1/schemas/orders")).status, 204);
    await problemOf(await remove("/v1/schemas/orders"), 404, "not-found");
    assert.deepEqual(await jsonOf(await app.app.request("/v1/schemas")), { schemas: [] });
    assert.equal(await addSchema(app.app, "orders", { schema: { type: "string" } }), 2);
    await remove("/v1/topics/orders");
    await problemOf(await app.app.request("/v1/schemas/orders"), 404, "not-found");
    await jsonOf(await app.app.request(records, jsonRequest("POST", { value: 1 })));
    assert.equal(await addSchema(app.app, "orders", { schema: { type: "null" } }), 1);
  });

  test("a check says what would come of it, and changes nothing", async () => {
    await using app = await openApp();
    const check = async (body: unknown) =>
      await jsonOf(
        await app.app.request("/v1/schemas/orders/check", jsonRequest("POST", body)),
      );
    const values = [{ qty: 1 }, { qty: -1 }, "x"].map((value) => ({ value }));
    await jsonOf(await app.app.request(records, jsonRequest("POST", values)));
    await jsonOf(await app.app.request(records, jsonRequest("POST", { key: "k", value: null })));
    assert.deepEqual(await check({ schema: LOOSER, records: 10 }), {
      topic: "orders",
      compatibility: "backward",
      version: 1,
      compatible: true,
      reason: null,
      records: {
        checked: 3,
        invalid: 1,
        newest: {
          ...{ partition: 0, offset: 2, path: "" },
          reason: "it is text, and the topic has a schema: append it as json",
        },
      },
    });
    assert.deepEqual(await jsonOf(await app.app.request("/v1/schemas")), { schemas: [] });
    await addSchema(app.app, "orders", { schema: LOOSER });
    const verdict = await check({ schema: ORDER });
    assert.deepEqual([verdict.compatible, verdict.version, verdict.records], [false, 2, null]);
    assert.match(String(verdict.reason), /^it may refuse what version 1 accepts: at /);
    assert.equal((await check({ schema: ORDER, compatibility: "none" })).compatible, true);
    const { records: last } = await check({ schema: ORDER, records: 3 });
    assert.deepEqual((last as { checked: number }).checked, 2, "a tombstone is not looked at");
  });

  test("what is no request is refused, and names the member", async () => {
    await using app = await openApp();
    for (
      const [body, member] of [
        [{}, "schema"],
        [{ schema: "x" }, "schema"],
        [{ schema: true, compatibility: "some" }, "compatibility"],
        [{ schema: true, x: 1 }, ""],
        ["[]", ""],
      ] as const
    ) {
      const response = await app.app.request("/v1/schemas/orders", jsonRequest("POST", body));
      assert.equal((await problemOf(response, 400, "invalid-argument")).member, member);
    }
    const large = await app.app.request(
      "/v1/schemas/orders",
      jsonRequest("POST", { schema: { description: "x".repeat(65_536) } }),
    );
    await problemOf(large, 413, "too-large");
    await problemOf(await app.app.request("/v1/topics/orders"), 404, "not-found");
  });
});

describe("where schemas are kept", () => {
  test("they are in force again when the server has been started again", async () => {
    const disk = new MemoryDisk();
    for (const round of [0, 1]) {
      await using store = await Store.open("/data", { disk });
      const service = createService(store);
      if (round === 0) await addSchema(service.app, "orders", { schema: ORDER });
      const bad = jsonRequest("POST", { value: { qty: 0 } });
      await problemOf(await service.app.request(records, bad), 422, "invalid-record");
      const { topics } = await jsonOf<{ topics: { name: string }[] }>(
        await service.app.request("/v1/topics"),
      );
      assert.deepEqual(topics.map(({ name }) => name), ["orders"]);
      await service.close();
    }
  });

  test("what another server registers is seen", async () => {
    await using store = await Store.memory();
    const [a, b] = [await opened(store), await opened(store)];
    await a.registry.register("orders", { schema: LOOSER });
    await b.registry.register("others", { schema: true }); // it follows from now on, at the latest
    await assert.rejects(b.backend.append("orders", [json({ qty: "x" })]), {
      code: "invalid-record",
    });
    await Promise.all([
      a.registry.register("orders", { schema: true }),
      b.registry.register("orders", { schema: {} }),
      a.registry.register("others", { schema: {} }),
    ]);
    await b.registry.register("last", { schema: true });
    await a.registry.register("last", { schema: true });
    assert.deepEqual(a.registry.list(), b.registry.list());
    assert.deepEqual(a.registry.get("orders").versions.map(({ version }) => version), [1, 2, 3]);
    await a.registry.close();
    await b.registry.close();
  });

  test("what checks is loaded with the first schema, and appends that wait for it keep their order", async () => {
    await using store = await Store.memory();
    const a = await opened(store);
    await a.registry.register("others", { schema: true });
    await a.registry.remove("others");
    const b = await opened(store);
    assert.equal(b.registry.checkOf("orders"), undefined, "at once, where there is no schema");
    await a.registry.register("orders", { schema: ORDER });
    await b.registry.forget("others"); // when that is kept, all before it is seen
    const first = b.backend.append("orders", [json({ qty: 1 }), json({ qty: 2 })]);
    const second = b.backend.append("orders", [json({ qty: 3 })]);
    const wrong = b.backend.append("orders", [json({ qty: 0 })]);
    await assert.rejects(wrong, { code: "invalid-record" });
    assert.deepEqual([(await first).start, (await second).start], [0, 2]);
    assert.ok(!(b.registry.checkOf("orders") instanceof Promise), "at once, from then on");
    await a.registry.close();
    await b.registry.close();
  });

  test("schemas that a crash left behind a topic that is gone are not in force", async () => {
    await using store = await Store.memory();
    const before = await opened(store);
    await before.registry.register("orders", { schema: ORDER });
    await before.registry.close();
    await store.deleteTopic("orders"); // past the checks, as a crash would leave it
    await store.append("orders", [json(1)]);
    const { registry, backend } = await opened(store);
    assert.deepEqual(registry.list(), []);
    await backend.append("orders", [json(2)]);
    const registered = await registry.register("orders", { schema: { type: "number" } });
    assert.deepEqual([registered.version, registered.isNew], [1, true]);
    await assert.rejects(backend.append("orders", [json("x")]), { code: "invalid-record" });
    await registry.close();
  });

  test("when schemas cannot be read, nothing is appended", async () => {
    await using store = await Store.memory();
    await store.ensureTopic(SCHEMAS_TOPIC, { partitions: 1, compaction: "keys" });
    await store.append(SCHEMAS_TOPIC, [{ key: "orders", ...json({ versions: 7 }) }]);
    const { registry, backend } = createSchemas(store, OPTIONS);
    await assert.rejects(backend.append("orders", [json(1)]), { code: "corrupt" });
    await assert.rejects(store.bounds("orders"), { code: "not-found" });
    await registry.close();
  });
});

test("schemas are changed by admins, and read by consumers, of the topic", async () => {
  await using guarded = await openGuarded();
  const admin = await guarded.somebody({ name: "admin", grants: "admin:orders" });
  const consumer = await guarded.somebody({ name: "consumer", grants: "consume:orders" });
  const producer = await guarded.somebody({ name: "producer", grants: "produce:orders" });
  const path = "/v1/schemas/orders";
  const add = jsonRequest("POST", { schema: ORDER });
  await jsonOf(await admin(path, add), 201);
  for (const other of [consumer, producer]) {
    await problemOf(await other(path, add), 403, "forbidden");
    await problemOf(await other(path, { method: "DELETE" }), 403, "forbidden");
    await problemOf(await other(`${path}/check`, add), 403, "forbidden");
  }
  await problemOf(await admin("/v1/schemas/others", add), 403, "forbidden");
  await problemOf(await producer(path), 403, "forbidden");
  await problemOf(await guarded.stranger("/v1/schemas"), 401, "unauthenticated");
  assert.equal((await jsonOf(await consumer(path))).version, 1);
  const seen = async (ask: typeof admin) =>
    (await jsonOf<{ schemas: unknown[] }>(await ask("/v1/schemas"))).schemas.length;
  assert.deepEqual([await seen(consumer), await seen(producer)], [1, 0]);
  const acme = await guarded.somebody({ name: "acme", grants: "admin", tenant: "acme" });
  assert.equal(await seen(acme), 0);
  await jsonOf(await acme(path, jsonRequest("POST", { schema: { type: "null" } })), 201);
  const record = jsonRequest("POST", { value: { qty: 1 } });
  await jsonOf(await producer(records, record));
  const refused = await problemOf(await acme(records, record), 422, "invalid-record");
  assert.match(refused.detail, /"orders"/);
});
