/** Keys and blobs over a real connection, as clients have them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventsOf } from "./event_reader.ts";
import { rawRequest } from "./raw_client.ts";
import { jsonOf, jsonRequest, openServer } from "./support.ts";

test("a key is written, looked at, read, known and deleted over a connection", async () => {
  await using opened = await openServer();
  const url = `${opened.url}/v1/kv/b/a/k`;
  const put = await fetch(url, { ...jsonRequest("PUT", "[1, 2]") });
  assert.equal(put.headers.get("etag"), '"0"');
  await jsonOf(put, 201);
  const head = await fetch(url, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, "6"]);
  const read = await fetch(url);
  assert.deepEqual([read.headers.get("content-type"), await read.text()], [
    "application/json",
    "[1, 2]",
  ]);
  const known = await fetch(url, { headers: { "if-none-match": '"0"' } });
  assert.deepEqual([known.status, await known.text()], [304, ""]);
  await jsonOf(await fetch(url, { method: "DELETE", headers: { "if-match": '"0"' } }));
  const gone = await fetch(url, { method: "HEAD" });
  assert.equal(gone.status, 404);
});

test("a large value goes there and back, whole and in parts", async () => {
  await using opened = await openServer();
  const bytes = Uint8Array.from({ length: 5_000_000 }, (_, i) => (i * 7) % 253);
  const url = `${opened.url}/blobs/large`;
  await jsonOf(await fetch(url, { method: "PUT", body: bytes }), 201);
  const whole = new Uint8Array(await (await fetch(url)).arrayBuffer());
  assert.ok(whole.length === bytes.length && whole.every((byte, i) => byte === bytes[i]));
  const part = await fetch(url, { headers: { range: "bytes=4999990-" } });
  assert.equal(part.status, 206);
  assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.subarray(4_999_990));
  const head = await rawRequest(opened.port, "HEAD /blobs/large HTTP/1.1");
  assert.match(head.toLowerCase(), /content-length: 5000000\r\n/);
  assert.ok(head.endsWith("\r\n\r\n"), "no body");
});

test("a watcher over a connection sees changes, and the server's end", async () => {
  await using opened = await openServer({ limits: { stopMs: 60_000 } });
  const url = `${opened.url}/v1/kv/b`;
  await jsonOf(await fetch(`${url}/k`, jsonRequest("PUT", "1")), 201);
  const watching = await fetch(url, { headers: { accept: "text/event-stream" } });
  const events = eventsOf(watching);
  assert.equal((await events.next()).value!.event, "retry");
  await jsonOf(await fetch(`${url}/k`, jsonRequest("PUT", "2")));
  const { value: change } = await events.next();
  assert.deepEqual([change!.event, change!.id], ["set", "2"]);
  const stopped = opened.server.close();
  assert.equal((await events.next()).value!.data, '{"reason":"stopping"}');
  await stopped;
});

test("a watcher that leaves gives its bucket back", async () => {
  await using opened = await openServer({ limits: { bucketsMax: 1 } });
  const url = `${opened.url}/v1/kv`;
  await jsonOf(await fetch(`${url}/a/k`, jsonRequest("PUT", "1")), 201);
  const leaving = new AbortController();
  const watching = await fetch(`${url}/a?from=0`, {
    headers: { accept: "text/event-stream" },
    signal: leaving.signal,
  });
  const events = eventsOf(watching);
  while ((await events.next()).value!.event !== "set");
  await jsonOf(await fetch(`${url}/a/k`, jsonRequest("PUT", "2")));
  const refused = await fetch(`${url}/b/k`, jsonRequest("PUT", "1"));
  assert.equal(refused.status, 503);
  await refused.body?.cancel();
  leaving.abort();
  await assert.rejects(async () => {
    while (!(await events.next()).done);
  });
  for (;;) {
    const response = await fetch(`${url}/b/k`, jsonRequest("PUT", "1"));
    await response.body?.cancel();
    if (response.status === 201) break;
  }
});
