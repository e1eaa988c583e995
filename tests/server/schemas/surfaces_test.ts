import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectHttp } from "../../../client/connect_http.ts";
import { encodeBatch, json, Kv, type RecordInput, type Store } from "../../../mod.ts";
import { createSchemas } from "../../../server/schemas/create_schemas.ts";
import { SCHEMA_HEADER } from "../../../server/schemas/schema_header.ts";
import { systemClock } from "../../../core/base/clock.ts";
import { decodeBatch } from "../../../core/format/batch.ts";
import { WIRE_SALT } from "../../../core/format/batch_header.ts";
import { jsonOf, jsonRequest, openApp, openServer, post, problemOf } from "../support.ts";
import { addSchema, ORDER } from "./schema_support.ts";

const GOOD = { qty: 2 };
const BAD = { qty: 0 };
const records = "/v1/topics/orders/records";

/** How many records a topic has, and what each says of its schema. */
async function stamps(store: Store, topic: string): Promise<(string | undefined)[]> {
  const { nextOffset } = await store.bounds(topic);
  const all = await store.readAll(topic, [...Array(nextOffset).keys()]);
  return all.map(({ headers }) => headers[SCHEMA_HEADER]);
}

function batchOf(given: readonly RecordInput[], producer?: { id: string; sequence: number }) {
  return encodeBatch(given, {
    nowMs: 1,
    codec: "gzip",
    ...producer === undefined ? {} : { producer: { ...producer, epoch: 0 } },
  });
}

describe("a topic with a schema", () => {
  test("takes what is valid, by every way in, and notes the version on it", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await addSchema(app, "orders", { schema: ORDER });
    const batch = batchOf([json(GOOD), json(GOOD)]);
    const ways: [path: string, init: RequestInit][] = [
      [records, jsonRequest("POST", { value: GOOD })],
      [records, jsonRequest("POST", [{ value: GOOD }, { key: "k", value: GOOD }])],
      [records, post("application/x-ndjson", `{"value":{"qty":2}}\n{"value":{"qty":3}}\n`)],
      [`${records}?type=json`, post("application/octet-stream", '{"qty":2}')],
      [records, post("application/vnd.seglog.batch", batch)],
    ];
    for (const [path, init] of ways) await jsonOf(await app.request(path, init));
    assert.deepEqual(await stamps(store, "orders"), new Array(8).fill("1"));
  });

  test("refuses what is not, by every way in, and nothing of the batch is written", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await addSchema(app, "orders", { schema: ORDER });
    await addSchema(app, "kv", { schema: ORDER });
    await addSchema(app, "blobs", { schema: ORDER });
    await addSchema(app, "published", { schema: ORDER });
    const bad = [json(GOOD), json(BAD)];
    const ways: [path: string, init: RequestInit, index: number][] = [
      [records, jsonRequest("POST", { value: BAD }), 0],
      [records, jsonRequest("POST", [{ value: GOOD }, { value: BAD }]), 1],
      [records, post("application/x-ndjson", `{"value":{"qty":2}}\n{"value":{"qty":0}}\n`), 1],
      [`${records}?type=json`, post("application/octet-stream", '{"qty":0}'), 0],
      [records, post("application/vnd.seglog.batch", batchOf(bad)), 1],
      ["/publish", jsonRequest("POST", { data: BAD, partition_key: "published" }), 0],
      ["/v1/kv/kv/a", { ...jsonRequest("PUT", BAD) }, 0],
    ];
    for (const [path, init, index] of ways) {
      const problem = await problemOf(await app.request(path, init), 422, "invalid-record");
      assert.match(problem.detail, /at \/qty: must be >= 1 \(version 1 of its schema\)/);
      assert.deepEqual([problem.index, problem.path, problem.schema], [index, "/qty", 1], path);
    }
    for (const topic of ["orders", "kv", "published"]) {
      assert.equal((await store.bounds(topic)).nextOffset, 0, topic);
    }
    const blob = await app.request("/blobs/b", post("application/octet-stream", "x"));
    assert.equal(blob.status, 422);
    assert.equal((await store.bounds("blobs")).nextOffset, 0);
  });

  test("names the line of a stream that it refuses, whatever partition it is for", async () => {
    await using opened = await openApp({ store: { defaults: { partitions: 3 } } });
    const { app, store } = opened;
    await addSchema(app, "orders", { schema: ORDER });
    const lines = Array.from(
      { length: 30 },
      (_, i) => JSON.stringify({ key: `k${i}`, value: { qty: i === 17 ? 0 : 1 } }),
    );
    const init = post("application/x-ndjson", `${lines.join("\n")}\n`);
    const problem = await problemOf(await app.request(records, init), 422, "invalid-record");
    assert.equal(problem.line, 18);
    assert.match(problem.detail, /line 18/);
    const { partitions } = await store.describeTopic("orders");
    const written = partitions.reduce((sum, { nextOffset }) => sum + nextOffset, 0);
    assert.equal(written, problem.appended);
  });

  test("takes no text and no bytes, but tombstones", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await addSchema(app, "orders", { schema: true });
    for (const value of [{ type: "text", value: "{}" }, { type: "bytes", value: "e30=" }]) {
      const problem = await problemOf(
        await app.request(records, jsonRequest("POST", value)),
        422,
        "invalid-record",
      );
      assert.match(problem.detail, new RegExp(`it is ${value.type}, .* append it as json`));
    }
    await jsonOf(await app.request(records, jsonRequest("POST", { key: "k", value: null })));
    const forged = { key: "k", value: null, headers: { [SCHEMA_HEADER]: "9" } };
    await jsonOf(await app.request(records, jsonRequest("POST", forged)));
    assert.deepEqual(await stamps(store, "orders"), [undefined, undefined]);
  });

  test("what claims to be JSON and is none is refused", async () => {
    await using opened = await openApp();
    await addSchema(opened.app, "orders", { schema: true });
    const init = post("application/octet-stream", "{");
    const problem = await problemOf(
      await opened.app.request(`${records}?type=json`, init),
      422,
      "invalid-record",
    );
    assert.match(problem.detail, /it is no JSON/);
  });

  test("a value is kept byte for byte, and so are key, time and other headers", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await addSchema(app, "orders", { schema: true });
    const value = '{ "b":12345678901234567890, "a":1.0 }';
    const record = {
      key: "k",
      value,
      type: "json" as const,
      timestamp: 7,
      headers: { trace: "t" },
    };
    await jsonOf(
      await app.request(records, post("application/vnd.seglog.batch", batchOf([record]))),
    );
    const { keyText, text, timestamp, headers, type } = await store.read("orders", 0);
    assert.deepEqual(
      { keyText, text, timestamp, headers, type },
      {
        keyText: "k",
        text: value,
        timestamp: 7,
        headers: { trace: "t", [SCHEMA_HEADER]: "1" },
        type: "json",
      },
    );
  });

  test("an append that is sent again is known by its producer, encoded or not", async () => {
    await using server = await openServer();
    await using backend = await connectHttp(server.url);
    await backend.api.post("/v1/schemas/orders", { schema: ORDER });
    const batch = decodeBatch(batchOf([json(GOOD)], { id: "p", sequence: 0 }), 0, WIRE_SALT);
    assert.ok(typeof batch !== "string");
    const first = await backend.appendBatch("orders", batch);
    assert.deepEqual(await backend.appendBatch("orders", batch), first);
    const producer = { id: "p", epoch: 0, sequence: 1 };
    const second = await backend.append("orders", [json(GOOD)], { producer });
    assert.deepEqual(await backend.append("orders", [json(GOOD)], { producer }), second);
    assert.deepEqual(await stamps(server.store, "orders"), ["1", "1"]);
  });

  test("transactions of keys are checked as a whole", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await addSchema(app, "kv", { schema: ORDER });
    const set = (key: string, value: unknown) => ({ op: "set", key, value, type: "json" });
    const body = { operations: [set("a", GOOD), set("b", BAD)] };
    const response = await app.request("/v1/kv/kv/tx", jsonRequest("POST", body));
    const problem = await problemOf(response, 422, "invalid-record");
    assert.deepEqual([problem.index, problem.path], [1, "/qty"]);
    assert.equal((await store.bounds("kv")).nextOffset, 0);
    await jsonOf(
      await app.request(
        "/v1/kv/kv/tx",
        jsonRequest("POST", { operations: [set("a", GOOD), { op: "get", key: "a" }] }),
      ),
    );
    assert.deepEqual(await stamps(store, "kv"), ["1"]);
  });

  test("keys that are written at once do not fail for each other", async () => {
    await using opened = await openApp();
    const { store } = opened;
    const { registry, backend } = createSchemas(store, { clock: systemClock, notice() {} });
    await registry.open();
    await registry.register("kv", { schema: ORDER });
    await using kv = await Kv.open(backend, "kv");
    const values = [GOOD, BAD, GOOD, BAD, GOOD].map(json);
    const outcomes = await Promise.allSettled(values.map((value, i) => kv.set(`k${i}`, value)));
    assert.deepEqual(outcomes.map(({ status }) => status === "fulfilled"), [
      ...[true, false, true, false, true],
    ]);
    assert.deepEqual(await Array.fromAsync(kv.keys()), ["k0", "k2", "k4"]);
    await registry.close();
  });

  test("appends that come before schemas are in memory keep their order, and are checked", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await addSchema(app, "orders", { schema: ORDER });
    const { registry, backend } = createSchemas(store, { clock: systemClock, notice() {} });
    const results = await Promise.allSettled([
      backend.append("orders", [json({ qty: 1 })]),
      backend.append("orders", [json(BAD)]),
      backend.append("orders", [json({ qty: 2 })]),
    ]);
    assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
    const all = await store.readAll("orders", [0, 1]);
    assert.deepEqual(all.map((record) => record.json()), [{ qty: 1 }, { qty: 2 }]);
    await registry.close();
  });

  test("the end of a partition that is reserved is checked, too", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await addSchema(app, "orders", { schema: ORDER });
    const { registry, backend } = createSchemas(store, { clock: systemClock, notice() {} });
    const reservation = await backend.reserve!("orders");
    const encoded = (value: unknown) => {
      const batch = decodeBatch(batchOf([json(value)]), 0, WIRE_SALT);
      assert.ok(typeof batch !== "string");
      return batch;
    };
    await assert.rejects(reservation.appendBatch(encoded(BAD)), { code: "invalid-record" });
    await reservation.appendBatch(encoded(GOOD));
    reservation.release();
    assert.deepEqual(await stamps(store, "orders"), ["1"]);
    await registry.close();
  });
});

describe("the header of the version", () => {
  test("is the server's word: what a client says in it is not kept", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    const forged = { value: 1, headers: { [SCHEMA_HEADER]: "7", a: "b" } };
    const encoded = { ...json(GOOD), headers: forged.headers };
    await app.request(records, jsonRequest("POST", forged));
    await app.request(records, post("application/x-ndjson", `${JSON.stringify(forged)}\n`));
    await app.request(records, post("application/vnd.seglog.batch", batchOf([encoded])));
    assert.deepEqual(await stamps(store, "orders"), [undefined, undefined, undefined]);
    await addSchema(app, "orders", { schema: true });
    await app.request(records, jsonRequest("POST", forged));
    await app.request(records, post("application/vnd.seglog.batch", batchOf([encoded])));
    assert.deepEqual((await stamps(store, "orders")).slice(3), ["1", "1"]);
    assert.deepEqual((await store.read("orders", 4)).headers, { [SCHEMA_HEADER]: "1", a: "b" });
  });

  test("a batch in which nobody claims anything goes in as it came", async () => {
    await using opened = await openApp();
    const { store } = opened;
    const seen: unknown[] = [];
    const inner = new Proxy(store, {
      get(target, name) {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "appendBatch") return member.bind(target);
        return (topic: string, batch: never) => {
          seen.push(batch);
          return store.appendBatch(topic, batch);
        };
      },
    });
    const { registry, backend } = createSchemas(inner, { clock: systemClock, notice() {} });
    const headers = { "seglog-schema-of-mine": "1", other: SCHEMA_HEADER };
    for (const given of [json(1), { ...json(1), headers: { a: "b" } }, { ...json(1), headers }]) {
      const batch = decodeBatch(batchOf([given]), 0, WIRE_SALT);
      assert.ok(typeof batch !== "string");
      await backend.appendBatch("t", batch);
      assert.equal(seen.at(-1), batch);
    }
    await registry.close();
  });

  test("tells which version each record was written with", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await app.request(records, jsonRequest("POST", { value: GOOD }));
    await addSchema(app, "orders", { schema: ORDER });
    await app.request(records, jsonRequest("POST", { value: GOOD }));
    await addSchema(app, "orders", { schema: { type: "object" } });
    await app.request(records, jsonRequest("POST", { value: GOOD }));
    await app.request("/v1/schemas/orders", { method: "DELETE" });
    await app.request(records, jsonRequest("POST", { value: "x" }));
    await addSchema(app, "orders", { schema: ORDER });
    await app.request(records, jsonRequest("POST", { value: GOOD }));
    assert.deepEqual(await stamps(store, "orders"), [undefined, "1", "2", undefined, "3"]);
  });
});

test("a batch that is malformed is refused, with a schema and without", async () => {
  await using opened = await openApp();
  const { app } = opened;
  const bytes = batchOf([json(GOOD)]);
  bytes[bytes.length - 12]! ^= 1;
  for (let i = 0; i < 2; i++) {
    const response = await app.request(records, post("application/vnd.seglog.batch", bytes));
    assert.equal(response.status, 422);
    await addSchema(app, "orders", { schema: true });
  }
});
