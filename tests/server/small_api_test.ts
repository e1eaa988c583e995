import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_PARTITION_KEY, topicOfPartitionKey } from "../../server/partition_keys.ts";
import { jsonOf, jsonRequest, type OpenApp, openApp, post, problemOf } from "./support.ts";

function publish({ app }: OpenApp, body: unknown): Promise<Response> {
  return Promise.resolve(app.request("/publish", jsonRequest("POST", body)));
}

function read({ app }: OpenApp, partition: string, offset: number | string): Promise<Response> {
  const query = `partition=${encodeURIComponent(partition)}&offset=${offset}`;
  return Promise.resolve(app.request(`/read?${query}`));
}

test("what is published is read, with its offset", async () => {
  await using opened = await openApp();
  const first = await publish(opened, { data: "a", data_type: 2, partition_key: "p" });
  assert.equal(await first.text(), '{"status":"ok","offset":0}');
  const second = await jsonOf(await publish(opened, { data: "b", partition_key: "p" }));
  assert.deepEqual(second, { status: "ok", offset: 1 });
  assert.equal(
    await (await read(opened, "p", 0)).text(),
    '{"offset":0,"data":"a","data_type":2,"partition_key":"p"}',
  );
});

test("data keeps its type, and JSON every byte", async () => {
  await using opened = await openApp();
  const cases: [data: string, type: number][] = [
    ['{"n":9007199254740993,"f":1.0,  "z":[1e400,"\\u00e9"]}', 0],
    ["null", 0],
    ["-0", 0],
    ['"text"', 0],
    ['"AAH/"', 1],
    ['""', 1],
    ['"emoji 😀 \\u0000"', 2],
    ['""', 2],
  ];
  for (const [data, type] of cases) {
    const body = `{"partition_key":"p","data_type":${type}, "data" : ${data} }`;
    const { offset } = await jsonOf<{ offset: number }>(await publish(opened, body));
    assert.equal(
      await (await read(opened, "p", offset)).text(),
      `{"offset":${offset},"data":${data},"data_type":${type},"partition_key":"p"}`,
    );
  }
});

test("any string is a partition key, and two keys never share a topic", async () => {
  await using opened = await openApp();
  const keys = [
    "",
    "a",
    "a/b",
    "../etc/passwd",
    ".",
    "..",
    "😀",
    "__internal",
    "\u0000",
    "a\nb",
    "key~",
    "key~a%0Ab",
    "key#x",
    "x".repeat(200),
    "x".repeat(201),
    "x".repeat(5000),
    "\u0001".repeat(100),
  ];
  assert.equal(new Set(keys.map(topicOfPartitionKey)).size, keys.length);
  for (const key of keys) {
    const { offset } = await jsonOf(await publish(opened, { data: key, partition_key: key }));
    assert.equal(offset, 0, key);
  }
  for (const key of keys) {
    const answer = await jsonOf(await read(opened, key, 0));
    assert.deepEqual([answer.data, answer.partition_key], [key, key]);
  }
});

test("a key that can be a topic's name is one", async () => {
  await using opened = await openApp();
  await publish(opened, { data: { qty: 2 }, partition_key: "orders" });
  assert.equal((await opened.store.read("orders", 0)).text, '{"qty":2}');
});

test("without a key it is the default one", async () => {
  await using opened = await openApp();
  await publish(opened, { data: 1 });
  const answer = await jsonOf(await opened.app.request("/read?offset=0"));
  assert.deepEqual([answer.data, answer.partition_key], [1, DEFAULT_PARTITION_KEY]);
});

test("records that were appended by other means are read, too", async () => {
  await using opened = await openApp();
  await opened.store.append("p", [{ value: null }, { value: Uint8Array.of(255) }]);
  assert.deepEqual((await jsonOf(await read(opened, "p", 0))).data, null);
  const bytes = await jsonOf(await read(opened, "p", 1));
  assert.deepEqual([bytes.data, bytes.data_type], ["/w==", 1]);
});

test("a partition that is not there is 404; offsets are 400, 410 or 416", async () => {
  await using opened = await openApp();
  await problemOf(await read(opened, "p", 0), 404, "not-found");
  for (let i = 0; i < 3; i++) await publish(opened, { data: i, partition_key: "p" });
  await opened.store.truncate("p", { before: 1 });
  for (const bad of ["-1", "1e99", "9007199254740993", "x", ""]) {
    await problemOf(await read(opened, "p", bad), 400, "invalid-argument");
  }
  await problemOf(await opened.app.request("/read?partition=p"), 400, "invalid-argument");
  await problemOf(await read(opened, "p", 0), 410, "offset-out-of-range");
  await problemOf(await read(opened, "p", 3), 416, "offset-out-of-range");
  await problemOf(await read(opened, "p", 99), 416, "offset-out-of-range");
});

test("what cannot be published is refused, and makes no topic", async () => {
  await using opened = await openApp();
  const bad = [
    "",
    "{",
    "5",
    "[]",
    "null",
    "{}",
    '{"data_type":0}',
    '{"data":5,"data_type":1}',
    '{"data":"@@","data_type":1}',
    '{"data":5,"data_type":2}',
    '{"data":"\\ud800","data_type":2}',
    '{"data":1,"data_type":3}',
    '{"data":1,"data_type":"0"}',
    '{"data":1,"partition_key":5}',
    '{"data":1,"partition_key":"\\ud800"}',
  ];
  for (const body of bad) await problemOf(await publish(opened, body), 400, "invalid-argument");
  assert.deepEqual(await opened.store.listTopics(), []);
});

test("curl needs no Content-Type, and a page of another site may not publish", async () => {
  await using opened = await openApp();
  const form = "application/x-www-form-urlencoded";
  await jsonOf(await opened.app.request("/publish", post(form, '{"data":1}')));
  const fromElsewhere = post("text/plain", '{"data":1}', { origin: "http://elsewhere.example" });
  await problemOf(
    await opened.app.request("/publish", fromElsewhere),
    403,
    "forbidden",
  );
});
