import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { acknowledged, runCli, startCli } from "./run_cli.ts";

describe("append VALUE…", () => {
  test("prints the offset of one record and the half-open range of several", async () => {
    await using dir = tempDir();
    const at = join(dir.path, "new", "store");
    const one = await runCli(["append", "orders", "hello"], { at });
    assert.deepEqual([one.code, one.out, one.err], [0, "0\n", ""]);
    const three = await runCli(["append", "orders", "a", "", "-c", "--"], { at });
    assert.equal(three.code, 2);
    const dashed = await runCli(["append", "orders", "--", "a", "", "-c"], { at });
    assert.deepEqual([dashed.code, dashed.out], [0, "1..4\n"]);
    assert.equal((await runMain(["read", "orders"], { at })).out, "hello\na\n\n-c\n");
  });

  test("keys, headers and types arrive as they were given", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const append = (...args: string[]) => runMain(["append", "t", ...args], { at });
    await append("-k", "🐘", "-H", "trace:a:1", "-H", "empty:", "x");
    await append("--format", "json", '{ "n": 12345678901234567890, "b": 1e2 }');
    await append("--format", "raw", "x");
    await append("-K", "\\t", "k\tv\tw");
    await append("-J", '{"key":"k","type":"bytes","value":"AP8="}');
    await append("-J", '{"key":"k","value":null}');
    const { out } = await runMain(["read", "t", "-J"], { at });
    const shapes = out.trimEnd().split("\n").map((line) => line.replace(/^.*?Z",/, ""));
    assert.deepEqual(shapes, [
      '"key":"🐘","type":"text","value":"x","headers":{"trace":"a:1","empty":""}}',
      '"type":"json","value":{ "n": 12345678901234567890, "b": 1e2 }}',
      '"type":"bytes","value":"eA=="}',
      '"key":"k","type":"text","value":"v\\tw"}',
      '"key":"k","type":"bytes","value":"AP8="}',
      '"key":"k","value":null}',
    ]);
  });

  test("all values are appended or none", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const bad = await runMain(["append", "t", "--format", "json", "1", "{", "2"], { at });
    assert.equal(bad.code, 1);
    assert.match(bad.err, /^seglog: Cannot append value 2: it is not JSON \(.*\)\n$/);
    assert.equal((await runMain(["append", "t", "x"], { at })).out, "0\n");
    await runMain(["topic", "create", "spread", "--partitions", "8"], { at });
    const spread = await runMain(["append", "spread", "-K", ":", "a:1", "b:2"], { at });
    assert.equal(spread.code, 2);
    assert.match(spread.err, /belong to partitions \d and \d/);
  });

  test("--if-offset appends at that offset or exits with 4", async () => {
    await using dir = tempDir();
    const at = dir.path;
    assert.equal((await runCli(["append", "t", "a", "--if-offset", "0"], { at })).code, 0);
    const refused = await runCli(["append", "t", "b", "--if-offset", "0"], { at });
    assert.equal(refused.code, 4);
    assert.match(refused.err, /^seglog: .*the next offset is 1\n$/);
    const input = "b\nc\n";
    assert.equal((await runCli(["append", "t", "--if-offset=1"], { at, input })).out, "1..3\n");
    assert.equal((await runCli(["append", "t", "--if-offset=1"], { at, input })).code, 4);
  });

  test("in a topic of several partitions the line names the partition", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await runMain(["topic", "create", "t", "--partitions", "3"], { at });
    const append = async (...args: string[]) =>
      (await runMain(["append", "t", ...args], { at })).out;
    assert.match(await append("-k", "a", "x"), /^[012] 0\n$/);
    assert.match(await append("-k", "a", "y"), /^[012] 1\n$/);
    assert.match(await append("-p", "1", "-k", "a", "x", "y"), /^\d\.\.\d\n$/);
    const missing = await runMain(["append", "t", "-p", "3", "x"], { at });
    assert.equal(missing.code, 3);
    const unplaced = await runMain(["append", "t", "x", "--if-offset", "0"], { at });
    assert.equal(unplaced.code, 2);
    assert.match(unplaced.err, /needs -p/);
  });
});

describe("append from standard input", () => {
  const AWKWARD = Buffer.concat([
    Buffer.from("plain\n\n\r\n\ttabs and spaces \n🐘 emoji\n"),
    Buffer.from([0, 1, 2, 0xff, 0xfe, 10, 0xc3, 10]),
    Buffer.from("x".repeat(200_000) + "\nlast\n"),
  ]);

  test("what goes in line by line comes out byte by byte", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const appended = await runCli(["append", "t"], { at, input: AWKWARD });
    assert.deepEqual([appended.code, appended.out, appended.err], [0, "0..9\n", ""]);
    const read = await runCli(["read", "t"], { at });
    assert.ok(read.bytes.equals(AWKWARD));
    const types = await runMain(["read", "t", "-o", "5:8", "-J"], { at });
    assert.match(types.out, /"bytes".*\n.*"bytes".*\n.*"text"/);
  });

  test("a file is read with -i, and - is standard input", async () => {
    await using dir = tempDir();
    const file = join(dir.path, "input");
    fs.writeFileSync(file, AWKWARD);
    const at = join(dir.path, "data");
    assert.equal((await runCli(["append", "t", "-i", file], { at })).out, "0..9\n");
    assert.equal((await runCli(["append", "t", "-i", "-"], { at, input: "a\n" })).out, "9\n");
    assert.equal((await runCli(["append", "t", "-"], { at, input: "a\nb" })).out, "10..12\n");
    const missing = await runCli(["append", "t", "-i", `${file}s`], { at });
    assert.equal(missing.code, 3);
    assert.match(missing.err, /there is no such file\n$/);
    assert.equal((await runCli(["append", "t", "-i", dir.path], { at })).code, 2);
  });

  test("many batches are one run of offsets, and come back as they went in", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const lines = Array.from({ length: 60_000 }, (_, i) => `{"id":${i},"user":"u${i % 97}"}\n`);
    const input = lines.join("");
    const appended = await runCli(["append", "t", "--sync", "os", "--format", "json"], {
      at,
      input,
    });
    assert.deepEqual([appended.code, appended.out], [0, "0..60000\n"]);
    const read = await runCli(["read", "t"], { at });
    assert.ok(read.out === input);
    const shaped = await runCli(["read", "t", "-J"], { at });
    const copied = await runCli(["append", "copy", "-J"], { at, input: shaped.bytes });
    assert.equal(copied.out, "0..60000\n");
    const again = await runCli(["read", "copy", "-J"], { at });
    assert.ok(again.out === shaped.out.replaceAll('"topic":"t"', '"topic":"copy"'));
  });

  test("an empty input appends nothing and says so", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const empty = await runCli(["append", "t"], { at, input: "" });
    assert.deepEqual([empty.code, empty.out], [0, ""]);
    assert.match(empty.err, /the input is empty/);
    assert.equal((await runCli(["append", "t"], { at, input: "\n" })).out, "0\n");
  });

  test("a bad line is named by its number, and those before it stay appended", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const bad = [
      [["--format", "json"], '{"a":1}\n[2]\n{bad\n{}\n', /line 3: it is not JSON .*; 2 records/],
      [["--format", "json"], Buffer.from([0x22, 0xff, 0x22, 10]), /line 1: it is not UTF-8; noth/],
      [["--format", "json"], "1\n\n", /line 2: it is not JSON .*; 1 record before it was appended/],
      [["-J"], '{"value":1}\n{"valu":1}\n', /line 2: .*"valu" is not a member .*; 1 record/],
      [["-J"], "hello\n", /line 1: .*; nothing was appended/],
    ] as const;
    for (const [args, input, message] of bad) {
      const refused = await runCli(["append", "t", ...args], { at, input });
      assert.equal(refused.code, 1);
      assert.match(refused.err, message);
      assert.equal(refused.err.trimEnd().split("\n").length, 1);
    }
    const { out } = await runMain(["read", "t"], { at });
    assert.equal(out, '{"a":1}\n[2]\n1\n1\n');
  });

  test("a line above the limit of a record is refused, not held in memory", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const input = Buffer.concat([Buffer.from("ok\n"), Buffer.alloc(17 * 1024 * 1024, "x")]);
    const refused = await runCli(["append", "t"], { at, input });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /line 2: it is longer than 16,777,216 bytes.*; 1 record before/);
    const whole = await runCli(["append", "t", "--format", "raw"], { at, input });
    assert.equal(whole.code, 1);
    assert.match(whole.err, /longer than 16,777,216 bytes/);
  });

  test("--format raw stores the whole input as one value", async () => {
    await using dir = tempDir();
    const at = dir.path;
    const input = randomBytes(3_000_000);
    assert.equal((await runCli(["append", "t", "--format", "raw"], { at, input })).out, "0\n");
    const read = await runCli(["read", "t", "-f", "%v"], { at });
    assert.ok(read.bytes.equals(input));
    assert.equal((await runCli(["append", "t", "--format", "raw"], { at })).out, "1\n");
    assert.equal((await runMain(["read", "t", "-o", "1", "-f", "%s"], { at })).out, "0");
  });

  test("keys spread lines over partitions, each in order", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await runMain(["topic", "create", "t", "--partitions", "4"], { at });
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i % 50}:${i}`);
    const appended = await runCli(["append", "t", "-K", ":"], { at, input: keys.join("\n") });
    assert.match(appended.out, /^0 0\.\.\d+\n1 0\.\.\d+\n2 0\.\.\d+\n3 0\.\.\d+\n$/);
    const { out } = await runMain(["read", "t", "-f", "%p %k %v\\n"], { at });
    const places = new Map<string, string>();
    const latest = new Map<string, number>();
    for (const line of out.trimEnd().split("\n")) {
      const [partition, key, value] = line.split(" ") as [string, string, string];
      assert.equal(places.get(key) ?? partition, partition);
      assert.ok(Number(value) > (latest.get(key) ?? -1));
      places.set(key, partition);
      latest.set(key, Number(value));
    }
    const records = await runMain(["read", "t", "-J"], { at });
    const copied = await runMain(["topic", "create", "copy", "--partitions", "4"], { at });
    assert.equal(copied.code, 0);
    const again = await runCli(["append", "copy", "-J"], { at, input: records.out });
    assert.equal(again.out, appended.out, "a record as JSON names its partition");
  });

  test("a slow input is appended as it comes", async () => {
    await using dir = tempDir();
    const at = dir.path;
    await using append = startCli(["append", "t"], { at });
    append.child.stdin!.write("first\nsec");
    await acknowledged(append, { at, topic: "t", count: 1 });
    await using follow = startCli(["read", "t", "--follow"], { at });
    await follow.said("first\n");
    append.child.stdin!.write("ond\n");
    await follow.said("first\nsecond\n");
    append.child.stdin!.end();
    assert.equal((await append.ended).out, "0..2\n");
  });
});

test("options that contradict each other are refused before anything is opened", async () => {
  await using dir = tempDir();
  const at = join(dir.path, "data");
  for (
    const args of [
      ["-k", "a", "-K", ":"],
      ["-K", ""],
      ["-J", "-k", "a"],
      ["-J", "-H", "a:b"],
      ["-J", "-K", ":"],
      ["-J", "--format", "json"],
      ["x", "-i", "f"],
    ]
  ) {
    const refused = await runMain(["append", "t", ...args], { at });
    assert.equal(refused.code, 2, args.join(" "));
    assert.match(refused.err, /^seglog: /);
  }
  assert.ok(!fs.existsSync(at));
});

test("a person at a terminal is told that lines are read from there", async () => {
  await using dir = tempDir();
  const typed = await runMain(["append", "t"], {
    at: dir.path,
    input: ["a\n", "b\n"],
    isTerminal: true,
  });
  assert.equal(typed.err, "seglog: reading lines from the terminal, Ctrl-D ends\n");
  assert.equal(typed.out, "0..2\n");
});
