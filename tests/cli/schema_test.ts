import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { tempDir } from "../support/temp_dir.ts";
import { type FakeOptions, runMain } from "./fake_io.ts";

type Run = (
  args: string[],
  options?: Omit<FakeOptions, "at">,
) => Promise<{ code: number; out: string; err: string }>;

const ORDER = {
  type: "object",
  required: ["qty"],
  properties: { qty: { type: "integer", minimum: 1 } },
};
const LOOSER = { ...ORDER, properties: { qty: { type: "integer" } } };

/** Runs commands on a folder, and on a server before such a folder, beside two files. */
const PLACES: Record<string, (use: (run: Run, files: Files) => Promise<void>) => Promise<void>> = {
  "in a folder": async (use) => {
    await using dir = tempDir();
    const at = join(dir.path, "data");
    await use((args, options = {}) => runMain(args, { at, ...options }), filesIn(dir.path));
  },
  "on a server": async (use) => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await using server = await serve(store, { port: 0 });
    const at = server.url;
    await use((args, options = {}) => runMain(args, { at, ...options }), filesIn(dir.path));
  },
};

interface Files {
  readonly order: string;
  readonly looser: string;
}

function filesIn(folder: string): Files {
  const files = { order: join(folder, "order.json"), looser: join(folder, "looser.json") };
  fs.writeFileSync(files.order, JSON.stringify(ORDER));
  fs.writeFileSync(files.looser, JSON.stringify(LOOSER, undefined, 2));
  return files;
}

for (const [place, using] of Object.entries(PLACES)) {
  describe(`schemas ${place}`, () => {
    test("add prints the version, and records are checked from then on", () =>
      using(async (run, { order, looser }) => {
        await run(["topic", "create", "other"]);
        const none = await run(["schema", "ls"]);
        assert.deepEqual([none.code, none.out], [0, ""]);
        assert.match(none.err, /has a schema/);
        const added = await run(["schema", "add", "orders", order]);
        assert.deepEqual([added.code, added.out], [0, "1\n"], added.err);
        assert.match(added.err, /version 1 of the schema of "orders", backward/);
        assert.match(
          (await run(["schema", "add", "orders", order])).err,
          /is version 1 .* already/,
        );
        const append = (value: string) => run(["append", "orders", "--format", "json", value]);
        assert.equal((await append('{"qty":2}')).out, "0\n");
        const bad = await append('{"qty":0}');
        assert.deepEqual([bad.code, bad.out], [1, ""]);
        assert.match(bad.err, /record 0 to "orders" at \/qty: must be >= 1 \(version 1/);
        const text = await run(["append", "orders", "x"]);
        assert.match(text.err, /it is text, and the topic has a schema: append it as json/);
        const lines = await run(["append", "orders", "--format", "json"], {
          input: '{"qty":3}\n{"qty":0}\n',
        });
        assert.equal(lines.code, 1);
        assert.match(lines.err, /at \/qty: .*line 2\b/);
        assert.equal((await run(["schema", "add", "orders", looser])).out, "2\n");
        assert.equal((await append('{"qty":0}')).out, "1\n");
        const { out } = await run(["read", "orders", "-J"]);
        const stamps = out.trim().split("\n").map((line) => JSON.parse(line).headers);
        assert.deepEqual(stamps, [{ "seglog-schema": "1" }, { "seglog-schema": "2" }]);
      }));

    test("ls and show say what there is, for people and for programs", () =>
      using(async (run, { order, looser }) => {
        await run(["schema", "add", "orders", order]);
        await run(["schema", "add", "orders", looser, "--compatibility", "full-transitive"])
          .then(({ code, err }) => assert.match(`${code} ${err}`, /^1 .*full-transitive/));
        await run(["schema", "add", "orders", looser]);
        await run(["schema", "add", "a/b", "-"], { input: "true" });
        const rows = (await run(["schema", "ls"])).out.split("\n").map((row) => row.split("\t"));
        assert.deepEqual(rows.map((row) => row.slice(0, 3)).slice(0, 3), [
          ["TOPIC", "VERSION", "COMPATIBILITY"],
          ["a/b", "1", "backward"],
          ["orders", "2", "backward"],
        ]);
        const [, orders] = (await run(["schema", "ls", "-J"])).out.trim().split("\n")
          .map((line) => JSON.parse(line));
        assert.deepEqual([orders.version, orders.schemaVersion, orders.topic], [1, 2, "orders"]);
        const shown = await run(["schema", "show", "orders"]);
        assert.equal(shown.out, `${JSON.stringify(LOOSER, undefined, 2)}\n`);
        const first = JSON.parse((await run(["schema", "show", "orders", "1", "-J"])).out);
        assert.deepEqual([first.version, first.schemaVersion, first.schema], [1, 1, ORDER]);
        const missing = await run(["schema", "show", "orders", "3"]);
        assert.equal(missing.code, 3);
        assert.match(missing.err, /there are 1, 2/);
        assert.equal((await run(["schema", "show", "others"])).code, 3);
      }));

    test("check changes nothing, and exits with 1 for what could not be", () =>
      using(async (run, { order, looser }) => {
        await run(["append", "orders", "--format", "json", '{"qty":0}']);
        const none = await run(["schema", "check", "orders", order]);
        assert.deepEqual([none.code, none.out], [0, "it can be version 1, backward compatible\n"]);
        const records = await run(["schema", "check", "orders", order, "-n", "10"]);
        assert.equal(records.code, 1);
        assert.match(records.out, /\n1 of 1 record does not fit, .* offset 0 .* at \/qty: must be/);
        assert.equal((await run(["schema", "ls"])).out, "");
        await run(["schema", "add", "orders", looser]);
        const refused = await run(["schema", "check", "orders", order]);
        assert.equal(refused.code, 1);
        assert.match(refused.out, /not backward compatible: it may refuse .* \/properties\/qty\//);
        const asJson = await run(["schema", "check", "orders", looser, "-J", "-n", "5"]);
        const { compatible, schemaVersion, records: { checked } } = JSON.parse(asJson.out);
        assert.deepEqual([asJson.code, compatible, schemaVersion, checked], [0, true, 1, 1]);
      }));

    test("rm asks, or needs -y, and lets everything in again", () =>
      using(async (run, { order }) => {
        await run(["schema", "add", "orders", order]);
        assert.equal((await run(["schema", "rm", "orders"])).code, 2);
        assert.equal((await run(["schema", "rm", "orders", "-y"])).code, 0);
        assert.equal((await run(["schema", "rm", "orders", "-y"])).code, 3);
        assert.equal((await run(["append", "orders", "x"])).out, "0\n");
        assert.equal((await run(["schema", "add", "orders", order])).out, "2\n");
        assert.equal((await run(["topic", "rm", "orders", "-y"])).code, 0);
        assert.equal((await run(["append", "orders", "x"])).out, "0\n");
        assert.equal((await run(["schema", "add", "orders", order])).out, "1\n");
      }));

    test("what is no schema, and no file, is told", () =>
      using(async (run, { order }) => {
        const add = (schema: string) => run(["schema", "add", "t", "-"], { input: schema });
        assert.match((await add("{")).err, /standard input is no JSON/);
        const wrong = await add('{"type":"objekt"}');
        assert.equal(wrong.code, 2);
        assert.match(wrong.err, /Cannot use the schema: at \/type: must be one of/);
        assert.equal((await run(["schema", "add", "t", "nothing.json"])).code, 3);
        assert.match((await run(["schema", "add", "t", "."])).err, /is a folder/);
        assert.equal((await run(["schema", "add", "t", order, "--compatibility", "x"])).code, 2);
        assert.match((await run(["schema", "ad"])).err, /Did you mean "add"/);
        assert.doesNotMatch((await run(["topic", "ls"])).out, /^t$/m);
      }));
  });
}

test("keys and values in a folder are checked, too", async () => {
  await using dir = tempDir();
  const { order } = filesIn(dir.path);
  const run: Run = (args, options = {}) =>
    runMain(args, { at: join(dir.path, "data"), ...options });
  await run(["schema", "add", "kv", order]);
  const set = (value: string) => run(["kv", "set", "k", value, "--type", "json"]);
  assert.match((await set('{"qty":0}')).err, /at \/qty: must be >= 1/);
  assert.equal((await set('{"qty":1}')).code, 0);
  assert.equal((await run(["kv", "get", "k"])).out, '{"qty":1}\n');
  assert.equal((await run(["kv", "del", "k"])).code, 0);
});
