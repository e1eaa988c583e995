import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { runCli, startCli } from "./run_cli.ts";

/** A store with the values 0 to 9 in one partition, and three keys; the first two are truncated. */
async function tenRecords(at: string): Promise<void> {
  await using store = await Store.open(at);
  for (let i = 0; i < 10; i++) {
    await store.append("t", [{ key: `k${i % 3}`, value: `${i}`, timestamp: 1000 * (i + 1) }]);
  }
  await store.truncate("t", { before: 2 });
}

/** A store with two partitions whose timestamps take turns. */
async function twoPartitions(at: string): Promise<void> {
  await using store = await Store.open(at);
  await store.ensureTopic("t", { partitions: 2 });
  for (let i = 0; i < 6; i++) {
    const records = [{ value: `${i}`, timestamp: 1000 + i }];
    await store.append("t", records, { partition: i % 2 });
  }
}

describe("read", () => {
  test("every kind of range gives its records", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await tenRecords(at);
    const ranges: [string[], string][] = [
      [[], "23456789"],
      [["-o", "start"], "23456789"],
      [["-o", "end"], ""],
      [["-o", "5"], "56789"],
      [["-o", "10"], ""],
      [["-o", "-3"], "789"],
      [["-o", "-100"], "23456789"],
      [["-o", "3:5"], "34"],
      [["-o", "5:3"], ""],
      [["-o", ":4"], "23"],
      [["-o", "8:100"], "89"],
      [["-o", "-4:-2"], "67"],
      [["-o", "@6000"], "56789"],
      [["-o", "@1970-01-01T00:00:04.500Z:@7000"], "45"],
      [["-o", "@-1h"], ""],
      [["-n", "3"], "234"],
      [["-n", "0"], ""],
      [["--reverse"], "98765432"],
      [["--reverse", "-n", "2"], "98"],
      [["--reverse", "-o", "3:5"], "43"],
      [["--key", "k1"], "47"],
      [["--key", "k1", "-n", "1"], "4"],
      [["--key", "none"], ""],
      [["-p", "0", "-n", "1"], "2"],
    ];
    for (const [args, expected] of ranges) {
      const { code, out } = await runMain(["read", "t", ...args], { at });
      assert.equal(code, 0, args.join(" "));
      assert.equal(out.replaceAll("\n", ""), expected, args.join(" "));
    }
  });

  test("offsets that cannot be read exit with 3 and say which can", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await tenRecords(at);
    const below = await runCli(["read", "t", "-o", "1"], { at });
    assert.equal(below.code, 3);
    assert.match(below.err, /offset 1: the first readable offset is 2\n$/);
    const past = await runCli(["read", "t", "-o", "11"], { at });
    assert.equal(past.code, 3);
    assert.match(past.err, /the next record will get offset 10\n$/);
  });

  test("what is not there exits with 3 and leaves no trace", async () => {
    await using dir = tempDir();
    const at = join(dir.path, "nowhere");
    for (const args of [["read", "t"], ["tail", "t"], ["info"], ["topic", "ls"], ["verify"]]) {
      const missing = await runMain(args, { at });
      assert.equal(missing.code, 3, args.join(" "));
      assert.match(missing.err, /there is no such f/);
    }
    assert.equal((await runMain(["truncate", "t", "--keep", "1", "-y"], { at })).code, 3);
    assert.equal((await runMain(["topic", "rm", "t", "-y"], { at })).code, 3);
    assert.ok(!fs.existsSync(at));
    await runMain(["append", "t", "x"], { at });
    const noTopic = await runMain(["read", "other"], { at });
    assert.equal(noTopic.code, 3);
    assert.match(noTopic.err, /Cannot find topic "other"/);
    const noPartition = await runMain(["read", "t", "-p", "1"], { at });
    assert.equal(noPartition.code, 3);
    assert.match(noPartition.err, /it has only partition 0/);
  });

  test("several partitions are read in turn, and an offset needs one of them", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await twoPartitions(at);
    const read = async (...args: string[]) => await runMain(["read", "t", ...args], { at });
    assert.equal((await read()).out, "0\n2\n4\n1\n3\n5\n");
    assert.equal((await read("-p", "1")).out, "1\n3\n5\n");
    assert.equal((await read("-o", "-1")).out, "4\n5\n");
    assert.equal((await read("-p", "1", "-o", "1")).out, "3\n5\n");
    const refused = await read("-o", "1");
    assert.equal(refused.code, 2);
    assert.match(refused.err, /2 partitions.*-p/);
  });

  test("--follow goes on with what is appended, from every partition", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await twoPartitions(at);
    await using follow = startCli(["read", "t", "--follow", "-o", "-1", "-f", "%p:%v\\n"], { at });
    await follow.said("0:4\n");
    await follow.said("1:5\n");
    await using store = await Store.open(at);
    await store.append("t", [{ value: "new" }], { partition: 1 });
    await follow.said("1:new\n");
    await store.append("t", [{ value: "newer" }], { partition: 0 });
    await follow.said("0:newer\n");
    follow.signal("SIGINT");
    assert.equal((await follow.ended).code, 130);
  });

  test("--follow stops at its maximum and at the end of its range", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await tenRecords(at);
    const some = await runCli(["read", "t", "--follow", "-n", "3"], { at });
    assert.deepEqual([some.code, some.out], [0, "2\n3\n4\n"]);
    const range = await runCli(["read", "t", "--follow", "-o", "8:10"], { at });
    assert.deepEqual([range.code, range.out], [0, "8\n9\n"]);
    assert.equal((await runMain(["read", "t", "--follow", "--reverse"], { at })).code, 2);
  });

  test("values that are not text come out as they went in", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const value = new Uint8Array(100_000).map((_, i) => i * 7);
    {
      await using store = await Store.open(at);
      await store.append("t", [{ value }, { value: null }, { value: "" }]);
    }
    const read = await runCli(["read", "t"], { at });
    assert.equal(read.bytes.length, 100_000 + 3);
    assert.ok(read.bytes.subarray(0, 100_000).equals(value));
  });
});

describe("tail", () => {
  test("gives the last records, ten unless said", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await tenRecords(at);
    const tail = async (...args: string[]) =>
      (await runMain(["tail", "t", ...args], { at })).out.replaceAll("\n", "");
    assert.equal(await tail(), "23456789");
    assert.equal(await tail("-n", "3"), "789");
    assert.equal(await tail("-n1"), "9");
    assert.equal(await tail("-n", "0"), "");
    assert.equal(await tail("-n", "2", "--format", "%o,"), "8,9,");
  });

  test("counts records, not offsets: a gap at the end does not hide them", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await tenRecords(at);
    await runMain(["truncate", "t", "--after", "6", "-y"], { at });
    assert.equal((await runMain(["tail", "t", "-n", "2"], { at })).out, "5\n6\n");
    await runMain(["append", "t", "x", "y", "z"], { at });
    assert.equal((await runMain(["tail", "t", "-n", "4"], { at })).out, "6\nx\ny\nz\n");
    assert.equal((await runMain(["tail", "t", "-n", "2"], { at })).out, "y\nz\n");
  });

  test("takes the newest of several partitions by timestamp, the newest last", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await twoPartitions(at);
    const tail = async (...args: string[]) =>
      (await runMain(["tail", "t", ...args], { at })).out.replaceAll("\n", "");
    assert.equal(await tail("-n", "3"), "345");
    assert.equal(await tail("-n", "100"), "012345");
    assert.equal(await tail("-n", "0"), "");
    assert.equal(await tail("-n", "2", "-p", "0"), "24");
  });

  test("-f goes on with what is appended", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await tenRecords(at);
    await using follow = startCli(["tail", "t", "-fn1"], { at });
    await follow.said("9\n");
    assert.equal((await runMain(["append", "t", "new"], { at })).out, "10\n");
    await follow.said("9\nnew\n");
    follow.signal("SIGTERM");
    assert.equal((await follow.ended).code, 130);
  });
});
