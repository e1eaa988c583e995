import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hono } from "hono";
import { crc32 } from "../../core/base/crc32.ts";
import { createApp } from "../../server/app.ts";
import { parseByteRange } from "../../server/byte_range.ts";
import { rawRequest } from "./raw_client.ts";
import { jsonOf, openApp, openServer, overriding, post } from "./support.ts";

const BYTES = "application/octet-stream";

function blob(app: Hono, path: string, init?: RequestInit): Promise<Response> {
  return Promise.resolve(app.request(`/blobs${path}`, init));
}

/** Expects an error of this API, and returns what it says. */
async function errorOf(response: Response, status: number): Promise<string> {
  const body = await jsonOf(response, status);
  assert.deepEqual(Object.keys(body), ["error"]);
  assert.equal(typeof body.error, "string");
  return body.error as string;
}

const tagOf = (bytes: Uint8Array) => crc32(bytes).toString(16).padStart(8, "0");

test("a blob comes back as it was stored, with its tag", async () => {
  await using opened = await openApp({ volumeId: "v7" });
  const { app } = opened;
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
  for (const method of ["POST", "PUT"]) {
    const response = await blob(app, "/dir/a.bin", { ...post(BYTES, bytes), method });
    assert.equal(response.headers.get("etag"), `"${tagOf(bytes)}"`);
    assert.deepEqual(await jsonOf(response, 201), {
      key: "dir/a.bin",
      etag: tagOf(bytes),
      size: 100_000,
      volume_id: "v7",
    });
  }
  const read = await blob(app, "/dir/a.bin");
  assert.equal(read.status, 200);
  assert.deepEqual(new Uint8Array(await read.arrayBuffer()), bytes);
  const { headers } = read;
  assert.deepEqual([headers.get("content-type"), headers.get("etag")], [
    BYTES,
    `"${tagOf(bytes)}"`,
  ]);
  assert.deepEqual([headers.get("accept-ranges"), headers.get("x-content-type-options")], [
    "bytes",
    "nosniff",
  ]);
  const head = await blob(app, "/dir/a.bin", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, "100000"]);
  assert.equal(head.headers.get("etag"), `"${tagOf(bytes)}"`);
  assert.equal(await head.text(), "");
});

test("the tag is the CRC-32, of 8 digits also where it begins with zeros", async () => {
  await using opened = await openApp();
  const cases: [string, string][] = [["123456789", "cbf43926"], ["", "00000000"]];
  for (let i = 0; cases.length < 3; i++) {
    const tag = tagOf(new TextEncoder().encode(`${i}`));
    if (tag.startsWith("00")) cases.push([`${i}`, tag]);
  }
  for (const [body, etag] of cases) {
    const told = await jsonOf(await blob(opened.app, "/k", post(BYTES, body)), 201);
    assert.deepEqual([told.etag, told.size], [etag, body.length]);
  }
});

test("a blob that is not there is 404, however it is asked for, and makes no topic", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await errorOf(await blob(app, "/none"), 404);
  await errorOf(await blob(app, "/none", { method: "DELETE" }), 404);
  assert.equal((await blob(app, "/none", { method: "HEAD" })).status, 404);
  assert.deepEqual(await jsonOf(await blob(app, "")), { blobs: [], next: null });
  assert.deepEqual(await store.listTopics(), []);
  await blob(app, "/there", post(BYTES, "x"));
  assert.match(await errorOf(await blob(app, "/none"), 404), /"none"/);
  assert.equal((await blob(app, "/there", { method: "DELETE" })).status, 204);
  await errorOf(await blob(app, "/there"), 404);
  await errorOf(await blob(app, "/there", { method: "DELETE" }), 404);
});

test("a part of a blob is given, or 416 where nothing of it is there", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await blob(app, "/k", post(BYTES, "0123456789"));
  const ask = (range: string, headers: Record<string, string> = {}) =>
    blob(app, "/k", { headers: { range, ...headers } });
  const parts: [range: string, body: string, contentRange: string][] = [
    ["bytes=0-3", "0123", "bytes 0-3/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=9-100", "9", "bytes 9-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-100", "0123456789", "bytes 0-9/10"],
  ];
  for (const [range, body, contentRange] of parts) {
    const response = await ask(range);
    assert.deepEqual([response.status, await response.text()], [206, body], range);
    assert.equal(response.headers.get("content-range"), contentRange);
    assert.equal(response.headers.get("content-length"), String(body.length));
  }
  for (const range of ["bytes=10-", "bytes=10-20", "bytes=-0"]) {
    const response = await ask(range);
    assert.equal(response.headers.get("content-range"), "bytes */10");
    await errorOf(response, 416);
  }
  for (const range of ["bytes=0-1,3-4", "bytes=5-2", "lines=0-1", "bytes=a-b", "bytes=-", "x"]) {
    const response = await ask(range);
    assert.deepEqual([response.status, await response.text()], [200, "0123456789"], range);
  }
  const etag = (await blob(app, "/k")).headers.get("etag")!;
  const modified = (await blob(app, "/k")).headers.get("last-modified")!;
  assert.equal((await ask("bytes=0-1", { "if-range": etag })).status, 206);
  assert.equal((await ask("bytes=0-1", { "if-range": modified })).status, 206);
  for (const other of ['"00000000"', `W/${etag}`, "Thu, 01 Jan 1970 00:00:00 GMT"]) {
    assert.equal((await ask("bytes=0-1", { "if-range": other })).status, 200);
  }
  const head = await blob(app, "/k", { method: "HEAD", headers: { range: "bytes=0-1" } });
  assert.equal(head.status, 200);
});

test("an empty blob has no parts", () => {
  for (const range of ["bytes=0-", "bytes=0-0", "bytes=-1"]) {
    assert.equal(parseByteRange(range, 0), "unsatisfiable", range);
  }
  assert.equal(parseByteRange(null, 0), undefined);
  assert.deepEqual(parseByteRange("BYTES=0-0", 1), { start: 0, end: 1 });
});

test("conditions are about the tag", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const put = (body: string, headers: Record<string, string>) =>
    blob(app, "/k", { ...post(BYTES, body, headers), method: "PUT" });
  await errorOf(await put("x", { "if-match": '"00000000"' }), 412);
  assert.deepEqual(await store.listTopics(), []);
  const { etag } = await jsonOf(await put("x", { "if-none-match": "*" }), 201);
  await errorOf(await put("y", { "if-none-match": "*" }), 412);
  await errorOf(await put("y", { "if-match": '"00000000"' }), 412);
  for (const tags of [`"${etag}"`, `W/"${etag}"`, `"a", "${etag}"`, "*"]) {
    const known = await blob(app, "/k", { headers: { "if-none-match": tags } });
    assert.deepEqual([known.status, await known.text()], [304, ""]);
  }
  assert.equal((await blob(app, "/k", { headers: { "if-none-match": '"a"' } })).status, 200);
  assert.equal((await put("y", { "if-match": `"${etag}"` })).status, 201);
  await errorOf(
    await blob(app, "/k", { method: "DELETE", headers: { "if-match": `"${etag}"` } }),
    412,
  );
  const ifAbsent = { method: "DELETE", headers: { "if-none-match": "*" } };
  await errorOf(await blob(app, "/k", ifAbsent), 400);
  assert.equal(await (await blob(app, "/k")).text(), "y");
  await errorOf(await put("z", { "if-match": 'W/"1"' }), 400);
});

test("blobs are listed in order, by prefix, a page at a time", async () => {
  await using opened = await openApp();
  const { app } = opened;
  for (const key of ["b/2", "a", "ü", "b/1", "c", "b"]) {
    await blob(app, `/${encodeURIComponent(key)}`, post(BYTES, key));
  }
  const all = await jsonOf(await blob(app, ""));
  assert.deepEqual(all, {
    blobs: [
      { key: "a", size: 1 },
      { key: "b", size: 1 },
      { key: "b/1", size: 3 },
      { key: "b/2", size: 3 },
      { key: "c", size: 1 },
      { key: "ü", size: 2 },
    ],
    next: null,
  });
  const first = await jsonOf(await blob(app, "?prefix=b&limit=2"));
  assert.deepEqual(first, { blobs: [{ key: "b", size: 1 }, { key: "b/1", size: 3 }], next: "b/1" });
  const second = await jsonOf(await blob(app, "?prefix=b&limit=2&after=b/1"));
  assert.deepEqual(second, { blobs: [{ key: "b/2", size: 3 }], next: null });
  for (const query of ["limit=0", "limit=1001", "limit=x", "reverse=true", "prefix=%FF"]) {
    await errorOf(await blob(app, `?${query}`), 400);
  }
});

test("keys are any text of up to 1 KiB", async () => {
  await using opened = await openApp();
  const { app } = opened;
  const keys = ["a/../b", "..", ".", "😀/ü", "%2F", "a b?c#d", "\u0000", "x".repeat(1024)];
  for (const key of keys) {
    const segment = /^\.\.?$/.test(key) ? `${key};` : encodeURIComponent(key);
    const told = await jsonOf(await blob(app, `/${segment}`, post(BYTES, key)), 201);
    assert.equal(told.key, key);
    assert.equal(await (await blob(app, `/${segment}`)).text(), key);
  }
  await errorOf(await blob(app, `/${"x".repeat(1025)}`, post(BYTES, "x")), 413);
  for (const bad of ["%FF", "%zz", "%ED%A0%80"]) {
    await errorOf(await blob(app, `/${bad}`, post(BYTES, "x")), 400);
  }
  const { blobs } = await jsonOf<{ blobs: unknown[] }>(await blob(app, ""));
  assert.equal(blobs.length, keys.length);
});

test("over a socket a key is what was sent", async () => {
  await using opened = await openServer();
  const head = "PUT /blobs/a/../b HTTP/1.1\r\nContent-Length: 1";
  assert.match(await rawRequest(opened.port, head, "x"), /"key":"a\/..\/b"/);
  assert.match(await rawRequest(opened.port, "GET /blobs/a/../b HTTP/1.1"), /\r\n\r\nx$/);
  assert.match(await rawRequest(opened.port, "GET /blobs/b HTTP/1.1"), /^HTTP\/1.1 404 /);
});

test("a blob past its bound is refused while it is read", async () => {
  await using opened = await openApp({ limits: { bodyBytesMax: 1000 } });
  const { app, store } = opened;
  assert.equal((await blob(app, "/k", post(BYTES, "x".repeat(1000)))).status, 201);
  await errorOf(await blob(app, "/k", post(BYTES, "x".repeat(1001))), 413);
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(600));
    },
  });
  const endless: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
  await errorOf(await blob(app, "/k", endless), 413);
  assert.ok(pulled < 10);
  assert.equal((await store.bounds("blobs")).nextOffset, 1);
});

test("what the server fails at is told, and what may be tried again has a time", async () => {
  await using opened = await openApp({ limits: { bodiesBytesMax: 10 } });
  const { app, store } = opened;
  const response = await blob(app, "/k", post(BYTES, "x".repeat(20)));
  assert.equal(response.headers.get("retry-after"), "1");
  await errorOf(response, 503);
  assert.deepEqual(await store.listTopics(), []);
  const notices: string[] = [];
  const broken = createApp(
    overriding(store, { describeTopic: () => Promise.reject(new TypeError("secret")) }),
    { onNotice: (notice) => notices.push(notice) },
  );
  assert.doesNotMatch(await errorOf(await blob(broken, "/k"), 500), /secret/);
  assert.match(notices[0]!, /secret/);
});

test("methods that there are not, and forms of other sites, are refused", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const patched = await blob(app, "/k", { method: "PATCH" });
  assert.equal(patched.headers.get("allow"), "GET, HEAD, POST, PUT, DELETE");
  await errorOf(patched, 405);
  await errorOf(await blob(app, "", { method: "POST" }), 405);
  await errorOf(await blob(app, "/k?x=1"), 400);
  const origin = { origin: "http://elsewhere.example" };
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    await errorOf(await blob(app, "/k", post(type, "x", origin)), 403);
  }
  assert.deepEqual(await store.listTopics(), []);
  assert.equal((await blob(app, "/k", post("text/plain", "x"))).status, 201);
});

test("blobs and values of the bucket of this name are the same", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await blob(app, "/k", post(BYTES, "x"));
  assert.equal(await (await app.request("/v1/kv/blobs/k")).text(), "x");
  await app.request("/v1/kv/blobs/j", { method: "PUT", body: "{}" });
  assert.equal(await (await blob(app, "/j")).text(), "{}");
});
