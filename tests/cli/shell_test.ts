/** The shell at a terminal: keys that are pressed, not lines of a pipe. */
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Kv, Store } from "../../mod.ts";
import { complete } from "../../cli/kv/complete.ts";
import { HISTORY_LINES_MAX, historyPath, ShellHistory } from "../../cli/kv/shell_history.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";

const CTRL_C = "\x03";
const CTRL_D = "\x04";
const UP = "\x1b[A";

/** Runs the shell with these keys, piece by piece as a terminal hands them on. */
async function typed(at: string, ...keys: string[]) {
  return await runMain(["shell"], { at, input: keys, isTerminal: true, env: { TERM: "dumb" } });
}

async function valuesIn(at: string): Promise<string[]> {
  const store = await Store.open(at, { readOnly: true });
  const kv = await Kv.open(store, "kv", { create: false });
  const values: string[] = [];
  for await (const { key, text } of kv.list()) values.push(`${key}=${text}`);
  await kv.close();
  await store.close();
  return values;
}

describe("the shell at a terminal", () => {
  test("answers lines, and ends with Ctrl-D", async () => {
    await using dir = tempDir();
    const { code, out, err } = await typed(dir.path, "set a 1\r", "get a\r", "frob\r", CTRL_D);
    assert.equal(code, 0);
    assert.match(err, /^seglog: bucket "kv" of .*; type help, Ctrl-D ends\n/);
    assert.match(err, /\nthere is no command frob; type help\n/);
    assert.match(out, /seglog> .*set a 1\r\n.*OK\n1\n/s);
  });

  test("Ctrl-C drops what was typed, and ends on an empty line", async () => {
    await using dir = tempDir();
    const keys = ["set half typed", CTRL_C, "set whole x\r", CTRL_C, "set behind it\r"];
    assert.equal((await typed(dir.path, ...keys)).code, 0);
    assert.deepEqual(await valuesIn(dir.path), ["whole=x"]);
  });

  test("takes a pasted line of 100 KiB in seconds", async () => {
    await using dir = tempDir();
    const value = `${"é".repeat(50_000)}END`;
    const line = `set big ${value}`;
    const pieces = Array.from(
      { length: Math.ceil(line.length / 1000) },
      (_, i) => line.slice(1000 * i, 1000 * (i + 1)),
    );
    await typed(dir.path, ...pieces, "\r", "set small 1\r", CTRL_D);
    assert.deepEqual(await valuesIn(dir.path), [`big=${value}`, "small=1"]);
  });

  test("takes several pasted lines, tabs included", async () => {
    await using dir = tempDir();
    const lines = Array.from({ length: 20 }, (_, i) => `set k${10 + i} a\tvalue ${i}\n`).join("");
    await typed(dir.path, lines, CTRL_D);
    const values = await valuesIn(dir.path);
    assert.equal(values.length, 20);
    assert.equal(values[3], "k13=a\tvalue 3");
  });
});

test("what was typed can be had again in the next run", async () => {
  await using dir = tempDir();
  const history = join(dir.path, "state", "history");
  const run = (...keys: string[]) =>
    runMain(["shell", "-b", "b"], {
      at: join(dir.path, "data"),
      input: keys,
      isTerminal: true,
      env: { TERM: "dumb", SEGLOG_HISTORY: history },
    });
  const long = `set a ${"x".repeat(5000)}`;
  await run("set a 1\r", " set secret s\r", "\r", `${long}\r`, CTRL_D);
  assert.equal(readFileSync(history, "utf8"), "set a 1\n");
  assert.equal(statSync(history).mode & 0o777, 0o600);
  await run("delete a\r", CTRL_D);
  const { out } = await run(UP, UP, "\r", "get a\r", CTRL_D);
  assert.match(out, /set a 1.*\nOK\n1\n/s);
  assert.equal(readFileSync(history, "utf8"), "set a 1\ndelete a\nset a 1\nget a\n");
});

test("a history that grows is cut, and one that cannot be kept disturbs nobody", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "history");
  const lines = Array.from({ length: 2 * HISTORY_LINES_MAX }, (_, i) => `get ${i}`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  const loaded = new ShellHistory(path).load();
  assert.deepEqual([loaded.length, loaded[0]], [HISTORY_LINES_MAX, "get 1999"]);
  assert.equal(readFileSync(path, "utf8"), `${lines.slice(HISTORY_LINES_MAX).join("\n")}\n`);
  const below = new ShellHistory(join(path, "history")); // a file is no folder
  below.add("get a");
  assert.deepEqual(below.load(), []);
});

test("the history is where the variables say", () => {
  const HOME = join("/", "home", "ann");
  assert.equal(
    historyPath({ HOME }),
    join(HOME, ".local", "state", "seglog", "shell_history"),
  );
  assert.equal(historyPath({ HOME, XDG_STATE_HOME: "/s" }), join("/s", "seglog", "shell_history"));
  assert.equal(historyPath({ HOME, SEGLOG_HISTORY: "/h" }), "/h");
  assert.equal(historyPath({ HOME, SEGLOG_HISTORY: "" }), undefined);
  assert.equal(historyPath({}), undefined);
});

test("a key that would do something to the terminal is shown in quotes there, and as it is elsewhere", async () => {
  await using dir = tempDir();
  const at = dir.path;
  await runMain(["kv", "set", "a\x1b[2J", "1"], { at });
  await runMain(["kv", "set", "b c", "2"], { at });
  const out = async (isTerminal: boolean, ...args: string[]) =>
    (await runMain(["kv", ...args], { at, isTerminal, env: { TERM: "dumb" } })).out;
  assert.equal(await out(true, "ls"), '"a\\u001b[2J"\nb c\n');
  assert.equal(await out(true, "range"), '"a\\u001b[2J"\t1\nb c\t2\n');
  assert.match(await out(true, "watch", "--from", "0", "-n", "1"), /^0\t"a\\u001b\[2J"\t1\n$/);
  assert.equal(await out(false, "ls"), "a\x1b[2J\nb c\n");
});

test("Tab completes commands, and keys as they have to be typed", async () => {
  await using store = await Store.memory();
  await using kv = await Kv.open(store, "kv");
  for (const key of ["ant", "a b", "bee", '"q"', "c\n"]) await kv.set(key, "x");
  const offered = (line: string) => complete(kv, { line, commands: ["get ", "set ", "stats"] });
  assert.deepEqual(await offered("s"), [["set ", "stats"], "s"]);
  assert.deepEqual(await offered("x"), [[], "x"]);
  assert.deepEqual(await offered("get a"), [['"a b"', "ant"], "a"]);
  assert.deepEqual(await offered("get an"), [["ant"], "an"]);
  assert.deepEqual(await offered('set "a'), [['"a b"', '"ant"'], '"a']);
  assert.deepEqual(await offered('set "a '), [['"a b"'], '"a ']);
  assert.deepEqual(await offered('get "\\"'), [['"\\"q\\""'], '"\\"']);
  assert.deepEqual(await offered("get c"), [['"c\\n"'], "c"]);
  assert.deepEqual((await offered("get "))[0].length, 5);
  assert.deepEqual((await offered("set ant val"))[0], []);
});
