/** Queries over HTTP. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { describe, test } from "node:test";
import { Store } from "../../mod.ts";
import { createService } from "../../server/app.ts";
import { jsonRecords } from "../query/query_support.ts";
import { tempDir } from "../support/temp_dir.ts";
import { openGuarded } from "./access/access_support.ts";
import { jsonOf, jsonRequest, openServer, problemOf } from "./support.ts";

interface Rows {
  readonly columns: string[];
  readonly rows: unknown[][];
  readonly truncated: boolean;
  readonly tookMs: number;
  readonly offsets: Record<string, Record<string, number>>;
}

/** It asks no topic, for whose view it would have to wait. */
const ENDLESS =
  "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t";

/** An app whose processes are ended with it. */
async function openApp() {
  const store = await Store.memory();
  const service = createService(store, {});
  const ask = async (body: unknown, headers: Record<string, string> = {}) => {
    const init = jsonRequest("POST", body);
    return await service.app.request("/v1/query", {
      ...init,
      headers: { ...init.headers as Record<string, string>, ...headers },
    });
  };
  return {
    ...{ store, ask, app: service.app },
    async [Symbol.asyncDispose]() {
      await service.close();
      await store.close();
    },
  };
}

describe("POST /v1/query", () => {
  test("answers columns and rows, and how far they reach", async () => {
    await using own = await openApp();
    await own.store.append("orders", jsonRecords(20));
    const answer = await jsonOf<Rows>(
      await own.ask({
        sql: "select key, count(*) n from orders where offset >= :from group by key order by key",
        params: { from: 10 },
        limit: 2,
      }),
    );
    assert.deepEqual(answer.columns, ["key", "n"]);
    assert.deepEqual(answer.rows, [["k0", 1], ["k1", 1]]);
    assert.equal(answer.truncated, true);
    assert.deepEqual(answer.offsets, { orders: { "0": 20 } });
    assert.equal(typeof answer.tookMs, "number");
  });

  test("gives integers of 64 bits with all their digits, and takes them so", async () => {
    await using own = await openApp();
    await own.store.append("t", [{ value: '{"id":9223372036854775807}', type: "json" }]);
    const sql = "select value ->> '$.id' id from t where id = ?";
    const answer = await own.ask(`{"sql":${JSON.stringify(sql)},"params":[9223372036854775807]}`);
    assert.match(await answer.text(), /"rows":\[\[9223372036854775807\]\]/);
  });

  test("streams a row a line where NDJSON is wanted", async () => {
    await using own = await openApp();
    for (let i = 0; i < 5; i++) await own.store.append("t", jsonRecords(1000, i * 1000));
    const lines = { accept: "application/x-ndjson" };
    const answer = await own.ask({ sql: "select offset, key, offset from t order by 1" }, lines);
    assert.equal(answer.headers.get("content-type"), "application/x-ndjson");
    const rows = (await answer.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.equal(rows.length, 5000);
    assert.deepEqual(rows[4321], { "offset": 4321, "key": "k1", "offset:3": 4321 });
    const none = await own.ask({ sql: "select 1 from t where 0" }, lines);
    assert.deepEqual([none.status, await none.text()], [200, ""]);
    await problemOf(await own.ask({ sql: "selec" }, lines), 400, "invalid-argument");
  });

  test("explains how it would be run", async () => {
    await using own = await openApp();
    await own.store.append("t", jsonRecords(1));
    const answer = await jsonOf<Rows>(
      await own.ask({ sql: "select * from t where key = 'a'", explain: true }),
    );
    assert.match(String(answer.rows[0]![3]), /SEARCH t USING INDEX .*key/);
  });

  test("tells what is wrong: the body, the statement, the topic, the time, the size", async () => {
    await using own = await openApp();
    await own.store.append("t", jsonRecords(10));
    const wrong: [unknown, number, string, RegExp][] = [
      ["{", 400, "invalid-argument", /Cannot read the body/],
      [{}, 400, "invalid-argument", /sql must be a string/],
      [{ sql: "select 1", limits: 1 }, 400, "invalid-argument", /limits is not known/],
      [{ sql: "select 1", limit: 0 }, 400, "invalid-argument", /limit must be/],
      [{ sql: "select 1", timeoutMs: 1e9 }, 400, "invalid-argument", /timeoutMs must be/],
      [{ sql: "select 1", explain: 1 }, 400, "invalid-argument", /explain must be/],
      [{ sql: "select 1", params: 1 }, 400, "invalid-argument", /params must be/],
      [{ sql: "select * from t t t" }, 400, "invalid-argument", /syntax error/],
      [{ sql: "drop table t" }, 400, "invalid-argument", /only reads/],
      [{ sql: "select * from none" }, 404, "not-found", /no such topic/],
      [{ sql: 'select * from "__seglog/query-indexes"' }, 404, "not-found", /keeps it for itself/],
      [
        { sql: ENDLESS, timeoutMs: 300 },
        408,
        "request-timeout",
        /within 300 ms/,
      ],
      [
        { sql: "select hex(zeroblob(7000000)) from t", limit: 10, timeoutMs: 60_000 },
        413,
        "too-large",
        /more than a query may/,
      ],
    ];
    for (const [body, status, code, detail] of wrong) {
      const problem = await problemOf(await own.ask(body), status, code);
      assert.match(problem.detail, detail, JSON.stringify(body));
    }
    assert.equal((await own.app.request("/v1/query")).status, 405);
  });

  test("is ended when the server stops, and its processes with it", async () => {
    const own = await openServer();
    const endless = fetch(
      `${own.url}/v1/query`,
      jsonRequest("POST", {
        sql: ENDLESS,
        timeoutMs: 60_000,
      }),
    );
    const first = await fetch(`${own.url}/v1/query`, jsonRequest("POST", { sql: "select 1" }));
    assert.equal(first.status, 200);
    await first.body?.cancel();
    const closing = own[Symbol.asyncDispose]();
    const answer = await endless.catch(() => undefined);
    if (answer !== undefined) await problemOf(answer, 503, "closed");
    await closing;
  });
});

describe("who queries", () => {
  test("sees the topics that may be consumed, and no others", async () => {
    await using guarded = await openGuarded();
    await guarded.store.append("orders.eu", jsonRecords(2));
    await guarded.store.append("orders.us", jsonRecords(3));
    await guarded.store.append("users", [{ value: "secret" }]);
    const reader = await guarded.somebody({ name: "reader", grants: "consume:orders.*" });
    const writer = await guarded.somebody({ name: "writer", grants: "produce:orders.*" });
    const query = (sql: string) => jsonRequest("POST", { sql });
    const both = query('select (select count(*) from "orders.eu") + count(*) from "orders.us"');
    assert.deepEqual((await jsonOf<Rows>(await reader("/v1/query", both))).rows, [[5]]);
    const users = query("select * from users");
    assert.deepEqual(
      (await jsonOf<Rows>(await guarded.operator("/v1/query", users))).rows.length,
      1,
    );
    await problemOf(await reader("/v1/query", users), 403, "forbidden");
    await problemOf(await reader("/v1/query", query("select * from none")), 403, "forbidden");
    const none = await reader("/v1/query", query('select * from "orders.uk"'));
    const { detail } = await problemOf(none, 404, "not-found");
    assert.match(detail, /there is "orders.eu", "orders.us"$/);
    await problemOf(
      await reader("/v1/query", query('select * from "orders.eu" union select * from users')),
      403,
      "forbidden",
    );
    await problemOf(await writer("/v1/query", both), 403, "forbidden");
    await problemOf(await guarded.stranger("/v1/query", both), 401, "unauthenticated");
  });

  test("of one tenant sees nothing of another, though topics have the same name", async () => {
    await using guarded = await openGuarded();
    const ann = await guarded.somebody({ name: "ann", tenant: "a", grants: "admin" });
    const bob = await guarded.somebody({ name: "bob", tenant: "b", grants: "admin" });
    const append = (text: string) => jsonRequest("POST", { value: text });
    assert.equal((await ann("/v1/topics/t/records", append("of ann"))).status, 200);
    assert.equal((await bob("/v1/topics/t/records", append("of bob"))).status, 200);
    const all = jsonRequest("POST", { sql: "select value from t" });
    for (const [who, value] of [[ann, "of ann"], [bob, "of bob"], [ann, "of ann"]] as const) {
      assert.deepEqual((await jsonOf<Rows>(await who("/v1/query", all))).rows, [[value]]);
    }
    await problemOf(await guarded.operator("/v1/query", all), 404, "not-found");
  });
});

describe("what a query takes", () => {
  test("counts as read by its tenant: what is answered, and not what its view takes in", async () => {
    await using guarded = await openGuarded();
    const ann = await guarded.somebody({ name: "ann", tenant: "a", grants: "admin" });
    const records = jsonRecords(200).map(({ value }) => ({ value: JSON.parse(value) }));
    await ann("/v1/topics/t/records", jsonRequest("POST", records));
    const quota = jsonRequest("PUT", { bytesPerSecond: 3000 });
    await guarded.operator("/v1/tenants/a/quota", quota);
    const small = jsonRequest("POST", { sql: "select count(*) from t" });
    for (let i = 0; i < 3; i++) {
      assert.deepEqual((await jsonOf<Rows>(await ann("/v1/query", small))).rows, [[200]]);
    }
    const large = jsonRequest("POST", { sql: "select a.value from t a, t b limit 900" });
    assert.equal((await jsonOf<Rows>(await ann("/v1/query", large))).rows.length, 900);
    await problemOf(await ann("/v1/query", small), 429, "quota-exceeded");
  });

  test("is for servers that read", async () => {
    await using store = await Store.memory();
    const service = createService(store, { role: "ingest" });
    const query = jsonRequest("POST", { sql: "select 1" });
    await problemOf(await service.app.request("/v1/query", query), 403, "wrong-role");
    await service.close();
  });
});

test("the view of a tenant's topic on disk is beside the topic", async () => {
  await using dir = tempDir();
  await using guarded = await openGuarded({}, await Store.open(dir.path));
  const ann = await guarded.somebody({ name: "ann", tenant: "a", grants: "admin" });
  await ann("/v1/topics/t/records", jsonRequest("POST", { value: 1 }));
  const all = jsonRequest("POST", { sql: "select value from t" });
  assert.deepEqual((await jsonOf<Rows>(await ann("/v1/query", all))).rows, [["1"]]);
  const files = fs.readdirSync(dir.path, { recursive: true }).map(String);
  const [view, ...others] = files.filter((name) => name.endsWith("query.hint"));
  assert.match(view!, /^__seglog%2F.*t-0.query\.hint$/);
  assert.deepEqual(others, []);
});

describe("indexes over HTTP", () => {
  test("are listed, added and removed, by those who may", async () => {
    await using guarded = await openGuarded();
    await guarded.store.append("orders", jsonRecords(100));
    const reader = await guarded.somebody({ name: "reader", grants: "consume" });
    const path = "/v1/topics/orders/indexes";
    const add = jsonRequest("POST", { path: "$.user.id" });
    const indexes = async (answer: Response) =>
      (await jsonOf<{ indexes: string[] }>(answer)).indexes;
    assert.deepEqual(await indexes(await reader(path)), []);
    await problemOf(await reader(path, add), 403, "forbidden");
    assert.deepEqual(await indexes(await guarded.operator(path, add)), ["$.user.id"]);
    assert.deepEqual(await indexes(await reader(path)), ["$.user.id"]);
    const plan = await jsonOf<Rows>(
      await reader(
        "/v1/query",
        jsonRequest("POST", {
          sql: "select count(*) from orders where value ->> '$.user.id' = 'u1'",
          explain: true,
        }),
      ),
    );
    assert.match(String(plan.rows[0]![3]), /^SEARCH/);
    const bad = jsonRequest("POST", { path: "user.id" });
    await problemOf(await guarded.operator(path, bad), 400, "invalid-argument");
    const remove = { method: "DELETE" };
    await problemOf(await guarded.operator(path, remove), 400, "invalid-argument");
    const one = `${path}?path=${encodeURIComponent("$.user.id")}`;
    assert.deepEqual(await indexes(await guarded.operator(one, remove)), []);
    await problemOf(await guarded.operator(one, remove), 404, "not-found");
    await problemOf(await guarded.operator("/v1/topics/none/indexes"), 404, "not-found");
  });
});
