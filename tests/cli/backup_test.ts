/** `backup` and `restore`, on folders, beside a server, and on what is damaged. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect, Store } from "../../mod.ts";
import { Gate } from "../support/gate.ts";
import { findNats, startNats } from "../support/nats.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { until } from "../support/until.ts";
import { acknowledged, runCli, startCli } from "./run_cli.ts";

/** Folders for data, backups and a restored store, and a topic with the given lines. */
async function prepared(dir: string, values: string[]) {
  const [at, backups, target] = ["data", "backups", "restored"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  await using store = await Store.open(at, { defaults: { segmentBytes: 4096 } });
  for (const value of values) await store.append("t", [{ value }]);
  return { at, backups, target };
}

/**
 * Starts a backup, and kills it when its snapshot has been begun.
 *
 * @returns whether it was not over yet
 */
async function killBackup(backups: string, at: string): Promise<boolean> {
  const before = new Set(fs.readdirSync(backups)).add("LOCK");
  await using running = startCli(["backup", backups], { at });
  let isOver = false;
  void running.ended.then(() => isOver = true);
  await until(() => isOver || fs.readdirSync(backups).some((name) => !before.has(name)));
  running.child.kill("SIGKILL");
  return (await running.ended).code === null;
}

/** A nats-server; the test is skipped by name where there is none. */
const nats = await findNats();
const withNats = { skip: typeof nats === "string" ? nats : false };

const MIB = 1024 * 1024;

const LINES = Array.from({ length: 6 }, (_, i) => `${i}`.repeat(1900));

test("backup prints the snapshot's folder, which every verb that reads can be given", async () => {
  await using dir = tempDir();
  const { at, backups } = await prepared(dir.path, LINES);
  const { code, out, err } = await runCli(["backup", backups], { at });
  assert.equal(code, 0);
  assert.match(out, /^\/.*\/backups\/\d{8}T\d{6}\.\d{3}Z\n$/);
  assert.match(err, /^seglog: 6 records in 1 topic: copied 11\.\d KiB, linked 0 B\n$/);
  const snapshot = out.trim();
  assert.equal((await runMain(["read", "t"], { at: snapshot })).out, `${LINES.join("\n")}\n`);
  assert.match((await runMain(["verify", snapshot], { at })).err, /everything is intact/);
  assert.equal((await runMain(["dump", snapshot, "--headers-only"], { at })).code, 0);
  assert.match((await runMain(["info"], { at: snapshot })).out, /\nt\t1\t6\t/);
  const again = await runMain(["backup", backups, "-J"], { at });
  assert.equal(again.err, "");
  const report = JSON.parse(again.out);
  assert.deepEqual([report.version, report.ok, report.problems], [1, true, []]);
  assert.equal(report.snapshot.records, 6);
  assert.ok(report.linkedBytes > 0 && report.copiedBytes > 0);
  assert.equal(report.linkedBytes + report.copiedBytes, report.snapshot.bytes);
});

test("backup --list shows the snapshots, and restore takes the newest or the one that is named", async () => {
  await using dir = tempDir();
  const { at, backups, target } = await prepared(dir.path, ["a"]);
  const first = (await runMain(["backup", backups], { at })).out.trim();
  await runMain(["append", "t", "b"], { at });
  const second = (await runMain(["backup", backups], { at })).out.trim();
  const [one, other] = [first, second].map((path) => path.split("/").at(-1)!) as [string, string];
  const listed = await runMain(["backup", "--list", backups], { at: "elsewhere" });
  assert.equal(listed.code, 0);
  assert.match(
    listed.out,
    new RegExp(`^SNAPSHOT\tTOPICS\tRECORDS\tBYTES\n${one}\t1\t1\t\\d+\n${other}\t1\t2\t\\d+\n$`),
  );
  const json = JSON.parse((await runMain(["backup", "--list", backups, "-J"], { at })).out);
  assert.deepEqual(json.snapshots.map(({ name }: { name: string }) => name), [one, other]);

  const restored = await runCli(["restore", backups, target], { at: "elsewhere" });
  assert.deepEqual([restored.code, restored.out], [0, ""]);
  assert.match(restored.err, /^seglog: restored 2 records from .* to .*; everything is intact\n$/);
  assert.equal((await runMain(["append", "t", "c"], { at: target })).out, "2\n");
  assert.equal((await runMain(["read", "t"], { at: target })).out, "a\nb\nc\n");
  const refused = await runMain(["restore", backups, target], { at });
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^seglog: Cannot restore to .*: it is not empty.*\n$/);
  const earlier = join(dir.path, "earlier");
  const named = await runMain(["restore", backups, earlier, "--snapshot", one, "-J"], { at });
  assert.equal(JSON.parse(named.out).partitions[0].records, 1);
  const missing = await runMain(["restore", backups, join(dir.path, "x"), "--snapshot", "y"], {
    at,
  });
  assert.equal(missing.code, 3);
});

test("backup works beside a server, and takes what it has acknowledged", async () => {
  await using dir = tempDir();
  const { at, backups, target } = await prepared(dir.path, ["a"]);
  await using server = startCli(["serve", "--http", "127.0.0.1:0", "--data", at]);
  await server.said(/listening on \S+\n/);
  const url = /listening on (\S+)/.exec(server.text())![1]!;
  await using feed = startCli(["append", "t", "--linger", "1ms"], { at: url });
  let count = 1;
  for (let round = 0; round < 5; round++) {
    feed.child.stdin!.write("x\n".repeat(100));
    count += 100;
    await acknowledged(feed, { at, topic: "t", count });
    const { code, out } = await runCli(["backup", backups], { at });
    assert.equal(code, 0);
    const read = await runMain(["read", "t", "-f", "%o\\n"], { at: out.trim() });
    const offsets = read.out.trimEnd().split("\n").map(Number);
    assert.deepEqual(offsets, Array.from({ length: count }, (_, i) => i));
  }
  feed.child.stdin!.end();
  assert.equal((await feed.ended).code, 0);
  assert.equal((await runCli(["restore", backups, target])).code, 0);
  assert.match((await runMain(["info"], { at: target })).out, /\nt\t1\t501\t/);
});

test("backup of a server takes what it keeps for itself, too, and then only what came since", async () => {
  await using dir = tempDir();
  const { at, backups, target } = await prepared(dir.path, LINES);
  await runMain(["group", "seek", "billing", "t", "--to", "4"], { at });
  await using server = startCli(["serve", "--http", "127.0.0.1:0", "--data", at]);
  await server.said(/listening on \S+\n/);
  const url = /listening on (\S+)/.exec(server.text())![1]!;
  const first = await runCli(["backup", backups], { at: url });
  assert.equal(first.code, 0, first.err);
  assert.match(first.err, /^seglog: 8 records in 2 topics: copied 11\.\d KiB, linked 0 B\n$/);
  await runMain(["append", "t", "more"], { at: url });
  const report = JSON.parse((await runMain(["backup", backups, "-J"], { at: url })).out);
  assert.deepEqual([report.version, report.ok, report.snapshot.records], [1, true, 9]);
  assert.ok(report.linkedBytes > report.copiedBytes);
  assert.equal((await runMain(["restore", backups, target], { at })).code, 0);
  const group = await runMain(["group", "lag", "billing", "-J"], { at: target });
  assert.match(group.out, /"committed":4/);
});

test("damage is backed up as it is with exit code 5, and restored with exit code 5", async () => {
  await using dir = tempDir();
  const { at, backups, target } = await prepared(dir.path, LINES);
  const segment = join(at, "t-0", "00000000000000000002.log");
  const bytes = fs.readFileSync(segment);
  bytes[64 + 64 + 500]! ^= 0xff;
  fs.writeFileSync(segment, bytes);
  const backup = await runCli(["backup", backups], { at });
  assert.equal(backup.code, 5);
  assert.match(
    backup.err,
    /damage: .*data\/t-0\/0+2\.log at position 64 \(offsets 2\): .*checksum/,
  );
  assert.match(backup.err, /1 place damaged in the store, copied as they are\n$/);
  const copy = join(backup.out.trim(), "t-0", "00000000000000000002.log");
  assert.ok(fs.readFileSync(copy).equals(bytes));
  assert.equal(JSON.parse((await runMain(["backup", backups, "-J"], { at })).out).ok, false);
  const restored = await runCli(["restore", backups, target]);
  assert.equal(restored.code, 5);
  assert.match(restored.err, /damage: .*restored\/t-0\/0+2\.log at [^]*; 1 place damaged\n$/);
  const read = await runMain(["read", "t", "-o", "3", "-f", "%o "], { at: target });
  assert.equal(read.out, "3 4 5 ");
});

test("what cannot be backed up or restored is refused in words that say what to do", async () => {
  await using dir = tempDir();
  const { at, backups, target } = await prepared(dir.path, ["a"]);
  const cases: [string[], number, RegExp][] = [
    [["backup", backups, "--at", join(dir.path, "no")], 3, /no store is there/],
    [["backup", at], 2, /it is a store itself; name a folder for snapshots/],
    [["backup", "http://127.0.0.1:8080"], 2, /backup writes to a folder/],
    [["backup", "--list", backups], 3, /no such folder/],
    [["restore", backups, target], 3, /no such folder/],
    [["restore", dir.path, target], 3, /it holds no whole snapshot/],
    [
      ["restore", "http://127.0.0.1:8080", target],
      2,
      /restore reads a folder, and http.* a server/,
    ],
    [["restore", "nats://127.0.0.1:1", target], 2, /restore reads a folder, and nats.* a cluster/],
    [["restore", at, "http://127.0.0.1:8080"], 2, /is a server, which gives records offsets/],
    [["restore", at, "localhost:8080"], 2, /no folder and no URL/],
  ];
  for (const [args, exitCode, message] of cases) {
    const { code, out, err } = await runMain(args, { at });
    assert.deepEqual([code, out], [exitCode, ""], args.join(" "));
    assert.match(err, message);
    assert.equal(err.split("\n").length, 2, err);
  }
  assert.equal(fs.existsSync(backups) || fs.existsSync(target), false);
});

test("a backup that is killed leaves nothing that counts, and the next one clears it away", async () => {
  await using dir = tempDir();
  const { at, backups } = await prepared(dir.path, Array.from({ length: 60 }, () => LINES[0]!));
  await runMain(["backup", backups], { at });
  for (let round = 0; round < 3; round++) {
    await runMain(["append", "u", ...LINES], { at });
    await killBackup(backups, at);
    const names = fs.readdirSync(backups).filter((name) => name !== "LOCK");
    const listed = JSON.parse((await runMain(["backup", "--list", backups, "-J"], { at })).out);
    for (const { path } of listed.snapshots) {
      assert.equal((await runMain(["verify", path], { at })).code, 0);
    }
    assert.ok(listed.snapshots.length >= names.length - 1);
    const next = await runMain(["backup", backups], { at });
    assert.equal(next.code, 0, next.err);
    for (const name of fs.readdirSync(backups)) {
      assert.ok(name === "LOCK" || fs.existsSync(join(backups, name, "store.json")), name);
    }
  }
});

test("a store goes into a cluster by a snapshot, and comes back by another", withNats, async () => {
  await using dir = tempDir();
  const { at, backups, target } = await prepared(dir.path, LINES);
  await using server = await startNats();
  const cluster = `${server.url}/?prefix=moved`;
  await runMain(["backup", backups], { at });
  const filled = await runCli(["restore", backups, cluster]);
  assert.deepEqual([filled.code, filled.out], [0, ""], filled.err);
  assert.match(
    filled.err,
    /^seglog: restored 6 records from .* to nats:.*; all of them are the same there\n$/,
  );
  assert.equal((await runMain(["append", "t", "behind"], { at: cluster })).out, "6\n");
  const back = join(dir.path, "back");
  const first = await runCli(["backup", back], { at: cluster });
  assert.equal(first.code, 0, first.err);
  assert.match(first.err, /^seglog: 7 records in 1 topic: copied 11\.\d KiB, linked 0 B\n$/);
  const snapshot = first.out.trim();
  const values = `${[...LINES, "behind"].join("\n")}\n`;
  assert.equal((await runMain(["read", "t"], { at: snapshot })).out, values);
  await runMain(["append", "t", "last"], { at: cluster });
  const second = JSON.parse((await runMain(["backup", back, "-J"], { at: cluster })).out);
  assert.ok(second.linkedBytes > second.copiedBytes, JSON.stringify(second));
  const listed = JSON.parse((await runMain(["backup", "--list", back, "-J"], { at })).out);
  assert.deepEqual(listed.snapshots.map(({ records }: { records: number }) => records), [7, 8]);
  const restored = await runCli(["restore", back, target]);
  assert.match(restored.err, /restored 8 records .*; everything is intact\n$/);
  assert.equal((await runMain(["append", "t", "own"], { at: target })).out, "8\n");

  const refused = await runMain(["restore", backups, cluster, "-J"], { at });
  assert.equal(refused.code, 4);
  assert.match(refused.err, /the copy ends at offset 8, and its source at 6/);
  const elsewhere = `${server.url}/?prefix=other`;
  await runMain(["append", "t", "mine"], { at: elsewhere });
  const taken = await runMain(["restore", backups, elsewhere], { at });
  assert.equal(taken.code, 1);
  assert.match(taken.err, /topic "t" of another origin is there.*another prefix/);
});

test(
  "a restore to a cluster, and a backup of one, that are killed are made again",
  withNats,
  async () => {
    await using dir = tempDir();
    const { at, backups } = await prepared(dir.path, []);
    {
      await using store = await Store.open(at, { defaults: { segmentBytes: 65_536, sync: "os" } });
      await store.ensureTopic("t", { partitions: 4 });
      for (let i = 0; i < 4000; i++) {
        await store.append("t", [{ value: `${i} ${LINES[1]}` }], { partition: i % 4 });
      }
    }
    await runMain(["backup", backups], { at });
    await using server = await startNats();
    const port = Number(new URL(server.url).port);
    const clusterAt = (port: number) => `nats://127.0.0.1:${port}/?prefix=killed`;
    const cluster = clusterAt(port);
    await using target = await connect(cluster);
    const copied = async () => {
      const bounds = [0, 1, 2, 3].map((partition) => target.bounds("t", partition));
      const ends = await Promise.all(bounds).catch(() => []); // the topic is not there yet
      return ends.reduce((sum, { nextOffset }) => sum + nextOffset, 0);
    };
    // About eight MiB are copied: with less than that no command comes to its end.
    for (const [count, bytes] of [[1, MIB], [1500, 4 * MIB]] as const) {
      await using gate = await Gate.open(port, { from: "client", bytes });
      await using running = startCli(["restore", backups, clusterAt(gate.port)]);
      await until(async () => await copied() >= count);
      running.child.kill("SIGKILL");
      await running.ended;
    }
    assert.ok(await copied() < 4000);
    const { code, out } = await runCli(["restore", backups, cluster, "-J"]);
    const report = JSON.parse(out);
    assert.deepEqual([code, report.ok, report.verification.records], [0, true, 4000]);
    assert.ok(report.copiedRecords < 4000);

    const back = join(dir.path, "back");
    fs.mkdirSync(back);
    for (let round = 0; round < 2; round++) {
      await using gate = await Gate.open(port, { from: "server", bytes: MIB });
      assert.ok(await killBackup(back, clusterAt(gate.port)));
      const listed = JSON.parse((await runMain(["backup", "--list", back, "-J"], { at })).out);
      assert.deepEqual(listed.snapshots, []);
    }
    const whole = await runCli(["backup", back, "-J"], { at: cluster });
    assert.equal(whole.code, 0, whole.err);
    assert.equal(JSON.parse(whole.out).snapshot.records, 4000);
    assert.equal(fs.readdirSync(back).filter((name) => name !== "LOCK").length, 1);
  },
);
