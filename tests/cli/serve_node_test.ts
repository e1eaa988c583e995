/** `serve --at URL --data DIR`: a node. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, Store } from "../../mod.ts";
import { nats, sharedServer } from "../jetstream/support.ts";
import { jsonRequest, openServer } from "../server/support.ts";
import { startNats } from "../support/nats.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { ready, runCli, type RunningCli, startCli } from "./run_cli.ts";

interface Node extends RunningCli {
  readonly url: string;
  get(path: string): Promise<{ status: number; body: Record<string, unknown> }>;
  post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
}

/** A node that is ready. */
async function startNode(source: string, data: string, ...more: string[]): Promise<Node> {
  const args = ["--at", source, "serve", "--http", "127.0.0.1:0", "--data", data, ...more];
  const server = startCli(args);
  await server.said(/listening on \S+\n/);
  const url = /listening on (\S+)/.exec(server.text())![1]!;
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${url}${path}`, init);
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  await ready(url);
  return Object.assign(server, {
    url,
    get: (path: string) => ask(path),
    post: (path: string, body: unknown) => ask(path, jsonRequest("POST", body)),
  });
}

/** What two nodes over one source do. */
async function useBoth(one: Node, other: Node): Promise<void> {
  const appended = await one.post("/v1/topics/orders/records", [{ value: "a" }, { value: "b" }]);
  assert.deepEqual([appended.status, appended.body.end], [200, 2]);
  const own = await one.get("/v1/topics/orders/records/1");
  assert.equal(own.body.value, "b");
  const others = await other.get("/v1/topics/orders/records?min-offset=2&min-offset-wait=30s");
  assert.equal((others.body.records as unknown[]).length, 2);

  assert.equal((await runMain(["kv", "set", "name", "Alice"], { at: one.url })).out, "0\n");
  const patiently = ["--min-revision", "0", "--min-revision-wait", "30s"];
  const got = await runMain(["kv", "get", "name", ...patiently], { at: other.url });
  assert.equal(got.out, "Alice\n");

  const sql = "select count(*) from orders";
  const query = { sql, minOffsets: { orders: { 0: 2 } }, timeoutMs: 30_000 };
  assert.deepEqual((await other.post("/v1/query", query)).body.rows, [[2]]);

  const metrics = await (await fetch(`${other.url}/metrics`)).text();
  assert.match(metrics, /seglog_replica_lag_records\{topic="orders",partition="0"\} 0/);
}

describe("serve over a server", () => {
  test("serves a copy, writes there, and says what it is", async () => {
    await using dir = tempDir();
    await using leader = await openServer();
    await leader.store.append("old", [{ value: "before" }]);
    await using one = await startNode(leader.url, join(dir.path, "one"));
    await using other = await startNode(leader.url, join(dir.path, "other"));
    const about = (await one.get("/v1")).body;
    assert.deepEqual([about.kind, about.source], ["node", leader.url]);
    assert.equal((await one.get("/v1/topics/old/records/0")).body.value, "before");
    await useBoth(one, other);
    assert.equal((await leader.store.read("orders", 0)).text, "a");
    // What the server keeps for itself is written by way of a node, too.
    const schema = { schema: { type: "object", required: ["qty"] } };
    const made = await one.post("/v1/schemas/checked", schema);
    assert.equal(made.status, 201, JSON.stringify(made));
    const refused = await one.post("/v1/topics/checked/records", { value: {} });
    assert.equal(refused.body.code, "invalid-record");
    const known = await fetch(`${leader.url}/v1/schemas/checked`);
    assert.equal(known.status, 200, await known.text());
  });

  test("members of a group meet at the server, whichever node they ask", async () => {
    await using dir = tempDir();
    await using leader = await openServer();
    await leader.store.ensureTopic("orders", { partitions: 2 });
    await leader.store.append("orders", [{ value: "a" }], { partition: 0 });
    await leader.store.append("orders", [{ value: "b" }], { partition: 1 });
    await using one = await startNode(leader.url, join(dir.path, "one"));
    const read = ["read", "orders", "-g", "billing"];
    assert.equal((await runMain(read, { at: one.url })).out.split("\n").toSorted().join(""), "ab");
    assert.equal((await runMain(read, { at: leader.url })).out, "");
  });

  test("goes on reading while the server is down, and starts again from what it has", async () => {
    await using dir = tempDir();
    const data = join(dir.path, "copy");
    const leader = await openServer();
    await leader.store.append("orders", [{ value: "a" }]);
    await using node = await startNode(leader.url, data);
    await leader[Symbol.asyncDispose]();
    assert.equal((await node.get("/v1/topics/orders/records/0")).body.value, "a");
    const refused = await node.post("/v1/topics/orders/records", { value: "b" });
    assert.deepEqual([refused.status, refused.body.code], [503, "unavailable"]);
    assert.equal((await node.get("/readyz")).status, 200);
    node.signal("SIGTERM");
    assert.equal((await node.ended).code, 0);
    assert.equal((await runMain(["read", "orders"], { at: data })).out, "a\n");
  });

  test("needs a folder of its own, and one source", async () => {
    await using dir = tempDir();
    await using leader = await openServer();
    await leader.store.append("orders", [{ value: "a" }]);
    const none = await runCli(["--at", leader.url, "serve"]);
    assert.equal(none.code, 2);
    assert.match(none.err, /needs a folder for its copy of what is at http:.*give --data DIR/);

    const two = await runCli(["--at", join(dir.path, "a"), "serve", "--data", join(dir.path, "b")]);
    assert.equal(two.code, 2);
    assert.match(two.err, /give one of --at and --data/);

    const own = join(dir.path, "own");
    await runMain(["append", "orders", "mine"], { at: own });
    const taken = await runCli(["--at", leader.url, "serve", "--data", own]);
    assert.equal(taken.code, 1);
    assert.match(taken.err, /it is a store of its own/);

    const copy = join(dir.path, "copy");
    {
      await using node = await startNode(leader.url, copy);
      node.signal("SIGTERM");
      await node.ended;
    }
    const moved = leader.url.replace("127.0.0.1", "localhost");
    const other = await runCli(["--at", moved, "serve", "--data", copy]);
    assert.equal(other.code, 4);
    assert.match(other.err, /it has followed http:.*to say so, give --node-renamed/);
    await using node = await startNode(moved, copy, "--node-renamed");
    assert.equal((await node.get("/v1/topics/orders/records/0")).body.value, "a");
  });

  test("a file may say both; a variable for all verbs makes no node of a folder", async () => {
    await using dir = tempDir();
    await using leader = await openServer();
    await leader.store.append("orders", [{ value: "a" }]);
    const file = join(dir.path, "seglog.yaml");
    fs.writeFileSync(
      file,
      `at: ${leader.url}\ndata: ${join(dir.path, "copy")}\nhttp: 127.0.0.1:0\n`,
    );
    await using node = startCli(["serve", "--config", file]);
    await node.said(/listening on \S+\n/);
    const url = /listening on (\S+)/.exec(node.text())![1]!;
    await using client = await connect(url, { retries: 0 });
    await client.append("orders", [{ value: "b" }]);
    assert.equal((await leader.store.bounds("orders")).nextOffset, 2);

    const own = join(dir.path, "own");
    const args = ["serve", "--http", "127.0.0.1:0", "--data", own];
    await using server = startCli(args, { at: leader.url });
    await server.said(/listening on \S+\n/);
    server.signal("SIGTERM");
    await server.ended;
    await using store = await Store.open(own);
    assert.deepEqual(await store.listTopics(), []);
  });
});

describe("serve over a cluster", () => {
  if (typeof nats === "string") return void test("two nodes", { skip: nats }, () => {});
  const server = sharedServer();

  test("two nodes show the same, and one that lost its folder has it again", async () => {
    await using dir = tempDir();
    const { url } = await server();
    const at = `${url}/?prefix=nodes`;
    await using one = await startNode(at, join(dir.path, "one"));
    {
      await using other = await startNode(at, join(dir.path, "other"));
      assert.equal((await other.get("/v1")).body.kind, "node");
      await useBoth(one, other);
    }
    fs.rmSync(join(dir.path, "other"), { recursive: true });
    await using again = await startNode(at, join(dir.path, "other"));
    assert.equal((await again.get("/v1/topics/orders/records/1")).body.value, "b");
  });

  test("what a node says of its cluster is in its log, in the format of that", async () => {
    await using dir = tempDir();
    await using cluster = await startNats();
    const more = ["serve", "--http", "127.0.0.1:0", "--data", dir.path, "--log-format", "json"];
    await using node = startCli(["--at", cluster.url, ...more]);
    await node.said(/"listening".*\n/);
    const { url } = JSON.parse(node.text().split("\n").find((line) => line.includes("url"))!);
    await ready(url);
    await cluster.kill();
    await node.said(/connection to \S+ is lost/);
    node.signal("SIGTERM");
    const { err } = await node.ended;
    const lines = err.trimEnd().split("\n").map((line) => JSON.parse(line));
    const lost = lines.find(({ msg }) => /is lost/.test(msg));
    assert.deepEqual([lost.level, lost.event], ["warn", "notice"]);
  });
});
