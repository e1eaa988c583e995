/** `follow` and `promote`: a replica, and a change of leaders. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connectHttp } from "../../client/connect_http.ts";
import { Store, verify, verifyMirror } from "../../mod.ts";
import { freePort } from "../../scripts/free_port.ts";
import { rejectsWith } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { acknowledged, runCli, type RunningCli, startCli } from "./run_cli.ts";

/** Serves a folder. */
async function served(data: string, port = 0): Promise<RunningCli & { readonly url: string }> {
  const server = startCli(["serve", "--http", `127.0.0.1:${port}`, "--data", data]);
  await server.said(/listening on \S+\n/);
  const url = /listening on (\S+)/.exec(server.text())![1]!;
  return Object.assign(server, { url });
}

async function assertCopied(leader: string, replica: string): Promise<void> {
  await using source = await Store.open(leader, { readOnly: true });
  await using copy = await Store.open(replica, { readOnly: true });
  const { ok, differences } = await verifyMirror(source, copy);
  assert.ok(ok, JSON.stringify(differences));
  assert.deepEqual(await copy.listTopics(), await source.listTopics());
}

test("follow --once copies what is there, and the folder is a replica from then on", async () => {
  await using dir = tempDir();
  const [leader, replica] = [join(dir.path, "leader"), join(dir.path, "replica")];
  await runMain(["append", "orders", "a", "b", "c"], { at: leader });
  await using server = await served(leader);
  const { code, out, err } = await runCli(["follow", server.url, "--data", replica, "--once"]);
  assert.deepEqual([code, out], [0, ""], err);
  assert.match(err, /^seglog: .*replica is caught up: \d+ partitions? of \d+ topics?\n$/);
  await assertCopied(leader, replica);
  assert.equal((await runMain(["read", "orders"], { at: replica })).out, "a\nb\nc\n");
  const refused = await runMain(["append", "orders", "own"], { at: replica });
  assert.equal(refused.code, 1);
  assert.match(
    refused.err,
    /it follows http:.*; write there, or make it writable with `seglog promote/,
  );
  const info = await runMain(["info"], { at: replica });
  assert.match(info.err, /seglog: .*replica follows http:\S+, epoch 1\n/);
  const shaped = JSON.parse((await runMain(["info", "-J"], { at: replica })).out);
  assert.deepEqual([shaped.follows, shaped.epoch], [server.url, 1]);
});

test("follow that is killed again and again has everything in the end", async () => {
  await using dir = tempDir();
  const [leader, replica] = [join(dir.path, "leader"), join(dir.path, "replica")];
  await using server = await served(leader);
  await using backend = await connectHttp(server.url);
  let count = 0;
  for (let round = 0; round < 4; round++) {
    await using following = startCli(["follow", server.url, "--data", replica]);
    for (let i = 0; i < 100; i++) {
      const records = [{ key: `k${i % 9}`, value: "x".repeat(100) }, { value: `${count}` }];
      count = (await backend.append("orders", records)).end;
    }
    await acknowledged(following, { at: replica, topic: "orders", count: count - 150 });
    following.child.kill("SIGKILL");
    await following.ended;
    if (round === 1) await backend.truncate("orders", { before: 50 });
  }
  const { code, err } = await runCli(["follow", server.url, "--data", replica, "--once"]);
  assert.equal(code, 0, err);
  await assertCopied(leader, replica);
  assert.equal(verify(replica).ok, true);
});

test("follow waits for a server that is not there yet, and outlives one that is killed", async () => {
  await using dir = tempDir();
  const [leader, replica] = [join(dir.path, "leader"), join(dir.path, "replica")];
  await runMain(["append", "orders", "a"], { at: leader });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using following = startCli(["follow", url, "--data", replica]);
  await following.said(/nothing listens there .*; trying again|trying again/);
  {
    await using server = await served(leader, port);
    await acknowledged(following, { at: replica, topic: "orders", count: 1 });
    server.child.kill("SIGKILL");
    await server.ended;
  }
  await runMain(["append", "orders", "b"], { at: leader });
  await using server = await served(leader, port);
  assert.equal(server.url, url);
  await acknowledged(following, { at: replica, topic: "orders", count: 2 });
  following.signal("SIGTERM");
  assert.equal((await following.ended).code, 0);
  await assertCopied(leader, replica);
});

test("a replica that is promoted takes the place of its leader, whose late writes go nowhere", async () => {
  await using dir = tempDir();
  const [a, b] = [join(dir.path, "a"), join(dir.path, "b")];
  await runMain(["append", "orders", "1", "2", "3"], { at: a });
  await using leader = await served(a);
  assert.equal((await runCli(["follow", leader.url, "--data", b, "--once"])).code, 0);
  const promoted = await runCli(["promote", b]);
  assert.deepEqual([promoted.code, promoted.out], [0, "2\n"], promoted.err);
  assert.match(
    promoted.err,
    /can be written to, with epoch 2\. What http:\S+ still takes in is not here/,
  );
  assert.equal((await runMain(["promote", b], { at: "elsewhere" })).code, 4);
  assert.equal((await runMain(["append", "orders", "new"], { at: b })).out, "3\n");

  // The old leader does not know, and takes writes of those who do not know either.
  assert.equal((await runMain(["append", "orders", "late"], { at: leader.url })).code, 0);

  await using next = await served(b);
  {
    await using client = await connectHttp(next.url);
    assert.equal(client.epoch, 2);
    const known = { epoch: client.epoch, retries: 0 };
    const refused = await rejectsWith("condition-failed", () => connectHttp(leader.url, known));
    assert.match(refused.message, /it has epoch 1, and epoch 2 is known: it was replaced/);
    const response = await fetch(`${leader.url}/v1/topics/orders/records`, {
      method: "POST",
      headers: { "content-type": "application/json", "seglog-epoch": "2" },
      body: '{"value":"late"}',
    });
    assert.equal(response.status, 412);
    assert.match((await response.json()).detail, /epoch 1, and epoch 2 is known: it was replaced/);
  }

  // What follows the new one does not take in the old one again.
  const c = join(dir.path, "c");
  assert.equal((await runCli(["follow", next.url, "--data", c, "--once"])).code, 0);
  const back = await runCli(["follow", leader.url, "--data", c, "--once", "--renamed"]);
  assert.equal(back.code, 4);
  assert.match(back.err, /epoch 1 .*epoch 2 has replaced it/);
  const other = await runCli(["follow", leader.url, "--data", c, "--once"]);
  assert.equal(other.code, 4);
  assert.match(other.err, /it has followed http:.*give --renamed/);

  // The old leader becomes a replica of the new one, and what came late stays available.
  leader.signal("SIGTERM");
  await leader.ended;
  const asIs = await runCli(["follow", next.url, "--data", a, "--once"]);
  assert.equal(asIs.code, 1);
  assert.match(asIs.err, /it is a store of its own.*give --discard-diverged/);
  const made = await runCli(["follow", next.url, "--data", a, "--once", "--discard-diverged"]);
  assert.equal(made.code, 0, made.err);
  assert.match(made.err, /set "orders" aside, since it becomes a replica: it is kept in (\S+)/);
  await assertCopied(b, a);
  const kept = join(a, "quarantine", "orders-0");
  assert.ok(fs.readdirSync(kept).some((name) => name.endsWith(".log")));
  const dumped = await runMain(["dump", kept], { at: "elsewhere" });
  assert.match(dumped.out, /value: late/);
});

test("the folder of a new leader is not set aside for the old one", async () => {
  await using dir = tempDir();
  const [a, b] = [join(dir.path, "a"), join(dir.path, "b")];
  await runMain(["append", "orders", "1"], { at: a });
  await using leader = await served(a);
  assert.equal((await runCli(["follow", leader.url, "--data", b, "--once"])).code, 0);
  assert.equal((await runMain(["promote", b], { at: "elsewhere" })).code, 0);
  await runMain(["append", "orders", "2"], { at: b });
  const wrong = await runCli(["follow", leader.url, "--data", b, "--once", "--discard-diverged"]);
  assert.equal(wrong.code, 4);
  assert.match(wrong.err, /it has epoch 2, and has replaced that; nothing was changed/);
  assert.equal((await runMain(["read", "orders"], { at: b })).out, "1\n2\n");
});

test("the folder of a node that is promoted says what becomes of the cluster", async () => {
  await using dir = tempDir();
  const folder = join(dir.path, "node");
  await (await Store.open(folder, { follows: { source: "nats://127.0.0.1:4222" } })).close();
  const { code, out, err } = await runMain(["promote", folder], { at: "elsewhere" });
  assert.deepEqual([code, out], [0, "2\n"]);
  assert.match(err, /What nats:\S+ still takes in is not here: no writer and no other node may/);
});

test("doctor says whom a folder follows, and how far it is", async () => {
  await using dir = tempDir();
  const [leader, replica] = [join(dir.path, "leader"), join(dir.path, "replica")];
  await runMain(["append", "orders", "a", "b"], { at: leader });
  const server = await served(leader, await freePort());
  await runCli(["follow", server.url, "--data", replica, "--once"]);
  await runMain(["append", "orders", "c"], { at: server.url });
  const near = await runMain(["doctor"], { at: replica });
  assert.match(near.out, /ok\s+replica: follows http:\S+, epoch 1: 1 record behind/);
  await server[Symbol.asyncDispose]();
  const far = await runMain(["doctor"], { at: replica });
  assert.match(far.out, /warn\s+replica: follows http:\S+, epoch 1; it does not answer/);
});

test("what cannot be followed is refused in words that say what to do", async () => {
  await using dir = tempDir();
  const own = join(dir.path, "own");
  await runMain(["append", "orders", "a"], { at: own });
  const nobody = "http://127.0.0.1:9";
  const cases: [string[], number, RegExp][] = [
    [["follow", nobody, "--data", "http://127.0.0.1:8080"], 2, /follow needs a folder/],
    [["follow", nobody, "--data", join(dir.path, "new"), "--once"], 1, /Cannot reach/],
    [["promote", own], 4, /it follows nobody, and can be written to already/],
    [["promote", "http://127.0.0.1:8080"], 2, /promote works on a folder/],
    [["promote", join(dir.path, "no")], 3, /no store|no such/],
  ];
  for (const [args, exitCode, message] of cases) {
    const { code, out, err } = await runMain(args, { at: "elsewhere" });
    assert.deepEqual([code, out], [exitCode, ""], args.join(" ") + err);
    assert.match(err, message);
  }
});
