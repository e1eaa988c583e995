import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonOf, jsonRequest, type OpenApp, openApp, post, problemOf } from "./support.ts";

const TOPIC = "/v1/topics/orders";

async function filled(): Promise<OpenApp> {
  const opened = await openApp();
  const records = Array.from({ length: 10 }, (_, i) => ({ value: `${i}`, timestamp: i * 1000 }));
  await opened.store.append("orders", records);
  return opened;
}

test("bounds tell where a partition starts and ends", async () => {
  await using opened = await filled();
  await opened.store.truncate("orders", { before: 4 });
  assert.deepEqual(await jsonOf(await opened.app.request(`${TOPIC}/bounds`)), {
    topic: "orders",
    partition: 0,
    logStartOffset: 4,
    durableOffset: 10,
    nextOffset: 10,
  });
  await problemOf(await opened.app.request(`${TOPIC}/bounds?partition=1`), 404, "not-found");
  await problemOf(await opened.app.request("/v1/topics/none/bounds"), 404, "not-found");
});

test("an offset is found by time", async () => {
  await using opened = await filled();
  const at = async (time: string) =>
    (await jsonOf(await opened.app.request(`${TOPIC}/offset?time=${time}`))).offset;
  assert.equal(await at("0"), 0);
  assert.equal(await at("2500"), 3);
  assert.equal(await at("1970-01-01T00:00:09Z"), 9);
  assert.equal(await at("-1h"), 10);
  for (const query of ["", "?time=", "?time=soon", "?time=1e3", "?time=-5"]) {
    await problemOf(await opened.app.request(`${TOPIC}/offset${query}`), 400, "invalid-argument");
  }
});

test("truncating before an offset makes it the first, also to empty", async () => {
  await using opened = await filled();
  const truncate = (body: unknown) =>
    opened.app.request(`${TOPIC}/truncate`, jsonRequest("POST", body));
  const bounds = await jsonOf(await truncate({ before: 7 }));
  assert.deepEqual([bounds.logStartOffset, bounds.nextOffset], [7, 10]);
  const empty = await jsonOf(await truncate({ before: 10, partition: 0 }));
  assert.deepEqual([empty.logStartOffset, empty.nextOffset], [10, 10]);
  await problemOf(await truncate({ before: 11 }), 416, "offset-out-of-range");
});

test("truncating after an offset makes it the last, and no offset is used again", async () => {
  await using opened = await filled();
  const truncate = (after: number) =>
    opened.app.request(`${TOPIC}/truncate`, jsonRequest("POST", { after }));
  await jsonOf(await truncate(6));
  const { start } = await opened.store.append("orders", [{ value: "next" }]);
  assert.equal(start, 10);
  const empty = await jsonOf(await truncate(-1));
  assert.equal(empty.logStartOffset, empty.nextOffset);
});

test("a truncation that is not clear about what it removes is refused", async () => {
  await using opened = await filled();
  const { app, store } = opened;
  const bad = [
    "",
    "{}",
    "[]",
    "null",
    "5",
    "{",
    '{"before":1,"after":2}',
    '{"before":-1}',
    '{"before":1.5}',
    '{"before":"1"}',
    '{"before":9007199254740993}',
    '{"before":1,"partition":-1}',
    '{"before":1,"force":true}',
    '{"after":-2}',
  ];
  for (const body of bad) {
    const response = await app.request(`${TOPIC}/truncate`, jsonRequest("POST", body));
    await problemOf(response, 400, "invalid-argument");
  }
  const plain = await app.request(`${TOPIC}/truncate`, post("text/plain", '{"before":5}'));
  await problemOf(plain, 415, "unsupported-media-type");
  assert.equal((await store.bounds("orders")).logStartOffset, 0);
});

test("flush makes everything durable", async () => {
  await using opened = await openApp({ store: { defaults: { sync: "os" } } });
  const { app, store } = opened;
  await store.append("orders", [{ value: "a" }]);
  assert.equal((await store.bounds("orders")).durableOffset, 0);
  assert.equal((await app.request(`${TOPIC}/flush`, { method: "POST" })).status, 204);
  assert.equal((await store.bounds("orders")).durableOffset, 1);
});

test("a topic is compacted, and the answer tells what that won", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  for (let i = 0; i < 20; i++) await store.append("orders", [{ key: `k${i % 2}`, value: `${i}` }]);
  const compact = (body: unknown) => app.request(`${TOPIC}/compact`, jsonRequest("POST", body));
  const done = await jsonOf(await compact({}));
  const { topic, segments, skipped, records, bytes } = done as Record<string, number>;
  assert.deepEqual([topic, segments, skipped, records], ["orders", 1, 0, 18]);
  assert.ok(bytes! > 0);
  assert.equal((await store.describeTopic("orders")).partitions[0]!.records, 2);
  assert.equal((await jsonOf(await compact({ partition: 0 }))).records, 0);
  await problemOf(await compact({ partition: 1 }), 404, "not-found");
  for (const body of [[], 1, { partition: -1 }, { partition: "0" }, { other: 1 }, null]) {
    await problemOf(await compact(body), 400, "invalid-argument");
  }
  const plain = { method: "POST", body: "{}", headers: { "content-type": "text/plain" } };
  await problemOf(await app.request(`${TOPIC}/compact`, plain), 415, "unsupported-media-type");
  const missing = await app.request("/v1/topics/none/compact", jsonRequest("POST", {}));
  await problemOf(missing, 404, "not-found");
});
