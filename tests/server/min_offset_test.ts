/** `min-offset` and `min-revision`, wherever the server is read. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createService } from "../../server/app.ts";
import { Store } from "../../mod.ts";
import { eventsOf } from "./event_reader.ts";
import { kv, put } from "./kv_support.ts";
import { openSocket } from "./raw_socket.ts";
import { jsonOf, jsonRequest, openApp, openServer, type Page, problemOf } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";
const LATE = "min-offset=2&min-offset-wait=30ms";
const TYPES = ["application/json", "application/x-ndjson", "application/vnd.seglog.batch"];

function accept(type: string): RequestInit {
  return { headers: { accept: type } };
}

describe("min-offset", () => {
  test("a page has what came while it waited", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await store.append("orders", [{ value: "a" }]);
    const waiting = app.request(`${RECORDS}?min-offset=3`);
    await store.append("orders", [{ value: "b" }, { value: "c" }]);
    const { records, nextOffset } = await jsonOf<Page>(await waiting);
    assert.deepEqual([records.length, nextOffset], [3, 3]);
    assert.equal((await jsonOf<Page>(await app.request(`${RECORDS}?min-offset=3`))).next, 3);
  });

  test("every format says 503 when it does not come in time, when to ask again, and why", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await store.append("orders", [{ value: "a" }]);
    for (const type of [...TYPES, "text/event-stream"]) {
      const response = await app.request(`${RECORDS}?${LATE}`, accept(type));
      assert.equal(response.headers.get("retry-after"), "1");
      const problem = await problemOf(response, 503, "unavailable");
      assert.deepEqual([problem.minOffset, problem.nextOffset], [2, 1]);
      assert.equal(problem.retryable, true);
    }
    for (const path of [`${RECORDS}/0?${LATE}`, `/read?partition=orders&offset=0&${LATE}`]) {
      await problemOf(await app.request(path), 503, "unavailable");
    }
  });

  test("single records and the small API wait as well", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await store.ensureTopic("orders");
    const one = app.request(`${RECORDS}/1?min-offset=2`);
    await store.append("orders", [{ value: "a" }, { value: "b" }]);
    assert.equal((await jsonOf<{ value: string }>(await one)).value, "b");
    await app.request("/publish", jsonRequest("POST", { data: 0, partition_key: "p" }));
    const small = app.request("/read?partition=p&offset=1&min-offset=2");
    await app.request("/publish", jsonRequest("POST", { data: 1, partition_key: "p" }));
    assert.equal((await jsonOf<{ data: number }>(await small)).data, 1);
  });

  test("followers begin when it is there", async () => {
    await using opened = await openServer();
    const { store, url, port } = opened;
    await store.ensureTopic("orders");
    const path = `${RECORDS}?from=end&min-offset=2&min-offset-wait=60s`;
    const stream = fetch(`${url}${path}`, accept("text/event-stream"));
    const socket = openSocket(port, path);
    await store.append("orders", [{ value: "a" }, { value: "b" }]);
    const events = eventsOf(await stream);
    const opening = await socket;
    await store.append("orders", [{ value: "c" }]);
    assert.equal((await opening.message()).offset, 2);
    opening.socket.destroy();
    for await (const { event, data } of events) {
      if (event !== "message") continue;
      assert.equal(JSON.parse(data).offset, 2);
      break;
    }
  });

  test("what is no offset and no time is refused", async () => {
    await using opened = await openApp();
    await opened.store.ensureTopic("orders");
    for (const query of ["min-offset=-1", "min-offset=end", "min-offset=1&min-offset-wait=61s"]) {
      await problemOf(await opened.app.request(`${RECORDS}?${query}`), 400, "invalid-argument");
    }
  });

  test("a query sees what its min-offsets name, as an answer told them", async () => {
    await using store = await Store.memory();
    const service = createService(store, {});
    try {
      await store.append("orders", [{ value: "a" }]);
      const ask = (minOffsets: unknown, timeoutMs = 20_000) => {
        const body = { sql: "select count(*) from orders", minOffsets, timeoutMs };
        return service.app.request("/v1/query", jsonRequest("POST", body));
      };
      const waiting = ask({ orders: { 0: 3 } });
      await store.append("orders", [{ value: "b" }, { value: "c" }]);
      const { rows, offsets } = await jsonOf<{ rows: number[][]; offsets: unknown }>(await waiting);
      assert.deepEqual(rows, [[3]]);
      assert.equal((await ask(offsets)).status, 200);
      await problemOf(await ask({ orders: { 0: 4 } }, 30), 503, "unavailable");
      await problemOf(await ask({ none: { 0: 4 } }), 404, "not-found");
      for (const wrong of [[], { orders: 3 }, { orders: { x: 3 } }, { orders: { 0: -1 } }]) {
        await problemOf(await ask(wrong), 400, "invalid-argument");
      }
    } finally {
      await service.close();
    }
  });
});

describe("min-revision", () => {
  test("a value, a page and lines wait for it", async () => {
    await using opened = await openApp();
    const { app } = opened;
    await kv(app, "b/name", put("Alice"));
    const value = kv(app, "b/name?min-revision=1");
    const list = kv(app, "b?min-revision=1");
    const lines = kv(app, "b?min-revision=1", accept("application/x-ndjson"));
    await kv(app, "b/name", put("Bob"));
    assert.equal(await (await value).text(), "Bob");
    assert.equal((await jsonOf<{ revision: number }>(await list)).revision, 1);
    assert.equal((await lines).headers.get("seglog-revision"), "1");
    await (await lines).text();
  });

  test("it is 503 when it does not come in time, and not for snapshots", async () => {
    await using opened = await openApp();
    const { app } = opened;
    await kv(app, "b/name", put("Alice"));
    for (const path of ["b/name", "b"]) {
      const late = await kv(app, `${path}?min-revision=1&min-revision-wait=30ms`);
      assert.equal(late.headers.get("retry-after"), "1");
      assert.equal((await problemOf(late, 503, "unavailable")).nextOffset, 1);
    }
    const { id } = await jsonOf<{ id: string }>(
      await kv(app, "b/snapshots", jsonRequest("POST", {})),
      201,
    );
    const both = await kv(app, `b/name?snapshot=${id}&min-revision=0`);
    await problemOf(both, 400, "invalid-argument");
  });
});
