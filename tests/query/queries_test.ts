/** Queries over topics: which of them one sees, and what becomes of views. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isHintFile } from "../../core/store/hint_files.ts";
import { type Backend, backup, SeglogError, Store, verify } from "../../mod.ts";
import { WorkerPool } from "../../server/query/worker_pool.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { tempDir } from "../support/temp_dir.ts";
import { jsonRecords, openQueries } from "./query_support.ts";
import { rejects } from "./throws_with.ts";

test("topics are joined by what their records say", async () => {
  await using store = await Store.memory();
  await store.append("orders", [
    { value: '{"user":"u1","qty":2}', type: "json" },
    { value: '{"user":"u2","qty":5}', type: "json" },
    { value: '{"user":"u1","qty":1}', type: "json" },
  ]);
  await store.append("users/all", [
    { key: "u1", value: '{"name":"Ann"}', type: "json" },
    { key: "u2", value: '{"name":"Bob"}', type: "json" },
  ]);
  await using own = openQueries(store);
  const { columns, rows, offsets } = await own.ask(
    `select u.value ->> '$.name' name, sum(o.value ->> '$.qty') qty
     from orders o join "users/all" u on u.key = o.value ->> '$.user'
     group by name order by name`,
  );
  assert.deepEqual(columns, ["name", "qty"]);
  assert.deepEqual(rows, [["Ann", 3], ["Bob", 5]]);
  assert.deepEqual(offsets, { "orders": { 0: 3 }, "users/all": { 0: 2 } });
});

test("a query sees what was appended before it was asked", async () => {
  await using store = await Store.memory();
  await using own = openQueries(store);
  for (let i = 1; i <= 20; i++) {
    await store.append("t", jsonRecords(1, i));
    assert.deepEqual((await own.ask("select count(*) from t")).rows, [[i]]);
  }
});

test("topics that whoever asks may not read are not there for a query, in whatever words", async () => {
  await using store = await Store.memory();
  await store.append("orders.eu", jsonRecords(3));
  await store.append("secret", [{ value: "hidden" }]);
  await using own = openQueries(store);
  const demand = (topic: string) => {
    if (!topic.startsWith("orders.")) throw new SeglogError("forbidden", `not ${topic}`);
  };
  const ask = (sql: string) => own.ask(sql, [], { demand });
  await own.ask("select * from secret"); // its view is there, and open
  await own.ask('select * from secret, "orders.eu"');
  assert.deepEqual((await ask('select count(*) from "orders.eu"')).rows, [[3]]);
  const tries = [
    "select * from secret",
    "select * from SECRET",
    'select * from "secret"',
    "select * from [secret]",
    "select * from main.secret",
    "select * from v0.secret",
    'select * from "orders.eu", secret',
    'select * from "orders.eu" where exists (select 1 from secret)',
    'select (select value from secret) from "orders.eu"',
    'with s as (select * from secret) select * from s, "orders.eu"',
    'select * from "orders.eu" union all select * from secret',
    "select * from /* */ secret",
    "select * from __seglog/tokens",
    'select * from "__seglog/tokens"',
  ];
  for (const sql of tries) {
    await assert.rejects(ask(sql), (error) => {
      assert.ok(error instanceof SeglogError, sql);
      assert.ok(["forbidden", "invalid-argument"].includes(error.code), `${sql}: ${error.message}`);
      assert.ok(!error.message.includes("hidden"));
      return true;
    });
  }
  // A name of one's own is one's own.
  assert.deepEqual((await ask("with secret as (select 7 x) select * from secret")).rows, [[7]]);
});

test("what is wrong with a statement is told so that it can be put right", async () => {
  await using store = await Store.memory();
  await store.append("orders", jsonRecords(1));
  await store.append("mixed", [{ value: "text" }]);
  await store.append("a.b", jsonRecords(1));
  await using own = openQueries(store);
  const wrong: [string, string, RegExp][] = [
    ["select * fro orders", "invalid-argument", /near "fro": syntax error/],
    [
      "select qty from orders",
      "invalid-argument",
      /no such column: qty; what is in a value is value ->> '\$\.qty', .*columns are/,
    ],
    ['select * from orders where key = "u1"', "invalid-argument", /single.quotes/],
    ["select * from ORDERS", "not-found", /no such topic; there is "orders", "a\.b", "mixed"$/],
    ["select value ->> '$.x' from mixed", "invalid-argument", /column json instead of value/],
    ["select * from a.b", "invalid-argument", /double quotes: "a\.b"/],
    ["select ?, ?", "invalid-argument", /./],
    ["select * from sqlite_x", "not-found", /SQLite keeps names/],
    ["select 9223372036854775807 + abs(-9223372036854775807 - 1)", "invalid-argument", /overflow/],
  ];
  for (const [sql, code, why] of wrong) {
    const parameters = sql.includes("?") ? [1n, 2n, 3n] : [];
    await rejects(code, why, own.ask(sql, parameters));
  }
  const eleven = Array.from({ length: 11 }, (_, i) => `t${i}`);
  for (const topic of eleven) await store.append(topic, jsonRecords(1));
  await rejects("invalid-argument", /more than 10 topics/, own.ask(`select 1 from ${eleven}`));
});

test("rows are cut at the limit, and it is told", async () => {
  await using store = await Store.memory();
  await store.append("t", jsonRecords(10));
  await using own = openQueries(store);
  const ask = async (rowsMax: number) => {
    const { rows, isTruncated } = await own.ask("select offset from t order by offset desc", [], {
      rowsMax,
    });
    return [rows.length, rows[0]![0], isTruncated];
  };
  assert.deepEqual(await ask(3), [3, 9, true]);
  assert.deepEqual(await ask(10), [10, 9, false]);
  assert.deepEqual(await ask(11), [10, 9, false]);
  await rejects(
    "too-large",
    /over 100 bytes/,
    own.ask("select value from t", [], { bytesMax: 100 }),
  );
});

/** Queries over 20,000 records of topic `t`, of whose view the second half comes when it may. */
async function openSlowly() {
  const store = await Store.memory();
  for (let i = 0; i < 20; i++) await store.append("t", jsonRecords(1000, i * 1000));
  const waiting = Promise.withResolvers<void>();
  const going = Promise.withResolvers<void>();
  const batches: Backend["batches"] = async function* (topic, options) {
    for await (const batch of store.batches(topic, options)) {
      if (batch.baseOffset >= 10_000) {
        waiting.resolve();
        await going.promise;
      }
      yield batch;
    }
  };
  const clock = new FakeClock();
  const slow = changedBackend(store, { batches });
  const own = openQueries(slow, new WorkerPool({ workersMax: 1 }), clock);
  return {
    own,
    clock,
    waiting: waiting.promise,
    go: going.resolve,
    async [Symbol.asyncDispose]() {
      going.resolve();
      await own[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

test("while a view is being made, whoever does not wait for it is told how far it is", async () => {
  await using slow = await openSlowly();
  const { own, clock, waiting, go } = slow;
  const refused = rejects(
    "unavailable",
    /its view is being made, and \d+% of it is there/,
    own.ask("select count(*) from t", [], { isPatient: false, timeoutMs: 1500 }),
  );
  await Promise.race([waiting, refused]);
  clock.advance(1500);
  const error = await refused;
  assert.equal(error.details.topic, "t");
  assert.equal(error.details.total, 20_000);
  go();
  assert.deepEqual((await own.ask("select count(*) from t")).rows, [[20_000]]);
});

test("the time of whoever waits for a view counts from when it is there", async () => {
  await using slow = await openSlowly();
  const { own, clock, waiting, go } = slow;
  const answer = own.ask("select count(*) from t", [], { isPatient: true, timeoutMs: 1500 });
  await Promise.race([waiting, answer]);
  clock.advance(100_000);
  go();
  assert.deepEqual((await answer).rows, [[20_000]]);
});

test("a view whose file a reader finds damaged is made anew, and the answer is right", async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  await store.append("t", jsonRecords(3000));
  const sql = "select count(*), sum(value ->> '$.id') from t";
  {
    await using own = openQueries(store);
    assert.deepEqual((await own.ask(sql)).rows, [[3000, 4498500]]);
  }
  const path = join(dir.path, "t-0", "query.hint");
  const bytes = fs.readFileSync(path);
  fs.writeFileSync(path, bytes.fill(7, 3 * 8192, 9 * 8192));
  await using own = openQueries(store);
  assert.deepEqual((await own.ask(sql)).rows, [[3000, 4498500]]);
});

test("a view is no part of the store: verify and backup pass it by, and it goes with its topic", async () => {
  await using dir = tempDir();
  await using target = tempDir();
  const folder = join(dir.path, "t-0");
  {
    await using store = await Store.open(dir.path);
    await store.append("t", jsonRecords(10));
    await using own = openQueries(store);
    await own.ask("select * from t");
    const hints = fs.readdirSync(folder).filter(isHintFile).toSorted();
    assert.deepEqual(hints, ["query.hint", "query.hint-shm", "query.hint-wal"]);
    assert.deepEqual(verify(dir.path).problems, []);
    const { snapshot } = await backup(dir.path, target.path);
    assert.deepEqual(fs.readdirSync(join(snapshot.path, "t-0")).filter(isHintFile), []);
  }
  assert.deepEqual(fs.readdirSync(folder).filter(isHintFile), ["query.hint"]);
  await using store = await Store.open(dir.path);
  await using own = openQueries(store);
  assert.deepEqual((await own.ask("select count(*) from t")).rows, [[10]]);
  await store.deleteTopic("t");
  assert.ok(!fs.existsSync(folder));
  await rejects("not-found", /no such topic/, own.ask("select count(*) from t"));
  await store.append("t", jsonRecords(2));
  assert.deepEqual((await own.ask("select count(*) from t")).rows, [[2]]);
});

test("indexes are kept in the log: a view that is made anew has them again", async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  await store.append("t", jsonRecords(100));
  const sql = "select count(*) from t where value ->> '$.user.id' = 'u7'";
  const plan = { explain: true };
  {
    await using own = openQueries(store);
    await own.ask(sql);
    assert.deepEqual(await own.queries.views.addIndex("t", "$.user.id"), ["$.user.id"]);
    assert.match(String((await own.ask(sql, [], plan)).rows[0]![3]), /^SEARCH/);
    assert.deepEqual((await own.ask(sql)).rows, [[2]]);
    await rejects("invalid-argument", /no path/, own.queries.views.addIndex("t", "qty"));
    await rejects("not-found", /no such topic/, own.queries.views.addIndex("none", "$.a"));
  }
  fs.rmSync(join(dir.path, "t-0", "query.hint"));
  await using own = openQueries(store);
  assert.match(String((await own.ask(sql, [], plan)).rows[0]![3]), /^SEARCH/);
  assert.deepEqual(await own.queries.views.removeIndex("t", "$.user.id"), []);
  assert.match(String((await own.ask(sql, [], plan)).rows[0]![3]), /^SCAN/);
  await rejects("not-found", /there is none/, own.queries.views.removeIndex("t", "$.user.id"));
});

test("indexes that are asked for at once are all kept", async () => {
  await using store = await Store.memory();
  await store.append("t", jsonRecords(1));
  await using own = openQueries(store);
  const { views } = own.queries;
  const paths = Array.from({ length: 6 }, (_, i) => `$.a${i}`);
  await Promise.all(paths.map((path) => views.addIndex("t", path)));
  assert.deepEqual(await views.indexes("t"), paths);
});

test("a process that is killed while it makes a view leaves one to go on with", async () => {
  await using dir = tempDir();
  const script = fileURLToPath(new URL("./view_builder.ts", import.meta.url));
  await using store = await Store.open(dir.path);
  for (let i = 0; i < 20; i++) await store.append("t", jsonRecords(1000, i * 1000));
  const words = process.versions.deno === undefined ? [] : ["run", "-A", "--no-check"];
  let done = 0;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [...words, script, dir.path], { stdio: "pipe" });
    child.stderr.resume();
    const ended = new Promise((resolve) => child.on("exit", resolve));
    let isKilled = false;
    for await (const line of createInterface({ input: child.stdout })) {
      done = Math.max(done, Number(line));
      if (isKilled || done < 3000 * (round + 1)) continue;
      isKilled = true; // what it said before is still to be read, when it may be gone
      process.kill(child.pid!, "SIGKILL");
    }
    await ended;
  }
  assert.ok(done > 0);
  await using own = openQueries(store);
  const { rows } = await own.ask(
    "select count(*), count(distinct offset), sum(value ->> '$.id'), max(offset) from t",
  );
  assert.deepEqual(rows, [[20_000, 20_000, 199990000, 19_999]]);
});

test("a server that reads beside the one that writes shares its views, and has the same indexes", async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  await store.append("t", jsonRecords(100));
  await using reading = await Store.open(dir.path, { readOnly: true });
  await using writer = openQueries(store);
  await using reader = openQueries(reading, writer.workers);
  const sql = "select count(*) from t where value ->> '$.user.id' = 'u7'";
  const plan = async (own: typeof writer) =>
    String((await own.ask(sql, [], { explain: true })).rows[0]![3]);
  assert.match(await plan(reader), /^SCAN/);
  await writer.queries.views.addIndex("t", "$.user.id");
  for (let i = 0; i < 3; i++) {
    await store.append("t", jsonRecords(1, 7));
    for (const own of [reader, writer]) {
      assert.match(await plan(own), /^SEARCH/);
      assert.deepEqual((await own.ask(sql)).rows, [[3 + i]]);
    }
  }
  await rejects("read-only", /./, reader.queries.views.addIndex("t", "$.id"));
});
