import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReadOptions, readRecords, Store } from "../../mod.ts";
import { equalBytes } from "../../core/base/bytes.ts";
import { serve } from "../../server/listen.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { damagedStore } from "./damaged_store.ts";
import { rawConnect, rawRequest } from "./raw_client.ts";
import { jsonOf, jsonRequest, openServer, overriding, post, problemOf } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";

/** The status and the JSON body of a raw answer. */
function parsed(answer: string): { status: number; head: string; problem: { code: string } } {
  const [head, body] = answer.split("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head!)?.[1]),
    head: head!.toLowerCase(),
    problem: JSON.parse(body!),
  };
}

test("the server is where it says, and only there once", async () => {
  await using opened = await openServer();
  assert.match(opened.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await fetch(`${opened.url}/livez`)).status, 200);
  const { port } = opened;
  const error = await rejectsWith("unavailable", () => serve(opened.store, { port }));
  assert.match(error.message, /another program/);
  await rejectsWith("unavailable", () => serve(opened.store, { host: "256.1.1.1", port: 0 }));
});

test("nonsense is answered with problem details, and the server lives on", async () => {
  await using opened = await openServer({ limits: { headersBytesMax: 8192 } });
  const { port, url } = opened;
  const cases: [string, number, string][] = [
    ["hello\r\n\r\n", 400, "invalid-argument"],
    ["BREW /coffee HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "invalid-argument"],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(20_000)}\r\n\r\n`, 431, "too-large"],
    [`GET /${"y".repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431, "too-large"],
    ["POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ten\r\n\r\n", 400, "invalid-argument"],
  ];
  for (const [bytes, status, code] of cases) {
    const connection = await rawConnect(port);
    connection.write(bytes);
    const { head, problem, ...answer } = parsed(await connection.ended);
    assert.equal(answer.status, status, bytes.slice(0, 40));
    assert.equal(problem.code, code);
    assert.match(head, /content-type: application\/problem\+json/);
    assert.match(head, /connection: close/);
  }
  assert.equal((await fetch(`${url}/livez`)).status, 200);
});

test("paths with dots stay within the API, however they are written", async () => {
  await using opened = await openServer();
  const ask = (path: string) => rawRequest(opened.port, `GET ${path} HTTP/1.1`);
  const cases: [string, number][] = [
    ["/v1/topics/../../etc/passwd", 404],
    ["/v1/topics/..%2F..%2Fetc%2Fpasswd/records", 404],
    ["/v1/topics/%2e%2e/%2e%2e/etc", 404],
    ["/../../../livez", 200],
    ["/v1/topics/..\\..\\etc", 400],
    ["//etc/passwd", 404],
    ["/v1/topics/%00", 404],
    ["/v1/topics/%zz", 400],
    ["http://other.example/livez", 200],
    ["*", 400],
  ];
  for (const [path, status] of cases) {
    const answer = await ask(path);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), `${path}: ${answer.slice(0, 100)}`);
  }
});

test("a GET with a body is answered, and the next request on its connection too", async () => {
  await using opened = await openServer();
  const connection = await rawConnect(opened.port);
  const get = "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
  connection.write(get + "GET /v1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const answer = await connection.ended;
  assert.equal(answer.match(/HTTP\/1\.1 200/g)?.length, 2);
  assert.match(answer, /"name":"seglog"/);
});

test("headers that come too slowly are answered with 408, and idle connections end", async () => {
  await using opened = await openServer({ limits: { headersMs: 300 } });
  const slow = await rawConnect(opened.port);
  slow.write("GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
  const silent = await rawConnect(opened.port);
  await using other = await openServer({ limits: { idleMs: 300 } });
  const idle = await rawConnect(other.port);
  idle.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const answer = parsed(await slow.ended);
  assert.deepEqual([answer.status, answer.problem.code], [408, "request-timeout"]);
  assert.match(await idle.ended, /^HTTP\/1\.1 200/);
  await silent.ended;
});

test("a body that is too large is refused while it still comes", async () => {
  await using opened = await openServer({ limits: { bodyBytesMax: 100_000 } });
  const head = `POST ${RECORDS} HTTP/1.1\r\nHost: localhost\r\n`;
  for (const type of ["application/octet-stream", "application/json", "application/x-ndjson"]) {
    const chunked = await rawConnect(opened.port);
    chunked.write(`${head}Content-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 20; i++) chunked.write(`2710\r\n${"x".repeat(10_000)}\r\n`);
    const { status, problem } = parsed(await chunked.until("too-large"));
    assert.deepEqual([status, problem.code], [413, "too-large"]);
    const announced = await rawConnect(opened.port);
    const length = "Content-Length: 99999999999\r\n\r\n";
    if (type === "application/x-ndjson") continue; // a stream may be as long as it likes
    announced.write(`${head}Content-Type: ${type}\r\n${length}`);
    assert.equal(parsed(await announced.until("too-large")).status, 413);
    announced.socket.destroy();
    chunked.socket.destroy();
  }
  assert.equal((await fetch(`${opened.url}/livez`)).status, 200);
});

test("a body that stops coming is answered with 408", async () => {
  await using opened = await openServer({ limits: { bodyMs: 50 } });
  const connection = await rawConnect(opened.port);
  connection.write(
    `POST ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      'Content-Length: 100\r\n\r\n{"value":',
  );
  const { status, head, problem } = parsed(await connection.until("request-timeout"));
  assert.deepEqual([status, problem.code], [408, "request-timeout"]);
  assert.match(head, /connection: close/);
  connection.socket.destroy();
});

test("a body is stored as it was sent, in one piece, in many, or empty", async () => {
  await using opened = await openServer();
  const body = Uint8Array.from({ length: 3_000_000 }, (_, i) => i * 7);
  for (const length of [0, 1, 100, 100_000, body.length]) {
    const connection = await rawConnect(opened.port);
    connection.write(
      `POST ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
        `Content-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`,
    );
    connection.write(body.subarray(0, length / 3));
    await new Promise((resolve) => setTimeout(resolve));
    connection.write(body.subarray(length / 3, length));
    assert.match(await connection.ended, /200 OK/);
  }
  const stored = await collect(readRecords(opened.store, "orders"));
  assert.deepEqual(stored.map(({ value }) => value!.length), [0, 1, 100, 100_000, body.length]);
  for (const { value } of stored) assert.ok(equalBytes(value!, body.subarray(0, value!.length)));
});

test("a body that is cut off is not appended", async () => {
  await using opened = await openServer();
  await opened.store.ensureTopic("orders");
  const connection = await rawConnect(opened.port);
  connection.write(
    `POST ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n` +
      "Content-Length: 100\r\n\r\nhalf",
  );
  connection.socket.end();
  await connection.ended;
  assert.equal((await opened.store.bounds("orders")).nextOffset, 0);
});

test("one connection too many is turned away, and has its place when another ends", async () => {
  await using opened = await openServer({ limits: { connectionsMax: 2 } });
  const get = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const first = await rawConnect(opened.port);
  const second = await rawConnect(opened.port);
  first.write(get);
  second.write(get);
  await first.until('{"status":"ok"}');
  await second.until('{"status":"ok"}');
  const third = await rawConnect(opened.port);
  const refused = parsed(await third.ended);
  assert.deepEqual([refused.status, refused.problem.code], [503, "overloaded"]);
  first.socket.destroy();
  let answer = "";
  while (!answer.includes('{"status":"ok"}')) {
    answer = await rawRequest(opened.port, "GET /livez HTTP/1.1");
  }
});

test("a client that goes away in the middle of an answer does no harm", async () => {
  const notices: string[] = [];
  await using opened = await openServer({ onNotice: (notice) => notices.push(notice) });
  const { store, port } = opened;
  const value = "x".repeat(1024 * 1024);
  for (let i = 0; i < 40; i++) await store.append("orders", [{ value }]);
  for (const accept of ["application/x-ndjson", "text/event-stream"]) {
    const connection = await rawConnect(port);
    connection.write(`GET ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\n\r\n`);
    await connection.until("xxxx");
    connection.socket.destroy();
    await connection.ended;
  }
  const text = await (await fetch(`${opened.url}/metrics`)).text();
  assert.match(text, /seglog_http_requests_total/);
  assert.deepEqual(notices, []);
});

test("a client that goes away ends its long poll", async () => {
  await using store = await Store.memory();
  await store.ensureTopic("orders");
  const watched = Promise.withResolvers<AbortSignal>();
  const spied = overriding(store, {
    batches(topic: string, options: ReadOptions) {
      watched.resolve(options.signal!);
      return store.batches(topic, options);
    },
  });
  await using server = await serve(spied, { port: 0 });
  const connection = await rawConnect(server.port);
  connection.write(`GET ${RECORDS}?wait=60s HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const signal = await watched.promise;
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  assert.equal(signal.aborted, false);
  connection.socket.destroy();
  await aborted;
});

test("JSON that is nested very deep does no harm", async () => {
  await using opened = await openServer();
  const { url } = opened;
  const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const open = jsonRequest("POST", "[".repeat(1_000_000));
  for (const path of [RECORDS, "/publish", "/v1/topics/orders/truncate"]) {
    const response = await fetch(url + path, open);
    assert.ok([400, 413].includes(response.status), `${path}: ${response.status}`);
  }
  await problemOf(
    await fetch(`${url}/v1/topics/a`, jsonRequest("PUT", `{"partitions":${deep(2000)}}`)),
    400,
    "invalid-argument",
  );
  const value = deep(5000);
  await jsonOf(await fetch(url + RECORDS, jsonRequest("POST", `{"value":${value}}`)));
  assert.ok((await (await fetch(`${url + RECORDS}/0`)).text()).includes(value));
});

test("damage within streamed lines is their last line, and the answer has no end", async () => {
  await using store = await damagedStore();
  await using server = await serve(store, { port: 0 });
  const connection = await rawConnect(server.port);
  connection.write(
    `GET ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\r\n`,
  );
  const answer = await connection.ended;
  assert.match(answer, /"offset":0,.*\n/);
  assert.match(answer, /\{"error":\{.*"code":"corrupt".*\}\}\n/);
  assert.doesNotMatch(answer, /\r\n0\r\n\r\n$/);
});

test("a slow reader holds the stream back instead of filling memory", async () => {
  await using opened = await openServer();
  const { store, port, url } = opened;
  const value = "x".repeat(1024 * 1024);
  for (let i = 0; i < 64; i++) await store.append("orders", [{ value }]);
  const connection = await rawConnect(port);
  connection.socket.pause();
  connection.write(
    `GET ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n` +
      "Connection: close\r\n\r\n",
  );
  const sent = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^seglog_read_records_total (\d+)$/m.exec(text)?.[1]);
  };
  while (await sent() === 0);
  for (let i = 0; i < 20; i++) await sent();
  const before = await sent();
  assert.ok(before < 40, `${before} records were sent to a client that does not read`);
  connection.socket.resume();
  const all = await connection.ended;
  assert.equal(all.match(/"offset":/g)?.length, 64);
});

test("everything of a record goes over the socket and back", async () => {
  await using opened = await openServer();
  const { url, store } = opened;
  const lines = [
    '{"key":"🗝️","type":"json","value":{"n":9007199254740993,"f":1.0,"e":1e400}}',
    '{"type":"text","value":"NUL \\u0000 and 😀"}',
    '{"keyBase64":"/w==","type":"bytes","value":"AAH/"}',
    '{"value":null}',
    '{"type":"text","value":"","headers":{"ключ":"значение"}}',
  ];
  await jsonOf(await fetch(url + RECORDS, post("application/x-ndjson", lines.join("\n"))));
  const response = await fetch(url + RECORDS, { headers: { accept: "application/x-ndjson" } });
  const back = (await response.text()).trimEnd().split("\n").map((line) =>
    line.replace(/^.*?"timestamp":"[^"]*",/, "{")
  );
  const expected = lines.map((line) => line.replace("NUL \\u0000", "NUL \\u0000"));
  assert.deepEqual(back, expected);
  assert.equal((await store.bounds("orders")).nextOffset, 5);
});

test("many requests at once are each answered with their own", async () => {
  await using opened = await openServer();
  const { url, store } = opened;
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const response = await fetch(url + RECORDS, jsonRequest("POST", { value: `${i}` }));
      return { i, start: (await jsonOf<{ start: number }>(response)).start };
    }),
  );
  const stored = await shown(readRecords(store, "orders"));
  for (const { i, start } of answers) assert.equal(stored[start], `${start}:${i}`);
});

test("what is asked of a path with a query that is cut off is a problem, not a crash", async () => {
  await using opened = await openServer();
  for (const path of ["/read?", "/read?offset", "/read?offset=%", "/read?&&=&offset=1"]) {
    const response = await fetch(opened.url + path);
    await problemOf(response, 400, "invalid-argument");
  }
});
