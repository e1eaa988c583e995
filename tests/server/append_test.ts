import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { encodeBatch, readRecords } from "../../mod.ts";
import { collect, shown } from "../support/collect.ts";
import { jsonOf, jsonRequest, openApp, post, problemOf } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";
const BATCHES = "application/vnd.seglog.batch";
const BYTES = "application/octet-stream";
const NOW = { nowMs: 1_000_000 };

interface Appended {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

test("a JSON record is appended, and its place is answered", async () => {
  await using opened = await openApp();
  const response = await opened.app.request(
    RECORDS,
    jsonRequest("POST", {
      key: "u1",
      value: { qty: 2 },
      headers: { trace: "a1" },
      timestamp: "2026-11-20T12:00:00Z",
    }),
  );
  assert.equal(
    await response.text(),
    '{"topic":"orders","partition":0,"start":0,"end":1,"durable":true}',
  );
  const record = await opened.store.read("orders", 0);
  assert.equal(record.keyText, "u1");
  assert.equal(record.text, '{"qty":2}');
  assert.deepEqual(record.headers, { trace: "a1" });
  assert.equal(record.timestamp, Date.UTC(2026, 10, 20, 12));
});

test("a JSON value is kept byte for byte", async () => {
  await using opened = await openApp();
  const value = '{"n":9007199254740993,"f":1.0,"big":1e400,"z":{"b":1,"a":2},"s":"\\u00e9\\/"}';
  await jsonOf(await opened.app.request(RECORDS, jsonRequest("POST", `{"value": ${value} }`)));
  assert.equal((await opened.store.read("orders", 0)).text, value);
  const one = await (await opened.app.request(`${RECORDS}/0`)).text();
  assert.ok(one.includes(`"value":${value}`), one);
});

test("a JSON array is one batch: all of its records, or none", async () => {
  await using opened = await openApp();
  const good = [{ value: "a" }, { value: null }, { value: "" }, { value: [1] }];
  const placed = await jsonOf(await opened.app.request(RECORDS, jsonRequest("POST", good)));
  assert.deepEqual([placed.start, placed.end], [0, 4]);
  const bad = [{ value: "b" }, { valeu: "c" }];
  await problemOf(
    await opened.app.request(RECORDS, jsonRequest("POST", bad)),
    422,
    "invalid-record",
  );
  assert.equal((await opened.store.bounds("orders")).nextOffset, 4);
  const values = (await collect(readRecords(opened.store, "orders"))).map(({ value }) => value);
  assert.equal(values[1], null);
  assert.equal(values[2]!.length, 0);
});

test("bodies that are no records are refused", async () => {
  await using opened = await openApp();
  const ask = (body: string) => opened.app.request(RECORDS, jsonRequest("POST", body));
  for (const body of ["", "{", "[]", "nul", '{"value":1} x', "\u0000"]) {
    await problemOf(await ask(body), 400, "invalid-argument");
  }
  for (const body of ["5", "null", '"text"', "{}", "[[1]]", '{"value":1,"extra":2}']) {
    await problemOf(await ask(body), 422, "invalid-record");
  }
  const notUtf8 = post("application/json", Uint8Array.of(0x22, 0xff, 0x22));
  await problemOf(await opened.app.request(RECORDS, notUtf8), 400, "invalid-argument");
  assert.deepEqual(await opened.store.listTopics(), []);
});

test("a type of body that is not taken is told with those that are", async () => {
  await using opened = await openApp();
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""]) {
    const problem = await problemOf(
      await opened.app.request(RECORDS, post(type, "x")),
      415,
      "unsupported-media-type",
    );
    assert.match(problem.detail, /application\/json/);
  }
  const packed = post("application/json", "{}", { "content-encoding": "gzip" });
  await problemOf(await opened.app.request(RECORDS, packed), 415, "unsupported-media-type");
});

test("a charset and upper case do not hide a type", async () => {
  await using opened = await openApp();
  const request = post("Application/JSON; charset=utf-8", '{"value":1}');
  await jsonOf(await opened.app.request(RECORDS, request));
});

test("bytes are one value, NUL included, with a key and a type when said", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  await jsonOf(await app.request(`${RECORDS}?key=%F0%9F%97%9D`, post(BYTES, bytes)));
  const latin1 = Buffer.from("ключ", "utf8").toString("latin1"); // as curl's bytes arrive
  await jsonOf(await app.request(RECORDS, post(BYTES, "", { "Seglog-Key": latin1 })));
  await jsonOf(await app.request(`${RECORDS}?type=text`, post(BYTES, "hello")));
  const [first, second, third] = await collect(readRecords(store, "orders"));
  assert.deepEqual([...first!.value!], [...bytes]);
  assert.equal(first!.keyText, "🗝");
  assert.equal(first!.type, "bytes");
  assert.equal(second!.value!.length, 0);
  assert.equal(second!.keyText, "ключ");
  assert.equal(third!.type, "text");
  const notText = post(BYTES, Uint8Array.of(0xff));
  await problemOf(await app.request(`${RECORDS}?type=text`, notText), 422, "invalid-record");
  await problemOf(await app.request(`${RECORDS}?type=xml`, notText), 400, "invalid-argument");
});

test("a value of 10 MiB goes in and out", async () => {
  await using opened = await openApp();
  const value = new Uint8Array(10 * 1024 * 1024).map((_, i) => (i * 31) >> 3);
  await jsonOf(await opened.app.request(RECORDS, post(BYTES, value)));
  const raw = await opened.app.request(`${RECORDS}/0`, { headers: { accept: BYTES } });
  assert.ok(Buffer.from(await raw.arrayBuffer()).equals(value));
  const shape = await jsonOf<{ value: string }>(await opened.app.request(`${RECORDS}/0`));
  assert.ok(Buffer.from(shape.value, "base64").equals(value));
});

test("Seglog-If-Offset makes an append conditional", async () => {
  await using opened = await openApp();
  const ask = (offset: string) =>
    opened.app.request(RECORDS, {
      ...jsonRequest("POST", { value: 1 }),
      headers: { "content-type": "application/json", "Seglog-If-Offset": offset },
    });
  await jsonOf(await ask("0"));
  const problem = await problemOf(await ask("0"), 412, "condition-failed");
  assert.deepEqual([problem.expected, problem.actual], [0, 1]);
  for (const bad of ["-1", "x", "1.5", "9007199254740993", ""]) {
    await problemOf(await ask(bad), 400, "invalid-argument");
  }
});

test("a producer's retry is answered like the first try", async () => {
  await using opened = await openApp();
  const ask = (headers: Record<string, string>) =>
    opened.app.request(RECORDS, post("application/json", '{"value":1}', headers));
  const producer = { "Producer-Id": "p1", "Producer-Epoch": "0", "Producer-Seq": "0" };
  const first = await jsonOf(await ask(producer));
  assert.deepEqual(await jsonOf(await ask(producer)), first);
  assert.equal((await jsonOf(await ask({ "Producer-Id": "p1", "Producer-Seq": "1" }))).start, 1);
  await problemOf(
    await ask({ ...producer, "Producer-Seq": "7" }),
    412,
    "condition-failed",
  );
  await problemOf(await ask({ "Producer-Id": "p1" }), 400, "invalid-argument");
  await problemOf(await ask({ "Producer-Seq": "1" }), 400, "invalid-argument");
});

test("Seglog-Sync chooses when an append is acknowledged", async () => {
  await using opened = await openApp({ store: { defaults: { sync: "os" } } });
  const ask = (headers: Record<string, string>) =>
    opened.app.request(RECORDS, post("application/json", '{"value":1}', headers));
  assert.equal((await jsonOf(await ask({}))).durable, false);
  assert.equal((await jsonOf(await ask({ "Seglog-Sync": "always" }))).durable, true);
  await problemOf(await ask({ "Seglog-Sync": "never" }), 400, "invalid-argument");
});

test("a partition is the one that is asked for, in the query or by the records", async () => {
  await using opened = await openApp({ store: { defaults: { partitions: 4 } } });
  const ask = (query: string, body: unknown) =>
    opened.app.request(`${RECORDS}${query}`, jsonRequest("POST", body));
  assert.equal((await jsonOf(await ask("?partition=3", { value: 1 }))).partition, 3);
  assert.equal((await jsonOf(await ask("", { value: 1, partition: 2 }))).partition, 2);
  await problemOf(
    await ask("", [{ value: 1, partition: 1 }, { value: 1, partition: 2 }]),
    400,
    "invalid-argument",
  );
  await problemOf(await ask("?partition=4", { value: 1 }), 404, "not-found");
  for (const bad of ["-1", "1.5", "x", "", "1024"]) {
    await problemOf(await ask(`?partition=${bad}`, { value: 1 }), 400, "invalid-argument");
  }
  await problemOf(await ask("?partiton=1", { value: 1 }), 400, "invalid-argument");
});

test("an encoded batch is appended as it is", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const two = encodeBatch([{ value: "a" }, { value: "b", key: "k" }], { ...NOW, codec: "gzip" });
  const one = encodeBatch([{ value: null }], NOW);
  const placed = await jsonOf(await app.request(RECORDS, post(BATCHES, Buffer.concat([two, one]))));
  assert.deepEqual([placed.start, placed.end], [0, 3]);
  assert.deepEqual(await shown(readRecords(store, "orders")), ["0:a", "1:b", "2:"]);
});

test("an encoded batch goes to the partition of its keys, and is refused for several", async () => {
  await using opened = await openApp({ store: { defaults: { partitions: 8 } } });
  const { app, store } = opened;
  const keyed = (...keys: string[]) =>
    post(BATCHES, encodeBatch(keys.map((key) => ({ key, value: "x" })), NOW));
  const { partition } = await store.append("orders", [{ key: "u1", value: "x" }]);
  const placed = await jsonOf<Appended>(await app.request(RECORDS, keyed("u1", "u1")));
  assert.equal(placed.partition, partition);
  const many = Array.from({ length: 20 }, (_, i) => `k${i}`);
  await problemOf(await app.request(RECORDS, keyed(...many)), 400, "invalid-argument");
  await jsonOf(await app.request(`${RECORDS}?partition=1`, keyed(...many)));
});

test("a batch carries its producer, and a retry of it is not appended again", async () => {
  await using opened = await openApp();
  const { app } = opened;
  const producer = { id: "p1", epoch: 0, sequence: 0 };
  const body = encodeBatch([{ value: "a" }], { ...NOW, producer });
  const first = await jsonOf(await app.request(RECORDS, post(BATCHES, body)));
  assert.deepEqual(await jsonOf(await app.request(RECORDS, post(BATCHES, body))), first);
  const headers = { "Producer-Id": "p1", "Producer-Seq": "1" };
  await problemOf(
    await app.request(RECORDS, post(BATCHES, body, headers)),
    400,
    "invalid-argument",
  );
});

test("batches of one body follow one another at a condition", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const one = encodeBatch([{ value: "a" }], NOW);
  const body = Buffer.concat([one, one]);
  const ask = (offset: string) =>
    app.request(RECORDS, post(BATCHES, body, { "Seglog-If-Offset": offset }));
  const placed = await jsonOf(await ask("0"));
  assert.deepEqual([placed.start, placed.end], [0, 2]);
  const problem = await problemOf(await ask("0"), 412, "condition-failed");
  assert.deepEqual([problem.batch, problem.appended], [0, 0]);
  assert.equal((await store.bounds("orders")).nextOffset, 2);
});

test("a damaged batch is refused, wherever a bit of it is turned", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.ensureTopic("orders");
  const good = encodeBatch([{ key: "k", value: "hello", headers: { a: "b" } }], NOW);
  for (let at = 0; at < good.length; at++) {
    const bad = good.slice();
    bad[at]! ^= 0x10;
    const response = await app.request(RECORDS, post(BATCHES, bad));
    if (response.status === 200) continue; // a byte of padding, which says nothing
    await problemOf(response, 422, "invalid-record");
  }
  for (const length of [0, 1, 63, 64, good.length - 1]) {
    const cut = post(BATCHES, good.subarray(0, length));
    await problemOf(await app.request(RECORDS, cut), 422, "invalid-record");
  }
  const values = (await collect(readRecords(store, "orders"))).map(({ text }) => text);
  assert.ok(values.every((text) => text === "hello"));
  assert.ok(values.length < 8, "only padding may differ");
});

test("of several batches in a body none is appended when one is damaged", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.ensureTopic("orders");
  const good = encodeBatch([{ value: "a" }], NOW);
  const bad = good.slice();
  bad[70]! ^= 1;
  await problemOf(
    await app.request(RECORDS, post(BATCHES, Buffer.concat([good, bad]))),
    422,
    "invalid-record",
  );
  assert.equal((await store.bounds("orders")).nextOffset, 0);
});

test("what is too large is refused with 413", async () => {
  await using opened = await openApp({ limits: { bodyBytesMax: 1000 } });
  const { app } = opened;
  const big = "x".repeat(1001);
  for (const type of ["application/json", BYTES, BATCHES, "application/x-ndjson"]) {
    const problem = await problemOf(await app.request(RECORDS, post(type, big)), 413, "too-large");
    assert.equal(problem.limit, 1000);
  }
  const announced = post(BYTES, "x", { "content-length": "1001" });
  await problemOf(await app.request(RECORDS, announced), 413, "too-large");
});

test("bodies that together take too much are turned away, and may come again", async () => {
  await using opened = await openApp({ limits: { bodiesBytesMax: 100 } });
  const { app } = opened;
  const problem = await problemOf(
    await app.request(RECORDS, post(BYTES, "x".repeat(101))),
    503,
    "overloaded",
  );
  assert.equal(problem.retryable, true);
  for (let i = 0; i < 3; i++) await jsonOf(await app.request(RECORDS, post(BYTES, "x".repeat(90))));
});

test("a body that does not arrive in time is answered with 408", async () => {
  await using opened = await openApp({ limits: { bodyMs: 20 } });
  for (const type of ["application/json", "application/x-ndjson"]) {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from("{")),
    });
    const request = { method: "POST", headers: { "content-type": type }, body, duplex: "half" };
    const response = await opened.app.request(RECORDS, request as RequestInit);
    assert.equal(response.headers.get("connection"), "close");
    await problemOf(response, 408, "request-timeout");
  }
});

test("a base64 value of 10 MiB goes in as JSON, and comes back", async () => {
  await using opened = await openApp();
  const value = new Uint8Array(10 * 1024 * 1024).map((_, i) => (i * 31) >> 3);
  const base64 = Buffer.from(value).toString("base64");
  const bodies = [
    ["application/json", `[{"type":"bytes","value":"${base64}"}]`],
    ["application/x-ndjson", `{"type":"bytes","value":"${base64}"}\n`],
  ] as const;
  for (const [type, body] of bodies) {
    const response = await opened.app.request(RECORDS, post(type, body));
    assert.equal(response.status, 200, await response.text());
  }
  for (const record of await collect(readRecords(opened.store, "orders"))) {
    assert.ok(Buffer.from(value).equals(record.value!));
  }
});

test("a JSON array of more records than are held at once is refused, and nothing is made", async () => {
  await using opened = await openApp();
  const body = `[${'{"value":1},'.repeat(100_001)}{"value":1}]`;
  const response = await opened.app.request(RECORDS, post("application/json", body));
  assert.equal(response.status, 413);
  assert.deepEqual(await opened.store.listTopics(), []);
});
