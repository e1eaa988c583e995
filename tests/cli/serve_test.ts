/** `serve`, and the other verbs against it. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { acknowledged, runCli, type RunningCli, startCli } from "./run_cli.ts";

async function served(data: string): Promise<{ server: RunningCli; url: string }> {
  const server = startCli(["serve", "--http", "127.0.0.1:0", "--data", data]);
  await server.said(/listening on http:\/\/127\.0\.0\.1:\d+\n/);
  return { server, url: /listening on (\S+)/.exec(server.text())![1]! };
}

test("every verb works on a URL as it does on a folder", async () => {
  await using dir = tempDir();
  const { server, url } = await served(dir.path);
  await using _ = server;
  const run = async (...args: string[]) => {
    const { code, out } = await runMain(args, { at: url });
    return [code, out];
  };
  assert.deepEqual(await run("append", "t", "a", "b", "c"), [0, "0..3\n"]);
  assert.deepEqual(await run("append", "t", "-K", ":", "k:d"), [0, "3\n"]);
  assert.deepEqual(await run("read", "t"), [0, "a\nb\nc\nd\n"]);
  assert.deepEqual(await run("read", "t", "--reverse", "-o", "1:3"), [0, "c\nb\n"]);
  assert.deepEqual(await run("read", "t", "--key", "k", "-f", "%o"), [0, "3"]);
  assert.deepEqual(await run("read", "t", "-o", "9"), [3, ""]);
  assert.deepEqual(await run("tail", "t", "-n", "2"), [0, "c\nd\n"]);
  assert.deepEqual(await run("append", "t", "x", "--if-offset", "0"), [4, ""]);
  assert.deepEqual(await run("truncate", "t", "--before", "1", "-y"), [0, ""]);
  assert.deepEqual(await run("truncate", "t", "--after", "2", "-y"), [0, ""]);
  assert.deepEqual(await run("read", "t"), [0, "b\nc\n"]);
  assert.deepEqual(await run("topic", "create", "u", "--partitions", "2"), [0, ""]);
  assert.deepEqual(await run("topic", "set", "u", "--retention-records", "9"), [0, ""]);
  assert.deepEqual(await run("topic", "ls"), [0, "t\nu\n"]);
  assert.match(`${(await run("info", "u"))[1]}`, /retention-records\t9\n/);
  assert.match(`${(await run("info"))[1]}`, /\nt\t1\t/);
  assert.match(`${(await run("verify"))[1]}`, /\nt-0\t\d\t2\t\d+\t4\n/);
  assert.deepEqual(await run("topic", "rm", "u", "-y"), [0, ""]);
  assert.deepEqual(await run("read", "u"), [3, ""]);
  assert.deepEqual(await run("dump"), [2, ""]);
  assert.deepEqual(await run("serve"), [2, ""]);
  // What the server holds can be read beside it, too.
  assert.equal((await runMain(["read", "t"], { at: dir.path })).out, "b\nc\n");
});

test("lines through a server come back byte by byte and in order", async () => {
  await using dir = tempDir();
  const { server, url } = await served(dir.path);
  await using _ = server;
  const lines = Array.from({ length: 50_000 }, (_, i) => `${i} ${"x".repeat(i % 100)}\n`);
  const input = lines.join("");
  assert.equal((await runCli(["append", "t"], { at: url, input })).out, "0..50000\n");
  assert.ok((await runCli(["read", "t"], { at: url })).out === input);
});

test("a follower over HTTP sees what others append", async () => {
  await using dir = tempDir();
  const { server, url } = await served(dir.path);
  await using _ = server;
  await runMain(["append", "t", "old"], { at: url });
  await using follow = startCli(["tail", "t", "-f"], { at: url });
  await follow.said("old\n");
  await runMain(["append", "t", "new"], { at: url });
  await follow.said("old\nnew\n");
  follow.signal("SIGINT");
  assert.equal((await follow.ended).code, 130);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends the server in good order, and gives the folder back`, async () => {
    await using dir = tempDir();
    const { server, url } = await served(dir.path);
    await using _ = server;
    await runMain(["append", "t", "a"], { at: url });
    await using follow = startCli(["read", "t", "--follow"], { at: url });
    await follow.said("a\n");
    server.signal(signal);
    const { code, out, err } = await server.ended;
    assert.deepEqual([code, out], [0, ""]);
    assert.match(err, /^listening on http:\S+\nstopping\n$/);
    assert.equal((await runMain(["append", "t", "b"], { at: dir.path })).out, "1\n");
  });
}

test("--data is what --at names unless given", async () => {
  await using dir = tempDir();
  const at = join(dir.path, "store");
  await using server = startCli(["serve", "--http", "127.0.0.1:0"], { at });
  await server.said("listening on");
  assert.ok(fs.existsSync(join(at, "store.json")));
});

test("an address that is taken, and a server that is not there, are told in one line", async () => {
  await using dir = tempDir();
  const { server, url } = await served(join(dir.path, "a"));
  await using _ = server;
  const taken = await runCli(["serve", "--http", url.slice("http://".length)], { at: dir.path });
  assert.equal(taken.code, 1);
  assert.match(taken.err, /^seglog: .*\n$/);
});

// A server that is gone is tried again for about five seconds.
const PATIENT = { timeout: 60_000 };

test("append through a server that dies tells what is acknowledged", PATIENT, async () => {
  await using dir = tempDir();
  const { server, url } = await served(dir.path);
  await using _ = server;
  await using append = startCli(["append", "t"], { at: url });
  append.child.stdin!.write("a\nb\n");
  await acknowledged(append, { at: dir.path, topic: "t", count: 2 });
  append.child.stdin!.write("c\n"); // sent when the answer to the first batch has come
  await acknowledged(append, { at: dir.path, topic: "t", count: 3 });
  server.child.kill("SIGKILL");
  await server.ended;
  append.child.stdin!.end("d\n");
  const { code, out, err } = await append.ended;
  assert.equal(code, 1);
  assert.match(out, /^0\.\.[23]\n$/);
  assert.match(err, /[23] records before it were appended: 0\.\.[23]\n$/);
});
