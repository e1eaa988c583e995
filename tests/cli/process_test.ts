/** What only a real process shows: signals, closed pipes, locks between processes, exit codes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import { acknowledged, runCli, startCli } from "./run_cli.ts";

test("a pipe that its reader closes ends the command quietly", async () => {
  await using dir = tempDir();
  const at = dir.path;
  {
    await using store = await Store.open(at, { defaults: { sync: "os" } });
    const records = Array.from({ length: 10_000 }, () => ({ value: "x".repeat(1000) }));
    await store.append("t", records);
  }
  for (const args of [["read", "t"], ["read", "t", "-J"], ["dump"], ["tail", "t", "-n", "9999"]]) {
    await using reader = startCli(args, { at });
    await once(reader.child.stdout!, "data");
    reader.child.stdout!.destroy();
    const { code, err } = await reader.ended;
    assert.deepEqual([code, err], [0, ""], args.join(" "));
  }
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} while appending keeps what is acknowledged, and says how much`, async () => {
    await using dir = tempDir();
    const at = dir.path;
    await using append = startCli(["append", "t", "--linger", "1ms"], { at });
    append.child.stdin!.write("a\nb\nunfinished");
    await acknowledged(append, { at, topic: "t", count: 2 });
    append.signal(signal);
    const { code, out, err } = await append.ended;
    assert.deepEqual([code, out], [130, "0..2\n"]);
    assert.match(err, /^seglog: interrupted; 2 records acknowledged\n$/);
    assert.equal((await runCli(["read", "t"], { at })).out, "a\nb\n");
  });
}

test("a second writer exits with 6 and is told who holds the folder; readers are not stopped", async () => {
  await using dir = tempDir();
  const at = dir.path;
  await using store = await Store.open(at);
  await store.append("t", [{ value: "a" }]);
  for (
    const args of [
      ["append", "t", "b"],
      ["truncate", "t", "--before", "end", "-y"],
      ["topic", "rm", "t", "-y"],
      ["serve", "--http", "127.0.0.1:0"],
    ]
  ) {
    const { code, out, err } = await runCli(args, { at });
    assert.deepEqual([code, out], [6, ""], args.join(" "));
    assert.match(err, new RegExp(`^seglog: .*pid ${process.pid}.*--at http://`));
  }
  assert.equal((await runCli(["read", "t"], { at })).out, "a\n");
  assert.equal((await runCli(["verify"], { at })).code, 0);
  assert.equal((await runCli(["dump", "--headers-only"], { at })).code, 0);
});

test("an error is one line, and SEGLOG_DEBUG=1 adds where it came from", async () => {
  await using dir = tempDir();
  const at = dir.path;
  await runCli(["append", "t", "x"], { at });
  const plain = await runCli(["read", "nope"], { at });
  assert.equal(plain.err.split("\n").length, 2);
  assert.match(plain.err, /^seglog: Cannot find topic "nope"/);
  const debug = await runCli(["read", "nope"], { at, env: { SEGLOG_DEBUG: "1" } });
  assert.equal(debug.code, 3);
  assert.match(debug.err, /^seglog: .*Cannot find topic "nope"[^]*\n +at .*store\.ts/);
});

test("without words the help goes to standard error, and the exit code is 2", async () => {
  const { code, out, err } = await runCli([]);
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /Usage: seglog/);
  const asked = await runCli(["--help"]);
  assert.equal(asked.code, 0);
  assert.match(asked.out, /Usage: seglog/);
});

test("--at comes before SEGLOG_AT, and ./data is where neither is given", async () => {
  await using dir = tempDir();
  const at = join(dir.path, "env");
  const other = join(dir.path, "other");
  await runCli(["append", "t", "x", "--at", other], { at });
  assert.ok(fs.existsSync(other) && !fs.existsSync(at));
  await runCli(["append", "t", "x"], { at });
  assert.ok(fs.existsSync(at));
  await runCli(["append", "t", "x"], { cwd: dir.path });
  assert.ok(fs.existsSync(join(dir.path, "data", "store.json")));
});

test("an address that is neither a folder nor a URL is not taken for a new folder", async () => {
  await using dir = tempDir();
  for (const at of ["localhost:8080", "ftp://h/data"]) {
    const { code, err } = await runCli(["append", "t", "x"], { at, cwd: dir.path });
    assert.equal(code, 2);
    assert.match(err, /no folder and no URL/);
  }
  assert.deepEqual(fs.readdirSync(dir.path), []);
});
