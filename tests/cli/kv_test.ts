import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tempDir } from "../support/temp_dir.ts";
import { type FakeOptions, runMain } from "./fake_io.ts";

function at(path: string) {
  return (args: string[], options: Omit<FakeOptions, "at"> = {}) =>
    runMain(args, { at: path, ...options });
}

const done = (out: string) => ({ code: 0, out, err: "" });

describe("kv", () => {
  test("set, get, ls, range and del do what they say", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    assert.deepEqual(await run(["kv", "set", "name", "Alice"]), done("0\n"));
    assert.deepEqual(await run(["kv", "set", "age", "41", "--type", "json"]), done("1\n"));
    assert.deepEqual(await run(["kv", "get", "name"]), done("Alice\n"));
    assert.deepEqual(await run(["kv", "ls"]), done("age\nname\n"));
    assert.deepEqual(await run(["kv", "ls", "n"]), done("name\n"));
    assert.deepEqual(await run(["kv", "range"]), done("age\t41\nname\tAlice\n"));
    assert.deepEqual(await run(["kv", "range", "b", "z", "--reverse"]), done("name\tAlice\n"));
    const shape = JSON.parse((await run(["kv", "get", "age", "-J"])).out);
    assert.deepEqual([shape.topic, shape.offset, shape.key, shape.value], ["kv", 1, "age", 41]);
    assert.deepEqual(await run(["kv", "del", "name", "none"]), done("2\n"));
    assert.deepEqual(await run(["kv", "get", "name"]), {
      code: 3,
      out: "",
      err: 'seglog: There is no "name" in "kv"\n',
    });
    assert.equal((await run(["kv", "del", "name"])).code, 3);
    assert.deepEqual(await run(["kv", "ls", "-b", "other"]), done(""));
  });

  test("get -r reads as of a revision, until kv compact has taken it", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    for (const name of ["Alice", "Bob", "Carol"]) await run(["kv", "set", "name", name]);
    assert.deepEqual(await run(["kv", "get", "name", "-r", "1"]), done("Bob\n"));
    const compacted = await run(["kv", "compact"]);
    assert.deepEqual([compacted.code, compacted.out], [0, ""]);
    assert.match(compacted.err, /^seglog: removed 2 records, .* less on disk/);
    assert.deepEqual(await run(["kv", "get", "name"]), done("Carol\n"));
    const gone = await run(["kv", "get", "name", "-r", "1"]);
    assert.equal(gone.code, 3);
    assert.match(gone.err, /values that were replaced by then may be gone.* as of 2 and later/);
    assert.equal((await run(["kv", "get", "name", "-r", "7"])).code, 3);
    assert.match((await run(["kv", "compact"])).err, /nothing was to be removed/);
    assert.equal((await run(["kv", "compact", "-b", "none"])).code, 3);
  });

  test("any bytes go in by standard input, and come out raw as they were", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    assert.equal((await run(["kv", "set", "k"], { input: "two\nlines\n" })).out, "0\n");
    assert.equal((await run(["kv", "get", "k", "--raw"])).out, "two\nlines\n");
    const wrong = await run(["kv", "set", "k", "--type", "json"], { input: "{" });
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /the value is no JSON/);
  });

  test("conditions that do not hold exit with 4", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    assert.equal((await run(["kv", "set", "n", "0", "--if-absent"])).code, 0);
    const refused = await run(["kv", "set", "n", "1", "--if-absent"]);
    assert.equal(refused.code, 4);
    assert.match(refused.err, /^seglog: Cannot write "n" of "kv": it has a value, of revision 0/);
    assert.equal((await run(["kv", "set", "n", "1", "--if-revision", "7"])).code, 4);
    assert.equal((await run(["kv", "set", "n", "1", "--if-revision", "0"])).out, "1\n");
    assert.equal((await run(["kv", "del", "n", "--if-revision", "0"])).code, 4);
    const both = await run(["kv", "set", "n", "1", "--if-revision", "0", "--if-absent"]);
    assert.equal(both.code, 2);
  });

  test("deleting makes no bucket, and no folder", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    const none = await runMain(["kv", "del", "a"], { at: `${dir.path}/none` });
    assert.equal(none.code, 3);
    assert.match(none.err, /there is no such folder/);
    await run(["kv", "set", "a", "1"]);
    const other = await run(["kv", "del", "a", "-b", "other"]);
    assert.deepEqual(other, { code: 3, out: "", err: 'seglog: There is no "a" in "other"\n' });
    assert.equal((await run(["kv", "del", "a", "-b", "other", "--if-revision", "0"])).code, 4);
    assert.deepEqual(await run(["topic", "ls"]), done("kv\n"));
  });

  test("keys with line breaks are told apart with -J", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    for (const key of ["a\nb", "c"]) await run(["kv", "set", key, "1"]);
    assert.deepEqual(await run(["kv", "ls", "-J"]), done('"a\\nb"\n"c"\n'));
    const { out } = await run(["shell"], { input: "list\nrange a c\nls c\ndel c" });
    assert.equal(out, '"a\\nb"\nc\n"a\\nb"\t1\nc\nOK\n');
  });

  test("words that are missing or begin with a dash are explained", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    const dashed = await run(["kv", "set", "a", "-5"]);
    assert.equal(dashed.code, 2);
    assert.match(dashed.err, /goes behind --, as in: seglog kv set KEY -- -1\n$/);
    assert.deepEqual(await run(["kv", "set", "a", "--", "-5"]), done("0\n"));
    assert.equal(
      (await run(["kv", "del"])).err,
      "seglog: Expected a KEY, or several; see seglog kv del --help\n",
    );
  });

  test("history and watch tell what was written", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["kv", "set", "n", "0"]);
    await run(["kv", "set", "m", "x"]);
    await run(["kv", "del", "n"]);
    const history = (await run(["kv", "history", "n"])).out;
    assert.match(history, /^0\t\d{4}-\S+Z\t0\n2\t\d{4}-\S+Z\t\(deleted\)\n$/);
    const watched = await run(["kv", "watch", "--from", "0", "-n", "3"]);
    assert.equal(watched.out, "0\tn\t0\n1\tm\tx\n2\tn\t(deleted)\n");
    assert.equal(
      (await run(["kv", "watch", "n", "--from", "1", "-n", "1"])).out,
      "2\tn\t(deleted)\n",
    );
    assert.equal((await run(["kv", "history", "none"])).code, 3);
  });

  test("a transaction writes all of its lines, or none", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    const lines = 'check a absent\nset a 1\n# a remark\nset "my key" "two\\nlines"\n\n';
    assert.equal((await run(["kv", "txn"], { input: lines })).out, "1\n");
    assert.equal((await run(["kv", "get", "my key"])).out, "two\nlines\n");
    const failed = await run(["kv", "txn"], { input: "set a 2\ncheck b 7\n" });
    assert.equal(failed.code, 4);
    assert.equal((await run(["kv", "get", "a"])).out, "1\n");
    for (const input of ["", "put a 1\n", "set a\n", "del a b\n", 'set "a 1\n', "check a x\n"]) {
      assert.equal((await run(["kv", "txn"], { input })).code, 2, input);
    }
    const noString = await run(["kv", "txn"], { input: 'set a 1\nset "x y\n' });
    assert.equal(noString.err, 'seglog: line 2: "x is no JSON string\n');
    const noKey = await run(["kv", "txn"], { input: 'set a 1\n\nset "" x\n' });
    assert.match(noKey.err, /^seglog: line 3: .*key/);
    assert.equal((await run(["kv", "get", "a"])).out, "1\n");
  });

  test("a topic with several partitions is no bucket, whatever is asked of it", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["topic", "create", "wide", "--partitions", "3"]);
    const asked = [["get", "k"], ["history", "k"], ["del", "k"], ["ls"], ["set", "k", "v"]];
    for (const words of [...asked, ["watch"], ["stats"]]) {
      const { code, err } = await run(["kv", ...words, "-b", "wide"]);
      assert.match(err, /it has 3 partitions, and a bucket has one/, words.join(" "));
      assert.equal(code, 2);
    }
  });

  test("stats tell what a bucket holds", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["kv", "set", "a", "12345"]);
    await run(["kv", "set", "a", "123"]);
    const stats = JSON.parse((await run(["kv", "stats", "-J"])).out);
    assert.deepEqual([stats.keys, stats.valueBytes, stats.revision, stats.records], [1, 3, 1, 2]);
    assert.match((await run(["kv", "stats"])).out, /^MEASURE\tVALUE\nkeys\t1\n/);
    assert.equal((await run(["kv", "stats", "-b", "none"])).code, 3);
  });
});

describe("shell", () => {
  test("does the lines of a pipe in order, and says what is wrong with one", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    const input = [
      "set name Alice Smith",
      "get name",
      "get none",
      "list",
      'set "a b" "two\\nlines"',
      "range a",
      "delete name",
      "delete name",
      "frob",
      "set name",
      "get a b",
      "stats now",
      "stats",
      "quit",
      "set after quit",
    ].join("\n");
    const { code, out, err } = await run(["shell"], { input });
    assert.equal(
      out.split("\n").slice(0, 11).join("\n"),
      "OK\nAlice Smith\nKey not found\nname\nOK\na b\ttwo\nlines\nname\tAlice Smith\nOK\nKey not found\n1 key, 9 B of values",
    );
    assert.equal(
      err,
      "there is no command frob; type help\nset is used so: set KEY VALUE\n" +
        "get is used so: get KEY; one with spaces is a JSON string\nstats is used so: stats\n",
    );
    assert.equal(code, 1);
    assert.deepEqual((await run(["kv", "ls"])).out, "a b\n");
  });

  test("takes lines far longer than a terminal's", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    const long = "x".repeat(1_000_000);
    const { out } = await run(["shell"], { input: `set big ${long}\nget big` });
    assert.equal(out, `OK\n${long}\n`);
  });
});
