import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { decodeBatch, encodeBatch } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { damagedStore } from "./damaged_store.ts";
import { jsonOf, type OpenApp, openApp, type Page, problemOf } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";
const NDJSON = { headers: { accept: "application/x-ndjson" } };
const BATCHES = { headers: { accept: "application/vnd.seglog.batch" } };

/** Ten records, two a batch: "0" at 1000 ms to "9" at 10000 ms, with the keys even and odd. */
async function filled(options: Parameters<typeof openApp>[0] = {}): Promise<OpenApp> {
  const opened = await openApp(options);
  for (let i = 0; i < 10; i += 2) {
    await opened.store.append(
      "orders",
      [i, i + 1].map((n) => ({
        key: n % 2 === 0 ? "even" : "odd",
        value: `${n}`,
        timestamp: (n + 1) * 1000,
      })),
    );
  }
  return opened;
}

async function page({ app }: OpenApp, query: string): Promise<Page> {
  return await jsonOf<Page>(await app.request(`${RECORDS}?${query}`));
}

const offsets = ({ records }: Page) => records.map(({ offset }) => offset);

test("a page is the exact JSON of the records, with bounds and the next offset", async () => {
  await using opened = await openApp();
  await opened.store.append("orders", [{
    key: "u1",
    value: '{"n":9007199254740993, "f":1.0}',
    type: "json",
    timestamp: 0,
  }]);
  const response = await opened.app.request(RECORDS);
  assert.equal(
    await response.text(),
    '{"topic":"orders","partition":0,"records":[{"topic":"orders","partition":0,"offset":0,' +
      '"timestamp":"1970-01-01T00:00:00.000Z","key":"u1","type":"json",' +
      '"value":{"n":9007199254740993, "f":1.0}}],"next":1,"logStartOffset":0,' +
      '"durableOffset":1,"nextOffset":1}',
  );
  assert.deepEqual(
    ["seglog-log-start-offset", "seglog-durable-offset", "seglog-next-offset", "seglog-next"]
      .map((name) => response.headers.get(name)),
    ["0", "1", "1", "1"],
  );
});

test("positions are offsets, ends, counts and times", async () => {
  await using opened = await filled();
  const cases: [string, number[]][] = [
    ["from=7", [7, 8, 9]],
    ["from=start&until=2", [0, 1]],
    ["from=3&until=6", [3, 4, 5]],
    ["from=-2", [8, 9]],
    ["from=-99&until=1", [0]],
    ["from=@8500", [8, 9]],
    ["from=@1970-01-01T00:00:08Z&until=@9000", [7]],
    ["from=end", []],
    ["from=10", []],
    ["from=4&until=4", []],
    ["from=8&until=100", [8, 9]],
    ["from=8&until=3", []],
  ];
  for (const [query, expected] of cases) {
    assert.deepEqual(offsets(await page(opened, query)), expected, query);
  }
});

test("pages joined at `next` are the whole, forwards and back", async () => {
  await using opened = await filled();
  const seen: number[] = [];
  for (let from = 0; from < 10;) {
    const { records, next } = await page(opened, `from=${from}&limit=3`);
    seen.push(...records.map(({ offset }) => offset));
    from = next;
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const back: number[] = [];
  for (let until = 10; until > 0;) {
    const { records, next } = await page(opened, `until=${until}&limit=3&reverse=true`);
    back.push(...records.map(({ offset }) => offset));
    until = next;
  }
  assert.deepEqual(back, seen.toReversed());
});

test("a key selects its records, and `next` goes past the others", async () => {
  await using opened = await filled();
  const odd = await page(opened, "key=odd&limit=2");
  assert.deepEqual([offsets(odd), odd.next], [[1, 3], 5]);
  const rest = await page(opened, "key=odd&from=5");
  assert.deepEqual([offsets(rest), rest.next], [[5, 7, 9], 10]);
  const none = await page(opened, "key=");
  assert.deepEqual([offsets(none), none.next], [[], 10]);
});

test("offsets outside the bounds are 410 below and 416 above, with the bounds", async () => {
  await using opened = await filled();
  const { app, store } = opened;
  await store.truncate("orders", { before: 4 });
  for (const accept of [{}, NDJSON, BATCHES, { headers: { accept: "text/event-stream" } }]) {
    const below = await problemOf(
      await app.request(`${RECORDS}?from=3`, accept),
      410,
      "offset-out-of-range",
    );
    assert.equal(below.logStartOffset, 4);
    const above = await problemOf(
      await app.request(`${RECORDS}?from=11`, accept),
      416,
      "offset-out-of-range",
    );
    assert.equal(above.nextOffset, 10);
  }
  await problemOf(await app.request("/v1/topics/none/records"), 404, "not-found");
  await problemOf(await app.request(`${RECORDS}?partition=1`), 404, "not-found");
});

test("parameters that make no sense are refused", async () => {
  await using opened = await filled();
  const bad = [
    "from=x",
    "from=1e99",
    "from=9007199254740993",
    "from=-",
    "from=1.5",
    "from=0x10",
    "from=",
    "until=@yesterday",
    "limit=0",
    "limit=-1",
    "limit=10001",
    "limit=ten",
    "wait=5",
    "wait=61s",
    "wait=-1s",
    "reverse=yes",
    "reverse=true&wait=1s",
    "partition=-1",
    "form=3",
    "from=1&from=2",
    "maxBytes=5",
  ];
  for (const query of bad) {
    await problemOf(await opened.app.request(`${RECORDS}?${query}`), 400, "invalid-argument");
  }
});

test("a page is bounded in bytes, and always has a record", async () => {
  await using opened = await openApp();
  const value = "x".repeat(5 * 1024 * 1024);
  for (let i = 0; i < 3; i++) await opened.store.append("orders", [{ value }]);
  const first = await page(opened, "from=0");
  assert.deepEqual([offsets(first), first.next], [[0], 1]);
  assert.deepEqual(offsets(await page(opened, "from=2")), [2]);
});

test("a long poll is answered by the first record that comes", async () => {
  await using opened = await filled();
  const waiting = page(opened, "from=10&wait=60s");
  await opened.store.append("orders", [{ value: "ten" }]);
  const answer = await waiting;
  assert.deepEqual([offsets(answer), answer.next, answer.nextOffset], [[10], 11, 11]);
});

test("a long poll for a key waits past records with other keys", async () => {
  await using opened = await filled();
  const waiting = page(opened, "from=10&wait=60s&key=k");
  await opened.store.append("orders", [{ key: "other", value: "x" }]);
  await opened.store.append("orders", [{ key: "k", value: "y" }]);
  assert.deepEqual(offsets(await waiting), [11]);
});

test("a long poll is answered with nothing when its time is over, or the server stops", async () => {
  const stopping = new AbortController();
  await using opened = await filled({ stopping: stopping.signal });
  const empty = await page(opened, "from=end&wait=10ms");
  assert.deepEqual([offsets(empty), empty.next], [[], 10]);
  const waiting = page(opened, "from=10&wait=60s");
  stopping.abort();
  assert.deepEqual(offsets(await waiting), []);
});

test("lines are the record shapes, to the end or to the limit", async () => {
  await using opened = await filled();
  const lines = async (query: string) => {
    const response = await opened.app.request(`${RECORDS}?${query}`, NDJSON);
    assert.equal(response.headers.get("content-type"), "application/x-ndjson");
    const text = await response.text();
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line).offset);
  };
  assert.deepEqual(await lines("from=3&until=6"), [3, 4, 5]);
  assert.deepEqual(await lines("limit=3"), [0, 1, 2]);
  assert.deepEqual(await lines("reverse=true&limit=3"), [9, 8, 7]);
  assert.deepEqual(await lines("key=even"), [0, 2, 4, 6, 8]);
  assert.deepEqual(await lines("from=end"), []);
});

test("lines wait for a first record when asked to", async () => {
  await using opened = await filled();
  const waiting = opened.app.request(`${RECORDS}?from=10&wait=60s`, NDJSON);
  await opened.store.append("orders", [{ value: "ten" }]);
  assert.equal(JSON.parse(await (await waiting).text()).offset, 10);
});

test("damage within streamed lines ends them with an error that nobody can miss", async () => {
  const notices: string[] = [];
  await using store = await damagedStore();
  const app = createApp(store, { onNotice: (notice) => notices.push(notice) });
  const response = await app.request(RECORDS, NDJSON);
  const reader = response.body!.getReader();
  let text = "";
  await assert.rejects(async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += Buffer.from(value).toString();
    }
  });
  const [first, error] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(first.offset, 0);
  assert.equal(error.error.code, "corrupt");
  assert.equal(notices.length, 1);
  const whole = await jsonOf<Page>(await app.request(RECORDS));
  assert.deepEqual([offsets(whole), whole.next], [[0], 1]);
  await problemOf(await app.request(`${RECORDS}?from=1`), 500, "corrupt");
  await problemOf(await app.request(`${RECORDS}/1`), 500, "corrupt");
  const batches = await app.request(RECORDS, BATCHES);
  assert.equal(batches.headers.get("seglog-next"), "1");
  await problemOf(await app.request(`${RECORDS}?from=1`, BATCHES), 500, "corrupt");
});

test("batches are those that overlap the range, whole, and carry on at Seglog-Next", async () => {
  await using opened = await filled();
  const read = async (query: string) => {
    const response = await opened.app.request(`${RECORDS}?${query}`, BATCHES);
    assert.equal(response.status, 200);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const found: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const batch = decodeBatch(bytes, at, 0);
      assert.ok(typeof batch !== "string", String(batch));
      found.push([...batch.records()].map(({ offset, text }) => `${offset}:${text}`).join(" "));
      at += batch.bytes.length;
    }
    return [found, Number(response.headers.get("seglog-next"))];
  };
  assert.deepEqual(await read("from=3&until=5"), [["2:2 3:3", "4:4 5:5"], 5]);
  assert.deepEqual(await read("from=0&maxBytes=1"), [["0:0 1:1"], 2]);
  assert.deepEqual(await read("from=9"), [["8:8 9:9"], 10]);
  assert.deepEqual(await read("from=10"), [[], 10]);
  assert.deepEqual(await read("reverse=true&maxBytes=1"), [["8:8 9:9"], 8]);
  assert.deepEqual(await read("reverse=true&from=3&until=5"), [["4:4 5:5", "2:2 3:3"], 3]);
  assert.deepEqual(await read("from=end&wait=10ms"), [[], 10]);
  const waiting = read("from=10&wait=60s");
  await opened.store.append("orders", [{ value: "ten" }]);
  assert.deepEqual(await waiting, [["10:ten"], 11]);
});

test("batches that were appended compressed are read as they are", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const text = "again ".repeat(1000);
  const batch = decodeBatch(encodeBatch([{ value: text }], { nowMs: 1, codec: "zstd" }), 0, 0);
  assert.ok(typeof batch !== "string");
  await store.appendBatch("orders", batch);
  const bytes = new Uint8Array(await (await app.request(RECORDS, BATCHES)).arrayBuffer());
  assert.ok(bytes.length < 500);
  const back = decodeBatch(bytes, 0, 0);
  assert.ok(typeof back !== "string");
  assert.equal([...back.records()][0]!.text, text);
});

test("what a client accepts decides, by its weights", async () => {
  await using opened = await filled();
  const typeFor = async (accept: string) => {
    const response = await opened.app.request(RECORDS, { headers: { accept } });
    await response.body?.cancel();
    return response.headers.get("content-type");
  };
  assert.equal(await typeFor("*/*"), "application/json");
  assert.equal(await typeFor("application/*"), "application/json");
  assert.equal(await typeFor("text/*"), "text/event-stream");
  assert.equal(await typeFor("text/html, application/xhtml+xml, */*;q=0.8"), "application/json");
  assert.equal(
    await typeFor("application/json;q=0.5, application/x-ndjson"),
    "application/x-ndjson",
  );
  const response = await opened.app.request(RECORDS, { headers: { accept: "image/png" } });
  await problemOf(response, 406, "not-acceptable");
});

test("HEAD says what GET would, without a body", async () => {
  await using opened = await filled();
  for (const init of [{}, NDJSON, BATCHES, { headers: { accept: "text/event-stream" } }]) {
    const response = await opened.app.request(RECORDS, { ...init, method: "HEAD" });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("seglog-next-offset"), "10");
    assert.equal(await response.text(), "");
  }
  const missing = await opened.app.request("/v1/topics/none", { method: "HEAD" });
  assert.equal(missing.status, 404);
});

test("one record is its shape, or its value as it is", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const bytes = Uint8Array.of(0, 1, 255);
  await store.append("orders", [
    { key: "k", value: bytes, timestamp: 0 },
    { value: "" },
    { value: null },
  ]);
  const shape = await jsonOf(await app.request(`${RECORDS}/0`));
  assert.deepEqual([shape.key, shape.type, shape.value], ["k", "bytes", "AAH/"]);
  const raw = (offset: number) =>
    app.request(`${RECORDS}/${offset}`, { headers: { accept: "application/octet-stream" } });
  const value = await raw(0);
  assert.deepEqual([...new Uint8Array(await value.arrayBuffer())], [...bytes]);
  assert.equal(value.headers.get("content-type"), "application/octet-stream");
  assert.equal(value.headers.get("seglog-timestamp"), "1970-01-01T00:00:00.000Z");
  const empty = await raw(1);
  assert.deepEqual([empty.status, await empty.text()], [200, ""]);
  const tombstone = await raw(2);
  assert.deepEqual([tombstone.status, await tombstone.text()], [204, ""]);
});

test("offsets that are none are 400, those that are not there 404, 410 or 416", async () => {
  await using opened = await filled();
  const { app, store } = opened;
  const one = (offset: string) => app.request(`${RECORDS}/${offset}`);
  for (const bad of ["-1", "1e99", "9007199254740993", "99999999999999999999", "x", "0x1", "1.0"]) {
    await problemOf(await one(bad), 400, "invalid-argument");
  }
  await problemOf(await one("10"), 416, "offset-out-of-range");
  await problemOf(await one("9007199254740991"), 416, "offset-out-of-range");
  await store.truncate("orders", { before: 2 });
  await problemOf(await one("1"), 410, "offset-out-of-range");
  await store.truncate("orders", { after: 7 });
  await store.append("orders", [{ value: "x" }]);
  await problemOf(await one("8"), 404, "not-found");
});
