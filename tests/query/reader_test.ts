/** What SQLite itself refuses to a query: no word of a statement is looked at before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import { jsonRecords, openView } from "./query_support.ts";

const REFUSED = [
  // What is written.
  'delete from "t"',
  'update "t" set "value" = 1',
  'with x as (select 1) insert into "t" (offset) select * from x',
  'drop table "t"',
  "create temp table x (y)",
  // What leads out of the database.
  "attach '/etc/passwd' as x",
  "pragma query_only = off",
  "select * from pragma_database_list",
  "select * from pragma_hard_heap_limit",
  "select load_extension('/tmp/x.so')",
  "select fts3_tokenizer('simple')",
  // What a view is made of.
  "select * from sqlite_schema",
  'select * from "t", v0.__seglog_positions',
  'select offset from "t" union all select next from __seglog_positions',
];

test("a reader reads topics, and reaches nothing else", async () => {
  await using dir = tempDir();
  await using store = await Store.memory();
  await store.append("t", jsonRecords(3));
  await using opened = await openView(store, "t", { folder: dir.path });
  const rows = async () => (await opened.ask('select offset from "t" order by 1')).rows;
  assert.deepEqual(await rows(), [[0], [1], [2]]);
  for (const sql of REFUSED) {
    assert.throws(() => opened.askNow(sql), /not authorized|is prohibited/, sql);
    assert.deepEqual(await rows(), [[0], [1], [2]], sql);
  }
});
