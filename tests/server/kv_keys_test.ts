import assert from "node:assert/strict";
import { test } from "node:test";
import { Kv, MemoryDisk, SeglogError, Store } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { KV_VALUE_BYTES_MAX } from "../../server/limits.ts";
import { kv, put, setAll } from "./kv_support.ts";
import { rawRequest } from "./raw_client.ts";
import { jsonOf, openApp, openServer, overriding, problemOf } from "./support.ts";

test("a value comes back as it was put, with its type and its revision", async () => {
  await using opened = await openApp();
  const { app } = opened;
  const cases: [type: string, body: string | Uint8Array, shown: string][] = [
    ["application/json", '{"n":9007199254740993, "f":1.0}', "application/json"],
    ["application/json; charset=utf-8", "null", "application/json"],
    ["text/plain", "gr\u00fc\u00df dich 😀", "text/plain; charset=utf-8"],
    ["text/plain", "", "text/plain; charset=utf-8"],
    ["application/octet-stream", Uint8Array.of(0, 255, 128), "application/octet-stream"],
    ["image/png", Uint8Array.of(1), "application/octet-stream"],
    ["application/octet-stream", "", "application/octet-stream"],
  ];
  for (const [i, [type, body, shown]] of cases.entries()) {
    const written = await kv(app, `b/k${i}`, put(body, {}, type));
    assert.equal(written.headers.get("etag"), `"${i}"`);
    assert.deepEqual(await jsonOf(written, 201), { bucket: "b", key: `k${i}`, revision: i });
    const read = await kv(app, `b/k${i}`);
    assert.equal(read.status, 200);
    assert.equal(read.headers.get("content-type"), shown);
    assert.equal(read.headers.get("etag"), `"${i}"`);
    assert.equal(read.headers.get("seglog-revision"), String(i));
    assert.equal(read.headers.get("x-content-type-options"), "nosniff");
    assert.ok(Math.abs(Date.parse(read.headers.get("last-modified")!) - Date.now()) < 60_000);
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    assert.deepEqual(new Uint8Array(await read.arrayBuffer()), bytes);
  }
});

test("HEAD tells what GET gives, without the value", async () => {
  await using opened = await openApp();
  await setAll(opened.app, "b", { k: "hello" });
  const head = await kv(opened.app, "b/k", { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.deepEqual([head.headers.get("content-length"), head.headers.get("etag")], ["5", '"0"']);
  assert.equal((await kv(opened.app, "b/none", { method: "HEAD" })).status, 404);
});

test("a first value is 201, each one after it 200, also behind a deletion 201", async () => {
  await using opened = await openApp();
  const { app } = opened;
  assert.equal((await kv(app, "b/k", put("1"))).status, 201);
  assert.equal((await kv(app, "b/k", put("2"))).status, 200);
  const gone = await kv(app, "b/k", { method: "DELETE" });
  assert.deepEqual(await jsonOf(gone), { bucket: "b", key: "k", revision: 2 });
  await problemOf(await kv(app, "b/k"), 404, "not-found");
  assert.equal((await kv(app, "b/k", put("3"))).status, 201);
});

test("a key that has no value is 404, for reading and for deleting, and makes no bucket", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  for (const init of [{}, { method: "DELETE" }]) {
    await problemOf(await kv(app, "none/k", init), 404, "not-found");
  }
  assert.deepEqual(await store.listTopics(), []);
  await setAll(app, "b", { k: "v" });
  for (const init of [{}, { method: "DELETE" }]) {
    const problem = await problemOf(await kv(app, "b/other", init), 404, "not-found");
    assert.deepEqual([problem.bucket, problem.key], ["b", "other"]);
  }
  assert.equal((await store.bounds("b")).nextOffset, 1);
});

test("any text of up to 1 KiB is a key", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const keys = [
    "a/b/c",
    "/",
    "/lead",
    "trail/",
    "a//b",
    ".",
    "..",
    ".;",
    "..;",
    "../../etc/passwd",
    "a/../b",
    "%",
    "%2F",
    "a?b#c&d=e+f",
    " ",
    "\u0000\n",
    "gr\u00fc\u00df",
    "😀",
    "tx",
    "snapshots",
    "snapshots/x",
    "snapshots/x/y",
    "x".repeat(1024),
  ];
  const segment = (key: string) =>
    key === "." || key === ".." ? `${key};` : encodeURIComponent(key);
  for (const [i, key] of keys.entries()) {
    const path = `b/${segment(key)}`;
    assert.deepEqual(await jsonOf(await kv(app, path, put(`v${i}`)), 201), {
      bucket: "b",
      key,
      revision: i,
    });
  }
  await using bucket = await Kv.open(store, "b");
  for (const [i, key] of keys.entries()) {
    assert.equal(await (await kv(app, `b/${segment(key)}`)).text(), `v${i}`, key);
    assert.equal((await bucket.get(key))?.text, `v${i}`, key);
    await jsonOf(await kv(app, `b/${segment(key)}`, { method: "DELETE" }));
  }
});

test("over a socket a key is what was sent: slashes, dots and bytes as they are", async () => {
  await using opened = await openServer();
  await using bucket = await Kv.open(opened.store, "b");
  const cases: [path: string, key: string][] = [
    ["a/b/c", "a/b/c"],
    ["a/../b", "a/../b"],
    ["a/%2e%2e/b", "a/../b"],
    ["../x", "../x"],
    ["a/./b", "a/./b"],
    ["a//b/", "a//b/"],
    ["a%2Fb", "a/b"],
    ["%F0%9F%98%80", "😀"],
    ["a+b", "a+b"],
  ];
  for (const [path, key] of cases) {
    const body = `value of ${path}`;
    const head = `PUT /v1/kv/b/${path} HTTP/1.1\r\nContent-Type: text/plain\r\n` +
      `Content-Length: ${body.length}`;
    assert.match(await rawRequest(opened.port, head, body), /^HTTP\/1\.1 20[01] /, path);
    await bucket.catchUp();
    assert.equal((await bucket.get(key))?.text, body, path);
    const answer = await rawRequest(opened.port, `GET /v1/kv/b/${path} HTTP/1.1`);
    assert.ok(answer.endsWith(`\r\n\r\n${body}`), answer);
  }
  for (const path of ["%", "%zz", "a%2", "%FF", "%ED%A0%80", "%C3"]) {
    const answer = await rawRequest(opened.port, `GET /v1/kv/b/${path} HTTP/1.1`);
    assert.match(answer, /^HTTP\/1\.1 400 [^]*"code":"invalid-argument"/, path);
  }
});

test("what cannot be a key or a value is refused, and nothing is written", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const json = "application/json";
  const bytes = Uint8Array.of(0xff);
  const cases: [path: string, init: RequestInit][] = [
    ["b/%FF", put("v")],
    ["b/%zz", put("v")],
    ["b/%ED%A0%80", put("v")],
    ["b/k", put("{", {}, json)],
    ["b/k", put("", {}, json)],
    ["b/k", put(bytes, {}, json)],
    ["b/k", put(bytes)],
    ["b/k?sync=os", put("v")],
    ["b/k", put("v", { "if-match": "5" })],
    ["b/k", put("v", { "if-match": 'W/"5"' })],
    ["b/k", put("v", { "if-match": '"x"' })],
    ["b/k", put("v", { "if-match": '"-1"' })],
    ["b/k", put("v", { "if-match": '"9007199254740993"' })],
    ["b/k", put("v", { "if-match": '"1", "2"' })],
    ["b/k", put("v", { "if-none-match": '"5"' })],
    ["b/k", put("v", { "if-none-match": "*", "if-match": "*" })],
    ["b/k", { method: "DELETE", headers: { "if-none-match": "*" } }],
    ["b/k", { method: "DELETE", headers: { "if-match": "zero" } }],
    ["__b/k", put("v")],
  ];
  for (const [path, init] of cases) {
    await problemOf(await kv(app, path, init), 400, "invalid-argument");
  }
  const long = await problemOf(await kv(app, `b/${"x".repeat(1025)}`, put("v")), 413, "too-large");
  assert.equal(long.limit, 1024);
  await problemOf(await kv(app, "b/"), 404, "not-found");
  assert.deepEqual(await store.listTopics(), []);
});

test("a value past its bound is refused while it is read", async () => {
  await using opened = await openApp({ limits: { bodyBytesMax: 1000 } });
  const { app, store } = opened;
  assert.equal((await kv(app, "b/k", put("x".repeat(1000)))).status, 201);
  await problemOf(await kv(app, "b/k", put("x".repeat(1001))), 413, "too-large");
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(600));
    },
  });
  const endless: RequestInit & { duplex: "half" } = { method: "PUT", body, duplex: "half" };
  const problem = await problemOf(await kv(app, "b/k", endless), 413, "too-large");
  assert.equal(problem.limit, 1000);
  assert.ok(pulled < 10);
  assert.equal((await store.bounds("b")).nextOffset, 1);
});

test("the largest value fits, beside the longest key", async () => {
  await using opened = await openApp();
  const path = `b/${"x".repeat(1024)}`;
  const value = new Uint8Array(KV_VALUE_BYTES_MAX);
  await jsonOf(await kv(opened.app, path, put(value, {}, "application/octet-stream")), 201);
  const more = new Uint8Array(KV_VALUE_BYTES_MAX + 1);
  await problemOf(
    await kv(opened.app, path, put(more, {}, "application/octet-stream")),
    413,
    "too-large",
  );
});

test("conditions are about the revision: 412 with what was expected and what is there", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const failed = async (init: RequestInit, expected: unknown, actual: unknown) => {
    const problem = await problemOf(await kv(app, "b/k", init), 412, "condition-failed");
    assert.deepEqual([problem.key, problem.expected, problem.actual], ["k", expected, actual]);
  };
  await failed(put("v", { "if-match": '"0"' }), 0, null);
  await failed(put("v", { "if-match": "*" }), "*", null);
  await failed({ method: "DELETE", headers: { "if-match": '"7"' } }, 7, null);
  assert.deepEqual(await store.listTopics(), [], "no bucket is made for what cannot hold");
  await jsonOf(await kv(app, "b/k", put("a", { "if-none-match": "*" })), 201);
  await failed(put("b", { "if-none-match": "*" }), null, 0);
  await failed(put("b", { "if-match": '"1"' }), 1, 0);
  await jsonOf(await kv(app, "b/k", put("b", { "if-match": '"0"' })));
  await jsonOf(await kv(app, "b/k", put("c", { "if-match": "*" })));
  await failed({ method: "DELETE", headers: { "if-match": '"1"' } }, 1, 2);
  await jsonOf(await kv(app, "b/k", { method: "DELETE", headers: { "if-match": '"2"' } }));
  await failed({ method: "DELETE", headers: { "if-match": "*" } }, "*", null);
  await failed(put("d", { "if-match": "*" }), "*", null);
  assert.equal((await store.bounds("b")).nextOffset, 4, "what failed was not written");
});

test("many writers with If-None-Match: one of them wins", async () => {
  await using opened = await openApp();
  const init = put("v", { "if-none-match": "*" });
  const answers = await Promise.all(Array.from({ length: 20 }, () => kv(opened.app, "b/k", init)));
  const statuses = answers.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [201, ...Array.from({ length: 19 }, () => 412)]);
});

test("a reader that has the value is told so", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await setAll(app, "b", { a: "1", k: "2" });
  for (const tags of ['"1"', 'W/"1"', '"0", "1"', "*"]) {
    const response = await kv(app, "b/k", { headers: { "if-none-match": tags } });
    assert.deepEqual([response.status, await response.text()], [304, ""], tags);
    assert.equal(response.headers.get("etag"), '"1"');
  }
  const other = await kv(app, "b/k", { headers: { "if-none-match": '"0"' } });
  assert.deepEqual([other.status, await other.text()], [200, "2"]);
  const bad = await kv(app, "b/k", { headers: { "if-none-match": "1" } });
  await problemOf(bad, 400, "invalid-argument");
});

test("a method that a path does not have is 405, with those that it has", async () => {
  await using opened = await openApp();
  const cases: [method: string, path: string, allow: string][] = [
    ["POST", "b/k", "GET, HEAD, PUT, DELETE"],
    ["PATCH", "b/k/l", "GET, HEAD, PUT, DELETE"],
    ["POST", "b", "GET, HEAD"],
    ["PUT", "b/snapshots/x", "GET, HEAD, POST, DELETE"],
  ];
  for (const [method, path, allow] of cases) {
    const response = await kv(opened.app, path, { method });
    assert.equal(response.headers.get("allow"), allow, `${method} ${path}`);
    await problemOf(response, 405, "method-not-allowed");
  }
});

test("a topic with several partitions is no bucket", async () => {
  await using opened = await openApp();
  await opened.store.ensureTopic("wide", { partitions: 2 });
  await problemOf(await kv(opened.app, "wide/k"), 400, "invalid-argument");
  await problemOf(await kv(opened.app, "wide/k", put("v")), 400, "invalid-argument");
});

test("a bucket whose topic was deleted and made anew is read anew", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { a: "old", k: "old" });
  await store.deleteTopic("b");
  await problemOf(await kv(app, "b/k"), 404, "not-found");
  await setAll(app, "b", { k: "new" });
  assert.equal(await (await kv(app, "b/k")).text(), "new");
  await problemOf(await kv(app, "b/a"), 404, "not-found");
});

test("what a backend throws is told as it is anywhere", async () => {
  await using store = await Store.memory();
  await using bucket = await Kv.open(store, "b");
  await bucket.set("k", "v");
  const broken = overriding(store, {
    read: () => Promise.reject(new SeglogError("corrupt", "It is damaged")),
    appendBatch: () => Promise.reject(new SeglogError("disk-full", "It is full")),
  });
  const app = createApp(broken);
  await problemOf(await kv(app, "b/k"), 500, "corrupt");
  await problemOf(await kv(app, "b/k", put("w")), 507, "disk-full");
});

test("a server that can only read reads, and refuses every write", async () => {
  const disk = new MemoryDisk();
  await using store = await Store.open("/store", { disk });
  await using bucket = await Kv.open(store, "b");
  await bucket.set("k", "v");
  await using readable = await Store.open("/store", { disk, readOnly: true });
  const app = createApp(readable);
  assert.equal(await (await kv(app, "b/k")).text(), "v");
  for (const [path, init] of [["b/k", put("w")], ["new/k", put("w")]] as const) {
    await problemOf(await kv(app, path, init), 403, "read-only");
  }
  await problemOf(await kv(app, "b/k", { method: "DELETE" }), 403, "read-only");
});

test("values in HTTP and in a program are the same ones", async () => {
  await using opened = await openApp();
  await using bucket = await Kv.open(opened.store, "b");
  await bucket.set("k", { value: "[1]", type: "json" });
  const read = await kv(opened.app, "b/k");
  assert.deepEqual([read.headers.get("content-type"), await read.text()], [
    "application/json",
    "[1]",
  ]);
});

test("a value is read as of a revision, until compaction has taken it", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { k: "1", other: "x" });
  await setAll(app, "b", { k: "2" });
  for (const [revision, text] of [[0, "1"], [1, "1"], [2, "2"]]) {
    const read = await kv(app, `b/k?revision=${revision}`);
    assert.deepEqual([read.status, await read.text()], [200, text]);
  }
  await problemOf(await kv(app, "b/other?revision=0"), 404, "not-found");
  await problemOf(await kv(app, "b/k?revision=3"), 416, "offset-out-of-range");
  await problemOf(await kv(app, "b/k?revision=-1"), 400, "invalid-argument");
  await problemOf(await kv(app, "b/k?revision=1&snapshot=x"), 400, "invalid-argument");
  await store.compact("b");
  const gone = await problemOf(await kv(app, "b/k?revision=1"), 410, "compacted");
  assert.equal(gone.first, 2);
  assert.equal(await (await kv(app, "b/k?revision=2")).text(), "2");
});

test("a snapshot that a client holds is read as it was, whatever is compacted", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { k: "1" });
  const { id } = await jsonOf(await kv(app, "b/snapshots", { method: "POST" }), 201);
  await setAll(app, "b", { k: "2" });
  assert.equal((await store.compact("b")).records, 0);
  assert.equal(await (await kv(app, `b/k?snapshot=${id}`)).text(), "1");
  await kv(app, `b/snapshots/${id}`, { method: "DELETE" });
  assert.equal((await store.compact("b")).records, 1);
});
