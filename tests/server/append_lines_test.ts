import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { partitionOf, readRecords } from "../../mod.ts";
import { collect, shown } from "../support/collect.ts";
import { jsonOf, type OpenApp, openApp, post, problemOf } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";
const NDJSON = "application/x-ndjson";

interface Placed {
  readonly start: number;
  readonly end: number;
  readonly partitions: {
    readonly partition: number;
    readonly start: number;
    readonly end: number;
  }[];
}

function send({ app }: OpenApp, lines: string, query = ""): Promise<Response> {
  return Promise.resolve(app.request(`${RECORDS}${query}`, post(NDJSON, lines)));
}

/** A body that a test writes to, chunk by chunk. */
function openBody(): {
  readonly request: RequestInit;
  write(part: string | Uint8Array): void;
  end(): void;
  fail(error: Error): void;
} {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) });
  const request = { method: "POST", headers: { "content-type": NDJSON }, body, duplex: "half" };
  return {
    request: request as RequestInit,
    write: (part) => controller.enqueue(typeof part === "string" ? Buffer.from(part) : part),
    end: () => controller.close(),
    fail: (error) => controller.error(error),
  };
}

test("lines are appended in order; blank ones and a missing last end do not matter", async () => {
  await using opened = await openApp();
  const lines = '{"value":"a"}\n\n  \n{"value":"b"}\r\n{"value":9007199254740993}';
  assert.deepEqual(await jsonOf(await send(opened, lines)), {
    topic: "orders",
    partition: 0,
    start: 0,
    end: 3,
    durable: true,
    records: 3,
  });
  assert.deepEqual(await shown(readRecords(opened.store, "orders")), [
    "0:a",
    "1:b",
    "2:9007199254740993",
  ]);
});

test("many lines become several batches, however they are cut into chunks", async () => {
  await using opened = await openApp();
  const body = openBody();
  const answering = opened.app.request(RECORDS, body.request);
  const text = Array.from({ length: 3500 }, (_, i) => `{"value":"line ${i} ✓"}\n`).join("");
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 777) {
    body.write(bytes.subarray(at, at + 777)); // through the middle of characters, too
  }
  body.end();
  const placed = await jsonOf<Placed>(await answering);
  assert.deepEqual([placed.start, placed.end], [0, 3500]);
  const batches = await collect(opened.store.batches("orders"));
  const texts = await shown(readRecords(opened.store, "orders"));
  assert.deepEqual([texts[0], texts[3499]], ["0:line 0 ✓", "3499:line 3499 ✓"]);
  assert.ok(batches.length >= 4 && batches.every(({ header }) => header.recordCount <= 1000));
});

test("a bad line is told by its number; those before it are in, those after it are not", async () => {
  await using opened = await openApp();
  const lines = '{"value":1}\n\n{"value":2}\n{"value":\n{"value":4}\n';
  const problem = await problemOf(await send(opened, lines), 400, "invalid-argument");
  assert.deepEqual([problem.line, problem.appended], [4, 2]);
  assert.deepEqual(await shown(readRecords(opened.store, "orders")), ["0:1", "1:2"]);
  const wrong = await problemOf(await send(opened, '{"valeu":1}\n'), 422, "invalid-record");
  assert.deepEqual([wrong.line, wrong.appended], [1, 0]);
});

test("a line that is too long is told by its number", async () => {
  await using opened = await openApp({ limits: { bodyBytesMax: 100 } });
  const long = `{"value":"${"x".repeat(200)}"}`;
  for (const lines of [`{"value":1}\n${long}\n`, `{"value":1}\n${long}`]) {
    const problem = await problemOf(await send(opened, lines), 413, "too-large");
    assert.equal(problem.line, 2);
    assert.equal(problem.appended, 1);
  }
});

test("a body without lines is refused", async () => {
  await using opened = await openApp();
  for (const lines of ["", "\n\n", "  \n"]) {
    await problemOf(await send(opened, lines), 400, "invalid-argument");
  }
  assert.deepEqual(await opened.store.listTopics(), []);
});

test("lines go to the partition of their key, and the answer tells all partitions", async () => {
  await using opened = await openApp({ store: { defaults: { partitions: 4 } } });
  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
  const lines = keys.map((key) => `{"key":"${key}","value":"${key}"}\n`).join("");
  const { partitions } = await jsonOf<Placed>(await send(opened, lines));
  assert.deepEqual(partitions.map(({ partition }) => partition), [0, 1, 2, 3]);
  for (const { partition } of partitions) {
    const records = await collect(readRecords(opened.store, "orders", { partition }));
    const expected = keys.filter((key) => partitionOf(key, 4) === partition);
    assert.deepEqual(records.map(({ text }) => text), expected);
  }
});

test("a partition is the one that is asked for, first by the query, then by the line", async () => {
  await using opened = await openApp({ store: { defaults: { partitions: 3 } } });
  await opened.store.ensureTopic("orders");
  const lines = '{"value":"a","partition":1}\n{"value":"b","partition":2}\n';
  const byLine = await jsonOf<Placed>(await send(opened, lines));
  assert.deepEqual(byLine.partitions.map(({ partition }) => partition), [1, 2]);
  const byQuery = await jsonOf(await send(opened, lines, "?partition=0"));
  assert.deepEqual([byQuery.partition, byQuery.start, byQuery.end], [0, 0, 2]);
});

test("a topic is made by its first line only where topics are made by appends", async () => {
  await using opened = await openApp({ store: { autoCreateTopics: false } });
  const problem = await problemOf(await send(opened, '{"value":1}\n'), 404, "not-found");
  assert.deepEqual([problem.line, problem.appended], [1, 0]);
  assert.deepEqual(await opened.store.listTopics(), []);
});

test("lines of a stream that pauses are appended meanwhile", async () => {
  await using opened = await openApp();
  const body = openBody();
  await opened.store.ensureTopic("orders");
  const following = opened.store.batches("orders", { follow: true });
  const answering = opened.app.request(RECORDS, body.request);
  for (const value of ["a", "b"]) {
    body.write(`{"value":"${value}"}\n`);
    const { value: batch } = await following.next();
    assert.deepEqual([...batch!.records()].map(({ text }) => text), [value]);
  }
  await following.return();
  body.end();
  assert.equal((await jsonOf(await answering)).end, 2);
});

test("a line that a lost connection cut off is not appended", async () => {
  await using opened = await openApp();
  const body = openBody();
  await opened.store.ensureTopic("orders");
  const following = opened.store.batches("orders", { follow: true });
  const answering = opened.app.request(RECORDS, body.request);
  body.write('{"value":"whole"}\n{"value":1}');
  await following.next();
  await following.return();
  body.fail(new Error("gone"));
  const problem = await problemOf(await answering, 400, "invalid-argument");
  assert.deepEqual([problem.line, problem.appended], [2, 1]);
  assert.deepEqual(await shown(readRecords(opened.store, "orders")), ["0:whole"]);
});

test("a stream ends when the server stops, and says what is in", async () => {
  const stopping = new AbortController();
  await using opened = await openApp({ stopping: stopping.signal });
  const body = openBody();
  await opened.store.ensureTopic("orders");
  const following = opened.store.batches("orders", { follow: true });
  const answering = opened.app.request(RECORDS, body.request);
  body.write('{"value":"a"}\n');
  await following.next();
  await following.return();
  stopping.abort();
  const problem = await problemOf(await answering, 503, "unavailable");
  assert.equal(problem.appended, 1);
});

test("a line that is refused leaves nothing in memory of what came behind it", async () => {
  await using opened = await openApp({ limits: { bodiesBytesMax: 10_000 } });
  const unfinished = `{"value":"${"x".repeat(4000)}`;
  for (let i = 0; i < 5; i++) {
    await problemOf(await send(opened, `{nonsense\n${unfinished}`), 400, "invalid-argument");
  }
  await jsonOf(await send(opened, '{"value":1}\n'));
});

test("conditions and producers are refused: a stream is not one batch", async () => {
  await using opened = await openApp();
  const conditions: Record<string, string>[] = [
    { "Seglog-If-Offset": "0" },
    { "Producer-Id": "p", "Producer-Seq": "0" },
  ];
  for (const headers of conditions) {
    const request = post(NDJSON, '{"value":1}\n', headers);
    await problemOf(await opened.app.request(RECORDS, request), 400, "invalid-argument");
  }
});

test("the shape that is read can be sent back as it is", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("orders", [
    { key: "k", value: "text", headers: { a: "b" } },
    { value: Uint8Array.of(0, 255) },
    { value: null },
    { value: '{"n":9007199254740993}', type: "json" },
  ]);
  const accept = { headers: { accept: NDJSON } };
  const lines = await (await app.request(RECORDS, accept)).text();
  await jsonOf(await app.request("/v1/topics/copy/records", post(NDJSON, lines)));
  const copied = await (await app.request("/v1/topics/copy/records", accept)).text();
  assert.equal(copied, lines.replaceAll('"topic":"orders"', '"topic":"copy"'));
});
