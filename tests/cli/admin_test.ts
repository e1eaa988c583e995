/** `admin`, on a folder and on a server; and servers with roles beside one another. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { type RunningCli, startCli } from "./run_cli.ts";

async function started(args: readonly string[]): Promise<{ server: RunningCli; url: string }> {
  const server = startCli(["serve", "--http", "127.0.0.1:0", ...args]);
  await server.said(/listening on http:\/\/127\.0\.0\.1:\d+\n/);
  return { server, url: /listening on (http\S+)/.exec(server.text())![1]! };
}

async function run(at: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await runMain(args, { at });
  assert.equal(code, 0, err);
  return out;
}

test("the status of a folder tells what it holds, and who owns it", async () => {
  await using dir = tempDir();
  await run(dir.path, "append", "t", "a", "b");
  const status = await run(dir.path, "admin", "status");
  assert.match(status, /^WHAT\tVALUE\n/);
  for (const row of ["owner\tnobody", "topics\t1", "partitions\t1", "segments\t1", "records\t2"]) {
    assert.ok(status.includes(`\n${row}\n`), status);
  }
  await using _ = await Store.open(dir.path);
  const owned = JSON.parse(await run(dir.path, "admin", "status", "-J"));
  assert.ok(owned.owner.includes(`pid ${process.pid}`));
  assert.equal(owned.records, 2);
});

test("the segments of a topic, in a folder", async () => {
  await using dir = tempDir();
  {
    await using store = await Store.open(dir.path);
    await store.ensureTopic("t", { segmentBytes: 4096 });
    for (let i = 0; i < 4; i++) {
      await store.append("t", [{ value: "x".repeat(3000), timestamp: i }]);
    }
  }
  const lines = (await run(dir.path, "admin", "segments", "t")).trimEnd().split("\n");
  assert.equal(
    lines[0],
    "PARTITION\tBASE\tNEXT\tRECORDS\tBYTES\tGENERATION\tSTATE\tFIRST\tLATEST",
  );
  assert.ok(lines.length > 2);
  assert.match(
    lines[1]!,
    /^0\t0\t\d\t\d\t\d+\t0\tsealed\t1970-01-01T00:00:00\.000Z\t1970-01-01T00:00:00\.00\dZ$/,
  );
  assert.match(lines.at(-1)!, /\tactive\t/);
  const { partitions } = JSON.parse(await run(dir.path, "admin", "segments", "t", "-J"));
  assert.equal(partitions[0].segments.length, lines.length - 1);
  const none = await runMain(["admin", "segments", "none"], { at: dir.path });
  assert.equal(none.code, 3);
});

test("compaction takes the topics that are set so, and asks for others", async () => {
  await using dir = tempDir();
  {
    await using store = await Store.open(dir.path);
    for (const topic of ["a", "b", "c"]) {
      await store.ensureTopic(topic, { compaction: topic === "b" ? "none" : "keys" });
      for (const value of ["1", "2"]) await store.append(topic, [{ key: "k", value }]);
    }
  }
  const all = await runMain(["admin", "compact"], { at: dir.path });
  assert.equal(all.code, 0);
  assert.match(all.err, /^seglog: a: removed 1 record.*\nseglog: c: removed 1 record.*\n$/);
  const asked = await runMain(["admin", "compact", "b"], { at: dir.path });
  assert.equal(asked.code, 2);
  assert.match(asked.err, /give -y/);
  const { topics } = JSON.parse(await run(dir.path, "admin", "compact", "b", "-y", "-J"));
  assert.deepEqual(topics.map(({ topic, records }: Record<string, unknown>) => [topic, records]), [
    ["b", 1],
  ]);
});

test("the same of a server, and what it was told; a folder was told nothing", async () => {
  await using dir = tempDir();
  const config = join(dir.path, "seglog.yaml");
  fs.writeFileSync(config, "limits:\n  buckets: 7\ntopics:\n  segment-bytes: 8KiB\n");
  const data = join(dir.path, "data");
  const { server, url } = await started(["--data", data, "--config", config, "--role", "all"]);
  await using _ = server;
  await run(url, "append", "t", "a");
  assert.match(await run(url, "topic", "info", "t"), /\nsegment-bytes\t8192\n/);
  const status = await run(url, "admin", "status");
  assert.match(status, /\nrole\tall\n/);
  assert.match(status, /\nrecords\t1\n/);
  assert.match(await run(url, "admin", "segments", "t"), /\n0\t0\t1\t1\t/);
  const told = await run(url, "admin", "config");
  assert.ok(told.includes(`\nlimits.buckets\t7\t${config}:2\n`), told);
  assert.match(told, /\nrole\tall\t--role\n/);
  assert.match(told, /\nlimits.snapshots\t1000\tdefault\n/);
  const folder = await runMain(["admin", "config"], { at: data });
  assert.equal(folder.code, 2);
  assert.match(folder.err, /config show/);
});

test("a query server reads beside the ingest server that owns the folder", async () => {
  await using dir = tempDir();
  const data = join(dir.path, "data");
  const early = await runMain(["serve", "--role", "query", "--http", "127.0.0.1:0"], { at: data });
  assert.equal(early.code, 3);
  assert.match(early.err, /ingest/);
  assert.equal(fs.existsSync(data), false);
  const ingest = await started(["--data", data, "--role", "ingest"]);
  await using _ingest = ingest.server;
  const query = await started(["--data", data, "--role", "query"]);
  await using _query = query.server;
  await run(ingest.url, "append", "t", "a");
  await using follow = startCli(["read", "t", "--follow"], { at: query.url });
  await follow.said("a\n");
  await run(ingest.url, "append", "t", "b");
  await follow.said("a\nb\n");
  follow.signal("SIGINT");
  await follow.ended;
  const read = await runMain(["read", "t"], { at: ingest.url });
  assert.equal(read.code, 1);
  assert.match(read.err, /this server has the role ingest; ask one that has the role query/);
  const append = await runMain(["append", "t", "c"], { at: query.url });
  assert.equal(append.code, 1);
  assert.match(append.err, /this server has the role query; ask one that has the role ingest/);
  assert.match(await run(query.url, "admin", "status"), /\nrole\tquery\n[^]*\nwrites\tno\n/);
});
