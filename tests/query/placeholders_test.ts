import assert from "node:assert/strict";
import { test } from "node:test";
import { demandParameters } from "../../core/query/placeholders.ts";

test("a statement has a value for all that stands for one", () => {
  demandParameters("select * from t where a = ? and b = ?", [1, 2]);
  demandParameters("select * from t where a = ?2 and b = ?1", [1, 2]);
  demandParameters("select * from t where a = :a and b = @b and c = $c", { a: 1, b: 2, "$c": 3 });
});

test("what looks so in text, names and comments stands for nothing", () => {
  demandParameters("select value ->> '$.a', \"x:y\", [?], `$z` from t -- :a\n/* ? */", []);
  demandParameters("select a$b from t where c='it''s :d'", []);
});

test("a value that is missing is refused by the name that it has", () => {
  const refused = (sql: string, why: RegExp, parameters: Parameters<typeof demandParameters>[1]) =>
    assert.throws(() => demandParameters(sql, parameters), why);
  refused("select :key", /no value for :key; .*--param key=VALUE/, []);
  refused("select :key", /no value for :key/, { Key: 1 });
  refused("select ?, ?", /no value for \?; .*array/, [1]);
  refused("select ?3", /no value for \?3/, [1, 2]);
});
