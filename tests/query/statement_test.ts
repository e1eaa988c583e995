/** What is taken for one statement that reads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { oneStatement } from "../../core/query/statement.ts";
import { throwsWith } from "./throws_with.ts";

test("one statement is taken, without what ends it", () => {
  const same = [
    "select 1",
    "SELECT 1",
    "with x as (select 1) select * from x",
    "values (1), (2)",
    "select ';' || \";\" || `;` from [;]",
    "select 'it''s; fine'",
    "select /* ; */ 1",
    "select 1 -- ; not the end\n + 1",
  ];
  for (const sql of same) assert.equal(oneStatement(sql), sql);
  assert.equal(oneStatement("select 1;"), "select 1");
  assert.equal(oneStatement(";; select 1 ; ; -- end"), "select 1");
  assert.equal(oneStatement("-- first\n/* ; */ select 1"), "select 1");
  assert.equal(oneStatement("select 1 -- end"), "select 1");
  assert.equal(oneStatement("select 1 /* no end"), "select 1");
});

test("several statements, none, and those that do not read are refused, with what to do", () => {
  const refused: [string, RegExp][] = [
    ["select 1; select 2", /several statements/],
    ["select 1;;/* */delete from x", /several statements/],
    ["", /no statement/],
    [" -- nothing\n;", /no statement/],
    ["delete from x", /begins with "delete", and a query only reads/],
    ["  PRAGMA table_list", /begins with "pragma"/],
    ["attach 'x' as y", /begins with "attach"/],
    ["explain select 1", /explain is an option/],
    ["(select 1)", /begins with/],
    ["select 1\0", /NUL/],
    ["select '\ud800'", /Unicode/],
    [`select ${"1,".repeat(40_000)}1`, /longer than 65536/],
  ];
  for (const [sql, why] of refused) {
    throwsWith("invalid-argument", why, () => oneStatement(sql));
  }
});
