/** Statements that mean harm: each is refused or ended in time, and nobody else notices. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { SeglogError, Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import { jsonRecords, openQueries } from "./query_support.ts";
import { rejects } from "./throws_with.ts";

const REFUSED = ["invalid-argument", "not-found"];
const ENDED = ["request-timeout", "too-large"];
/** Of a statement that has no end; others have the time that they need. */
const TIMEOUT_MS = 250;
/** Until a process that is ended is gone, and more where the machine has other things to do. */
const GRACE_MS = 30_000;

/** It waits for the end of many that have none. */
const LONG = { timeout: 120_000 };

const FOREVER = "with recursive t(x) as (select 1 union all select x + 1 from t)";

/** Statements with the codes that they may be answered with; none means that they may well work. */
const HOSTILE: readonly (readonly [sql: string, codes: readonly string[]])[] = [
  // Without an end.
  [`${FOREVER} select count(*) from t`, ENDED],
  [`${FOREVER} select x from t where x < 0`, ENDED],
  [`${FOREVER} select max(x) over (order by x) from t`, ENDED],
  ["select count(*) from t a, t b, t c, t d, t e", ENDED],
  ["select count(*) from t a, t b, t c where a.value || b.value || c.value like '%zz%'", ENDED],
  [
    "select 1 where 'a' || hex(zeroblob(500000)) like '%' || replace(hex(zeroblob(20000)), '0', 'a%') || 'b'",
    [
      ...REFUSED,
      ...ENDED,
    ],
  ],
  // Without bounds.
  ["select randomblob(1000000000)", ENDED],
  ["select length(zeroblob(2000000000))", ENDED],
  ["select hex(zeroblob(900000000))", ENDED],
  ["select printf('%.*c', 2000000000, 'x')", ENDED],
  ["select replace(hex(zeroblob(10000000)), '0', 'xxxxxxxxxxxxxxxx')", ENDED],
  [`${FOREVER} select group_concat(hex(randomblob(1000))) from t`, ENDED],
  [`${FOREVER} select json_group_array(x) from t`, ENDED],
  [`${FOREVER} select randomblob(100000) b from t order by b`, ENDED],
  [`${FOREVER} select distinct randomblob(100000) from t`, ENDED],
  [
    "with recursive t(x) as (select randomblob(1000) union select randomblob(1000) from t) select count(*) from t",
    ENDED,
  ],
  [`${FOREVER} select randomblob(1000000) from t`, ENDED],
  [`select ${Array.from({ length: 3000 }, (_, i) => i).join()}`, REFUSED],
  [`select ${"(".repeat(5000)}1${")".repeat(5000)}`, REFUSED],
  [`select 1 ${"union all select 1 ".repeat(3000)}`, REFUSED],
  // Writes.
  ["delete from t", REFUSED],
  ["update t set value = 1", REFUSED],
  ["insert into t (offset) values (1)", REFUSED],
  ["with x as (select 1) delete from t", REFUSED],
  ["with x as (select 1) insert into v0.t (offset) select * from x", REFUSED],
  ["with x as (select 1) update t set value = 2 returning *", REFUSED],
  ["drop table t", REFUSED],
  ["create temp table x (y)", REFUSED],
  ["vacuum into '/tmp/seglog-hostile'", REFUSED],
  ["begin", REFUSED],
  ["reindex", REFUSED],
  // Ways out.
  ["attach '/etc/passwd' as x", REFUSED],
  ["pragma query_only = off", REFUSED],
  ["select * from pragma_query_only(0)", REFUSED],
  ["select * from pragma_database_list", REFUSED],
  ["select * from pragma_hard_heap_limit(0)", REFUSED],
  ["select * from pragma_table_list", REFUSED],
  ["select load_extension('/tmp/x.so')", REFUSED],
  ["select readfile('/etc/passwd')", REFUSED],
  ["select writefile('/tmp/seglog-hostile', 'x')", REFUSED],
  ["select edit('x')", REFUSED],
  ["select fts3_tokenizer('simple')", REFUSED],
  ["select * from sqlite_schema", REFUSED],
  ["select * from v0.sqlite_schema, t", REFUSED],
  ["select * from sqlite_temp_schema", REFUSED],
  ["select * from t, v0.__seglog_positions", REFUSED],
  ["select * from t, __seglog_view", REFUSED],
  ["select * from t union all select 1,2,3,4,5,6,7,8,9 from __seglog_positions", REFUSED],
  ["select 1; delete from t", REFUSED],
  ["select 1) ; delete from t; select (1", REFUSED],
  ["select 1) union select (2", REFUSED],
  ["select * from t -- ) limit 1", []],
];

test("hostile statements are refused or ended in time, and change nothing", LONG, async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  await store.append("t", jsonRecords(1000));
  await using own = openQueries(store);
  const count = async () => (await own.ask("select count(*), sum(offset) from t")).rows;
  assert.deepEqual(await count(), [[1000, 499500]]);
  const memory = process.memoryUsage().rss;
  for (const [sql, codes] of HOSTILE) {
    const timeoutMs = codes === ENDED ? TIMEOUT_MS : 20_000;
    const startMs = performance.now();
    let code = "";
    try {
      await own.ask(sql, [], { timeoutMs });
    } catch (error) {
      assert.ok(error instanceof SeglogError, `${sql}: ${error}`);
      code = error.code;
      assert.ok(!error.message.includes(dir.path), `${sql} tells where files are`);
    }
    const shown = `${sql.slice(0, 100)}: ${code}`;
    if (codes.length === 0) assert.equal(code, "", shown);
    else assert.ok(codes.includes(code), shown);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < timeoutMs + GRACE_MS, `${shown} took ${tookMs} ms`);
    assert.deepEqual(await count(), [[1000, 499500]], shown);
  }
  assert.ok(process.memoryUsage().rss - memory < 400 * 2 ** 20, "the memory is others'");
  assert.ok(!fs.existsSync("/tmp/seglog-hostile"));
  assert.deepEqual(
    fs.readdirSync(join(dir.path, "t-0")).filter((name) => /\.sqlite/.test(name)),
    [],
  );
});

test("a query beside one that never ends is answered meanwhile", async () => {
  await using store = await Store.memory();
  await store.append("t", jsonRecords(10));
  await using own = openQueries(store);
  await own.ask("select 1 from t");
  let isOver = false;
  const endless = own.ask(`${FOREVER} select count(*) from t`, [], { timeoutMs: 60_000 })
    .finally(() => isOver = true);
  endless.catch(() => {});
  assert.deepEqual((await own.ask("select count(*) from t")).rows, [[10]]);
  assert.equal(isOver, false);
  await own.workers.close();
  await rejects(
    "closed",
    /stops|ended/,
    endless.catch((error) => {
      throw error instanceof SeglogError ? error : new SeglogError("closed", `ended: ${error}`);
    }),
  );
});

test("one owner of queries never has all processes", async () => {
  await using store = await Store.memory();
  await using own = openQueries(store);
  await using other = openQueries(store, own.workers);
  const endless = Array.from({ length: 6 }, () => {
    const asked = own.ask(`${FOREVER} select count(*) from t`, [], { timeoutMs: 60_000 });
    return asked.catch((error) => error.code);
  });
  assert.deepEqual((await other.ask("select 1")).rows, [[1]]);
  await own.workers.close();
  assert.deepEqual(new Set(await Promise.all(endless)), new Set(["closed"]));
});

test("more queries than there are processes wait for their turn, and no more than are allowed", async () => {
  await using store = await Store.memory();
  await using own = openQueries(store);
  const all = await Promise.allSettled(
    Array.from({ length: 80 }, (_, i) => own.ask(`select ${i}`)),
  );
  const refused = all.filter((one) => one.status === "rejected");
  assert.equal(all.length - refused.length, 66); // two of three processes, and 64 that wait
  for (const { reason } of refused) assert.equal((reason as SeglogError).code, "overloaded");
});
