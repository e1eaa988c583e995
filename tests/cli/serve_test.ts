/** `serve`, and the other verbs against it. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { remoteClient, withRemoteClient } from "../server/grpc/remote_client.ts";
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

test("PORT, DATA_DIR and VOLUME_ID say what is not given as an option", async () => {
  await using dir = tempDir();
  const data = join(dir.path, "store");
  const env = { PORT: "0", DATA_DIR: data, VOLUME_ID: "v7" };
  await using server = startCli(["serve"], { at: join(dir.path, "at"), env });
  await server.said(/listening on http:\/\/127\.0\.0\.1:\d+\n/);
  const url = /listening on (\S+)/.exec(server.text())![1]!;
  assert.deepEqual(fs.readdirSync(dir.path), ["store"]);
  const health = await (await fetch(`${url}/health`)).json();
  assert.equal(health.volume_id, "v7");
  const blob = await fetch(`${url}/blobs/k`, { method: "PUT", body: "x" });
  assert.equal((await blob.json()).volume_id, "v7");
  const port = new URL(url).port;
  const taken = await runCli(["serve"], { at: join(dir.path, "other"), env: { PORT: port } });
  assert.equal(taken.code, 1);
  assert.ok(taken.err.includes(`127.0.0.1:${port}`), taken.err);
});

test("an option is stronger than a variable, and --at stronger than DATA_DIR", async () => {
  await using dir = tempDir();
  const [data, other] = [join(dir.path, "data"), join(dir.path, "other")];
  const env = { PORT: "no port", DATA_DIR: other, VOLUME_ID: "v7" };
  const where = ["--http", "127.0.0.1:0"];
  for (const args of [["serve", ...where, "--data", data], ["--at", data, "serve", ...where]]) {
    await using server = startCli([...args, "--volume-id", "v8"], { env });
    await server.said(/listening on \S+\n/);
    const url = /listening on (\S+)/.exec(server.text())![1]!;
    assert.equal((await (await fetch(`${url}/health`)).json()).volume_id, "v8");
    assert.deepEqual(fs.readdirSync(dir.path), ["data"]);
    server.signal("SIGTERM");
    assert.equal((await server.ended).code, 0);
  }
});

test("a PORT that is none is refused by its name, and nothing is made", async () => {
  await using dir = tempDir();
  const at = join(dir.path, "store");
  for (const PORT of ["x", "-1", "65536", "80 80", "8080.5", "127.0.0.1:80"]) {
    const { code, err } = await runMain(["serve"], { at, env: { PORT } });
    assert.equal(code, 2);
    assert.match(err, /^seglog: .*PORT.*65535/);
    assert.ok(err.includes(JSON.stringify(PORT)), err);
  }
  assert.equal(fs.existsSync(at), false);
});

test("the help of serve tells of the variables", async () => {
  const { code, out } = await runMain(["serve", "--help"], { at: "" });
  assert.equal(code, 0);
  for (const name of ["PORT", "DATA_DIR", "VOLUME_ID"]) assert.ok(out.includes(name), name);
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

test("--grpc serves gRPC beside HTTP, and both end in good order", withRemoteClient, async () => {
  await using dir = tempDir();
  const args = ["serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data", dir.path];
  await using server = startCli(args);
  await server.said(/listening on \S+ for gRPC\n/);
  const url = /^listening on (\S+)\n/.exec(server.text())![1]!;
  const [, port] = /:(\d+) for gRPC\n/.exec(server.text())!;
  await using client = remoteClient(Number(port));
  const log = "seglog.v1.LogService";
  await client.call(log, "Produce", { topic: "t", records: [{ value: btoa("a") }] }).next();
  assert.equal((await runMain(["read", "t"], { at: url })).out, "a\n");
  const messages = client.open(log, "ConsumeStream", { topic: "t", follow: true });
  assert.equal((await messages.next()).records.length, 1);
  server.signal("SIGTERM");
  await assert.rejects(messages.next(), { code: 14 });
  assert.equal((await server.ended).code, 0);
});
