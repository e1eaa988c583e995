/** `mirror`: copies between folders and servers. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Store, verifyMirror } from "../../mod.ts";
import { newPrefix, sharedServer, withNats } from "../jetstream/support.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { acknowledged, runCli, startCli } from "./run_cli.ts";

async function filled(path: string, topics: Record<string, number>): Promise<void> {
  await using store = await Store.open(path, { defaults: { segmentBytes: 4096, sync: "os" } });
  for (const [topic, count] of Object.entries(topics)) {
    for (let i = 0; i < count; i++) await store.append(topic, [{ key: `k${i}`, value: `v${i}` }]);
  }
}

async function isSame(from: string, to: string): Promise<boolean> {
  await using source = await Store.open(from, { readOnly: true });
  await using copy = await Store.open(to, { readOnly: true });
  return (await verifyMirror(source, copy)).ok;
}

test("mirror copies a folder, and the next time only what is new", async () => {
  await using dir = tempDir();
  const [from, to] = [join(dir.path, "from"), join(dir.path, "to")];
  await filled(from, { orders: 100, users: 20 });
  const first = await runCli(["mirror", from, to, "--verify"]);
  assert.deepEqual([first.code, first.out], [0, ""], first.err);
  assert.match(
    first.err,
    /^seglog: copied 120 records \(.* KiB\) to .*to: 2 partitions of 2 topics; all 120 records are the same\n$/,
  );
  await filled(from, { orders: 3 });
  const again = await runMain(["mirror", from, to, "-J"], { at: "elsewhere" });
  const report = JSON.parse(again.out);
  assert.deepEqual(
    [report.version, report.records, report.topics, report.isWhole],
    [1, 3, 2, true],
  );
  assert.ok(await isSame(from, to));
  assert.equal((await runMain(["append", "orders", "own"], { at: to })).out, "103\n");
  const refused = await runMain(["mirror", from, to], { at: "elsewhere" });
  assert.equal(refused.code, 4);
  assert.match(
    refused.err,
    /partition 0 of "orders": the copy ends at offset 104, and its source at 103/,
  );
});

test("mirror copies from a server, named topics only when asked", async () => {
  await using dir = tempDir();
  const from = join(dir.path, "from");
  await filled(from, { orders: 10, users: 10 });
  await runMain(["group", "seek", "billing", "orders", "--to", "4"], { at: from });
  await using server = startCli(["serve", "--http", "127.0.0.1:0", "--data", from]);
  await server.said(/listening on \S+\n/);
  const url = /listening on (\S+)/.exec(server.text())![1]!;
  const some = join(dir.path, "some");
  const named = await runCli(["mirror", url, some, "--topic", "orders", "--verify"]);
  assert.equal(named.code, 0, named.err);
  assert.equal((await runMain(["topic", "ls"], { at: some })).out.includes("users"), false);
  const all = join(dir.path, "all");
  assert.equal((await runCli(["mirror", url, all, "--verify"])).code, 0);
  assert.ok(await isSame(from, all));
  const group = await runMain(["group", "lag", "billing", "-J"], { at: all });
  assert.match(group.out, /"committed":4/);
});

describe("a cluster", withNats, () => {
  const server = sharedServer();

  test("takes a folder by mirror, is followed by another, and gives it back", async () => {
    await using dir = tempDir();
    const [from, back, replica] = ["from", "back", "replica"].map((name) =>
      join(dir.path, name)
    ) as [
      string,
      string,
      string,
    ];
    await filled(from, { orders: 50, users: 5 });
    const cluster = `${(await server()).url}/?prefix=${newPrefix()}`;
    const there = await runCli(["mirror", from, cluster, "--verify"]);
    assert.equal(there.code, 0, there.err);
    assert.match(there.err, /all 55 records are the same/);
    assert.equal((await runCli(["append", "orders", "more"], { at: cluster })).out, "50\n");
    assert.equal((await runCli(["follow", cluster, "--data", replica, "--once"])).code, 0);
    assert.equal((await runMain(["read", "orders", "-o", "-1"], { at: replica })).out, "more\n");
    const again = await runCli(["mirror", cluster, back, "--verify"]);
    assert.match(again.err, /all 56 records are the same/);
    assert.ok(await isSame(back, replica));
  });
});

test("mirror --follow goes on until a signal", async () => {
  await using dir = tempDir();
  const [from, to] = [join(dir.path, "from"), join(dir.path, "to")];
  await filled(from, { orders: 10 });
  await using mirroring = startCli(["mirror", from, to, "--follow"]);
  await mirroring.said(/copied 10 records/);
  await filled(from, { orders: 5, users: 2 });
  // It may look for more between two of them.
  const copied = (text: string) =>
    [...text.matchAll(/copied (\d+) record/g)].reduce((sum, [, n]) => sum + Number(n), 0);
  await mirroring.said((text) => copied(text) >= 17);
  assert.equal(copied(mirroring.text()), 17);
  mirroring.signal("SIGTERM");
  assert.equal((await mirroring.ended).code, 0);
  assert.ok(await isSame(from, to));
});

test("mirror that is killed goes on where it was, and everything is there in the end", async () => {
  await using dir = tempDir();
  const [from, to] = [join(dir.path, "from"), join(dir.path, "to")];
  await filled(from, { orders: 3000 });
  for (const count of [1, 500, 1500]) {
    await using mirroring = startCli(["mirror", from, to]);
    await acknowledged(mirroring, { at: to, topic: "orders", count });
    mirroring.child.kill("SIGKILL");
    await mirroring.ended;
  }
  const { code, err } = await runCli(["mirror", from, to, "--verify"]);
  assert.equal(code, 0, err);
  assert.match(err, /all 3,000 records are the same/);
});

test("what cannot be mirrored is refused in words that say what to do", async () => {
  await using dir = tempDir();
  const from = join(dir.path, "from");
  await filled(from, { orders: 1 });
  const other = join(dir.path, "other");
  assert.equal((await runMain(["mirror", from, other], { at: "elsewhere" })).code, 0);
  await runMain(["append", "orders", "own"], { at: other });
  const cases: [string[], number, RegExp][] = [
    [["mirror", join(dir.path, "no"), join(dir.path, "to")], 3, /no such folder/],
    [
      ["mirror", from, other],
      4,
      /the copy ends at offset 2.*delete the topic in \S+other, or name/,
    ],
    [["mirror", from, from], 2, /mirror needs two places/],
    [
      ["mirror", from, "http://127.0.0.1:8080"],
      2,
      /is a server, which gives records offsets of its own/,
    ],
    [["mirror", from, join(dir.path, "to"), "--topic", "none"], 3, /no topic|none/],
  ];
  for (const [args, exitCode, message] of cases) {
    const { code, out, err } = await runMain(args, { at: "elsewhere" });
    assert.deepEqual([code, out], [exitCode, ""], args.join(" ") + err);
    assert.match(err, message);
  }
  assert.equal(fs.existsSync(join(dir.path, "no")), false);
});
