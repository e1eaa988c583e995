/** `query` on a folder and on a server. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { tempDir } from "../support/temp_dir.ts";
import { type FakeOptions, runMain } from "./fake_io.ts";

function at(path: string) {
  return (args: string[], options: Omit<FakeOptions, "at"> = {}) =>
    runMain(args, { at: path, ...options });
}

async function fill(store: Store): Promise<void> {
  await store.append("orders", [
    { key: "u1", value: '{"sku":"a","qty":2,"id":9007199254740993}', type: "json" },
    { key: "u2", value: '{"sku":"b","qty":5,"id":2}', type: "json" },
    { key: "u1", value: '{"sku":"a","qty":1,"id":3}', type: "json" },
  ]);
  await store.append("odd", [{ value: 'tab\tand "quote", and\nline' }, { value: null }, {
    value: Uint8Array.of(0, 255),
  }]);
}

const BY_SKU = "select value ->> '$.sku' sku, sum(value ->> '$.qty') qty from orders group by sku";

for (const where of ["a folder", "a server"]) {
  describe(`query on ${where}`, () => {
    async function open() {
      const dir = tempDir();
      const store = await Store.open(dir.path);
      await fill(store);
      if (where === "a folder") await store.close();
      const server = where === "a folder" ? undefined : await serve(store, { port: 0 });
      return {
        run: at(server?.url ?? dir.path),
        async [Symbol.asyncDispose]() {
          await server?.close();
          await store.close();
          await dir[Symbol.asyncDispose]();
        },
      };
    }

    test("writes lines for programs, JSON and CSV where asked, and a table for people", async () => {
      await using own = await open();
      assert.deepEqual(await own.run(["query", BY_SKU]), {
        code: 0,
        out: "sku\tqty\na\t3\nb\t5\n",
        err: "",
      });
      const ids = "select offset, value ->> '$.id' id from orders where offset < 2 order by offset";
      assert.equal(
        (await own.run(["query", ids, "-J"])).out,
        '{"offset":0,"id":9007199254740993}\n{"offset":1,"id":2}\n',
      );
      assert.equal(
        (await own.run(["query", ids, "--csv"])).out,
        "offset,id\n0,9007199254740993\n1,2\n",
      );
      const shown = await own.run(["query", BY_SKU], { isTerminal: true, env: { NO_COLOR: "1" } });
      assert.match(shown.out, /^sku\s+qty\s*\na\s+3\nb\s+5\n$/);
    });

    test("writes what is not plain so that it can be told apart", async () => {
      await using own = await open();
      const sql = "select offset, value from odd order by offset";
      assert.equal(
        (await own.run(["query", sql])).out,
        'offset\tvalue\n0\ttab and "quote", and line\n1\t\n2\tAP8=\n',
      );
      assert.equal(
        (await own.run(["query", sql, "--csv"])).out,
        'offset,value\n0,"tab\tand ""quote"", and\nline"\n1,\n2,AP8=\n',
      );
      assert.equal(
        (await own.run(["query", sql, "-J"])).out,
        '{"offset":0,"value":"tab\\tand \\"quote\\", and\\nline"}\n{"offset":1,"value":null}\n' +
          '{"offset":2,"value":{"base64":"AP8="}}\n',
      );
      const shown = await own.run(["query", "select char(27) || '[31m' x, null y"], {
        isTerminal: true,
        env: { NO_COLOR: "1" },
      });
      assert.match(shown.out, /\ufffd\[31m\s+NULL/);
    });

    test("takes parameters, a limit, and a statement from standard input", async () => {
      await using own = await open();
      const sql = "select offset from orders where key = :key and offset >= $from order by 1";
      const given = ["--param", "key=u1", "--param", "from=1"];
      assert.equal((await own.run(["query", sql, ...given])).out, "offset\n2\n");
      const { out } = await own.run(
        ["query", "select typeof(:a) a, typeof(:b) b, :c c", "-J"].concat(
          ["--param", "a=1", "--param", "b=01", "--param", "c=x=y"],
        ),
      );
      assert.equal(out, '{"a":"integer","b":"text","c":"x=y"}\n');
      const limited = await own.run(["query", "-", "--limit", "1"], {
        input: "select offset\nfrom orders; -- all of them\n",
      });
      assert.deepEqual(limited, { code: 0, out: "offset\n0\n", err: "" });
    });

    test("shows a plan, by an index that was asked for", async () => {
      await using own = await open();
      const plan = ["query", "select * from orders where value ->> '$.sku' = 'a'", "--explain"];
      assert.match((await own.run(plan)).out, /^SCAN orders\n$/);
      assert.match((await own.run(["query", "indexes", "ls", "orders"])).err, /only\n$/);
      const added = await own.run(["query", "indexes", "add", "orders", "$.sku"]);
      assert.deepEqual([added.code, added.out], [0, ""]);
      assert.match((await own.run(plan)).out, /^SEARCH orders USING INDEX .*\$\.sku/);
      assert.equal((await own.run(["query", "indexes", "ls", "orders"])).out, "$.sku\n");
      assert.equal((await own.run(["query", "indexes", "rm", "orders", "$.sku"])).code, 0);
      assert.equal((await own.run(["query", "indexes", "rm", "orders", "$.sku"])).code, 3);
      assert.match((await own.run(plan)).out, /^SCAN orders\n$/);
    });

    test("says what is wrong, and how to put it right", async () => {
      await using own = await open();
      const wrong: [string[], number, RegExp][] = [
        [["selec 1"], 2, /begins with "selec", and a query only reads/],
        [
          ["select qty from orders"],
          2,
          /no such column: qty; what is in a value is value ->> '\$\.qty'/,
        ],
        [["select * from order_s"], 3, /no such topic/],
        [["delete from orders"], 2, /only reads/],
        [["select 1", "-J", "--csv"], 2, /not both/],
        [["select 1", "--limit", "0"], 2, /whole number from 1 on/],
        [["select 1", "--timeout", "soon"], 2, /duration/],
        [["indexes", "add", "orders", "sku"], 2, /a path such as \$\.user\.id/],
        [["indexes", "add", "none", "$.a"], 3, /no such topic/],
        [
          ["with recursive t(x) as (select 1 union all select x + 1 from t) select max(x) from t"]
            .concat(["--timeout", "300ms"]),
          1,
          /within 300 ms/,
        ],
      ];
      for (const [words, code, why] of wrong) {
        const ended = await own.run(["query", ...words]);
        assert.equal(ended.code, code, `${words}: ${ended.err}`);
        assert.match(ended.err, why);
        assert.equal(ended.out, "");
      }
      assert.match((await own.run(["query"])).err, /Filter, group and count records, by SQL/);
    });
  });
}

test("query works beside the server that owns the folder, and on one that cannot be written", async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  await fill(store);
  const run = at(dir.path);
  const count = async () => (await run(["query", "select count(*) from orders"])).out;
  assert.equal(await count(), "count(*)\n3\n");
  await store.append("orders", [{ value: "more" }]);
  assert.equal(await count(), "count(*)\n4\n");
  const refused = await run(["query", "indexes", "add", "orders", "$.sku"]);
  assert.equal(refused.code, 6); // who holds it is told
  fs.rmSync(join(dir.path, "orders-0", "query.hint"));
  fs.mkdirSync(join(dir.path, "orders-0", "query.hint")); // whoever runs the tests may write anywhere
  assert.equal(await count(), "count(*)\n4\n");
});
