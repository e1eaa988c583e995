import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tempDir } from "../support/temp_dir.ts";
import { type FakeOptions, runMain } from "./fake_io.ts";

function at(path: string) {
  return (args: string[], options: Omit<FakeOptions, "at"> = {}) =>
    runMain(args, { at: path, ...options });
}

describe("topic", () => {
  test("create, ls, info, set and rm do what they say", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    const settings = ["--partitions", "3", "--segment-bytes", "1MiB", "--retention-age", "7d"];
    const created = await run(["topic", "create", "b", ...settings]);
    assert.deepEqual(created, {
      code: 0,
      out: "",
      err: 'seglog: created "b" with 3 partitions\n',
    });
    assert.equal((await run(["topic", "create", "b", ...settings])).code, 0);
    const other = await run(["topic", "create", "b", "--partitions", "4"]);
    assert.equal(other.code, 1);
    assert.match(other.err, /it exists with partitions 3/);
    await run(["topic", "create", "a"]);
    assert.equal((await run(["topic", "ls"])).out, "a\nb\n");

    const changes = ["--retention-age", "none", "--retention-bytes", "10MiB", "--sync", "os"];
    assert.equal((await run(["topic", "set", "b", ...changes])).code, 0);
    const info = JSON.parse((await run(["topic", "info", "b", "-J"])).out);
    assert.equal(info.version, 1);
    assert.equal(info.partitions.length, 3);
    assert.deepEqual(info.config, {
      partitions: 3,
      segmentBytes: 1024 * 1024,
      segmentAgeMs: 7 * 86_400_000,
      retentionMs: null,
      retentionBytes: 10 * 1024 * 1024,
      retentionRecords: null,
      sync: "os",
      compression: "none",
      compaction: "none",
      garbageRatio: 0.5,
      tombstoneMs: 86_400_000,
    });

    assert.equal((await run(["topic", "rm", "b", "-y"])).code, 0);
    assert.equal((await run(["topic", "ls"])).out, "a\n");
    assert.equal((await run(["topic", "rm", "b", "-y"])).code, 3);
    assert.equal((await run(["topic", "set", "b", "--sync", "os"])).code, 3);
    assert.equal((await run(["topic", "set", "a"])).code, 2);
  });

  test("settings out of bounds and names that are none are refused with exit code 2", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    for (const args of [["t", "--segment-bytes", "1"], ["t", "--partitions", "9999"], ["a\nb"]]) {
      const refused = await run(["topic", "create", ...args]);
      assert.equal(refused.code, 2, args.join(" "));
      assert.equal(refused.err.trimEnd().split("\n").length, 1);
    }
  });

  test("names that would be paths are names", async () => {
    await using dir = tempDir();
    const run = at(`${dir.path}/store`);
    for (const topic of ["../up", "/root", "a/b", ".", "Ünï 🐘", "-dash"]) {
      assert.equal((await run(["append", "--", topic, "x"])).out, "0\n", topic);
      assert.equal((await run(["read", "--", topic])).out, "x\n");
    }
  });
});

describe("info", () => {
  test("lines of tab-separated columns for programs", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["append", "t", "a", "b"]);
    const store = await run(["info"]);
    assert.match(
      store.out,
      /^TOPIC\tPARTITIONS\tRECORDS\tBYTES\tSEGMENTS\nt\t1\t2\t\d+\t1\n$/,
    );
    const topic = await run(["info", "t"]);
    assert.match(topic.out, /^SETTING\tVALUE\nname\tt\nid\t[0-9a-f]{32}\npartitions\t1\n/);
    assert.match(topic.out, /\nPARTITION\tSTART\tNEXT\t.*\n0\t0\t2\t2\t2\t\d+\t1\n$/);
    const json = JSON.parse((await run(["info", "-J"])).out);
    assert.deepEqual([json.version, json.topics.length, json.topics[0].name], [1, 1, "t"]);
  });

  test("tells how much compression saves, and says nothing of it where there is none", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["topic", "create", "packed", "--compression", "zstd"]);
    assert.ok(!(await run(["info", "packed"])).out.includes("compression-ratio"));
    await run(["append", "packed", "the same again; ".repeat(1000)]);
    await run(["append", "packed", "short"]);
    const [, ratio] = /\ncompression-ratio\t([\d.]+)\n/.exec((await run(["info", "packed"])).out)!;
    assert.ok(Number(ratio) > 20, `${ratio}`);
    const json = JSON.parse((await run(["topic", "info", "packed", "-J"])).out);
    assert.equal(json.compressionRatio, Number(ratio));
    await run(["append", "plain", "x"]);
    assert.ok(!(await run(["info", "plain"])).out.includes("compression-ratio"));
  });

  test("a table with colour for people, without where NO_COLOR says so", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["append", "t", "a"]);
    const table = await run(["info"], { isTerminal: true });
    assert.ok(table.out.includes("\x1b[1mTOPIC\x1b[22m"));
    const plain = await run(["info"], { isTerminal: true, env: { NO_COLOR: "1" } });
    assert.ok(plain.out.startsWith("TOPIC  PARTITIONS  RECORDS  BYTES  SEGMENTS\n"));
    assert.match(plain.out, /\nt +1 +1 +\d+ B +1\n$/);
    for (const args of [["topic", "ls"], ["info", "t"], ["verify"], ["--help"]]) {
      const shown = await run(args, { isTerminal: true, env: { NO_COLOR: "1" } });
      assert.equal(shown.code, 0);
      assert.ok(!`${shown.out}${shown.err}`.includes("\x1b"), args.join(" "));
    }
  });
});

describe("truncate", () => {
  const ten = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

  test("removes one end, says what, and never uses an offset again", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["append", "t", ...ten]);
    const before = await run(["truncate", "t", "--before", "2", "-y"]);
    assert.deepEqual(before, { code: 0, out: "", err: "seglog: removed 2 records: 0..2\n" });
    const after = await run(["truncate", "t", "--after", "7", "-y"]);
    assert.equal(after.err, "seglog: removed 2 records: 8..10\n");
    const keep = await run(["truncate", "t", "--keep", "1", "-y"]);
    assert.equal(keep.code, 0);
    const again = await run(["truncate", "t", "--before", "1", "-y"]);
    assert.deepEqual([again.code, again.out], [0, ""]);
    assert.match(again.err, /nothing is removed/);
    assert.equal((await run(["truncate", "t", "--before", "end", "-y"])).code, 0);
    assert.equal((await run(["read", "t"])).out, "");
    assert.equal((await run(["append", "t", "new"])).out, "10\n");
    const past = await run(["truncate", "t", "--before", "99", "-y"]);
    assert.equal(past.code, 3);
  });

  test("--dry-run says the same and removes nothing", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["append", "t", ...ten]);
    const dry = await run(["truncate", "t", "--keep", "3", "--dry-run"]);
    assert.deepEqual(dry, { code: 0, out: "", err: "seglog: would remove 7 records: 0..7\n" });
    assert.equal((await run(["read", "t"])).out.length, 20);
  });

  test("--keep and @time cut each partition, an offset needs one of them", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["topic", "create", "t", "--partitions", "2"]);
    for (const partition of ["0", "1"]) {
      for (const time of ["1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z"]) {
        const shape = JSON.stringify({ value: time.slice(-3, -1), timestamp: time });
        await run(["append", "t", "-p", partition, "-J", shape]);
      }
    }
    assert.equal((await run(["truncate", "t", "--before", "1", "-y"])).code, 2);
    const time = await run(["truncate", "t", "--before", "@1500", "-y"]);
    assert.equal(
      time.err,
      "seglog: removed 1 record in partition 0: 0\nseglog: removed 1 record in partition 1: 0\n",
    );
    assert.equal((await run(["truncate", "t", "--before", "2", "-p", "1", "-y"])).code, 0);
    assert.equal((await run(["read", "t", "-f", "%p:%v "])).out, "0:02 ");
  });

  test("it asks on a terminal, and elsewhere needs -y", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    await run(["append", "t", ...ten]);
    const unasked = await run(["truncate", "t", "--keep", "1"]);
    assert.equal(unasked.code, 2);
    assert.match(unasked.err, /no terminal to ask on: give -y/);
    const refused = await run(["truncate", "t", "--keep", "1"], {
      isTerminal: true,
      input: "n\n",
    });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /Remove 9 records of "t"\? \[y\/N\] [^]*nothing was removed/);
    const left = await run(["topic", "rm", "t"], { isTerminal: true, input: [] });
    assert.equal(left.code, 1);
    const agreed = await run(["truncate", "t", "--keep", "1"], {
      isTerminal: true,
      input: "y\n",
    });
    assert.equal(agreed.code, 0);
    assert.equal((await run(["read", "t"])).out, "9\n");
    assert.equal((await run(["topic", "rm", "t"])).code, 2);
    const gone = await run(["topic", "rm", "t"], { isTerminal: true, input: "yes\n" });
    assert.equal(gone.code, 0);
  });

  test("one of --before, --after and --keep must be given", async () => {
    await using dir = tempDir();
    const run = at(dir.path);
    assert.equal((await run(["truncate", "t", "-y"])).code, 2);
    assert.equal((await run(["truncate", "t", "--before", "1", "--keep", "1"])).code, 2);
  });
});

test("compact keeps the latest of each key, and asks where the topic does not say so", async () => {
  await using dir = tempDir();
  const run = (...args: string[]) => runMain(args, { at: dir.path });
  for (let i = 0; i < 4; i++) await run("append", "users", `${i}`, "-k", "u1");
  const refused = await run("compact", "users");
  assert.deepEqual([refused.code, refused.out], [2, ""]);
  assert.match(refused.err, /give -y/);
  assert.match((await run("compact", "users", "-y")).err, /removed 3 records/);
  assert.equal((await run("read", "users")).out, "3\n");
  await run("topic", "set", "users", "--compaction", "keys", "--garbage-ratio", "0.2");
  await run("topic", "set", "users", "--tombstone-age", "2h");
  await run("append", "users", "4", "-k", "u1");
  assert.equal((await run("compact", "users")).code, 0);
  assert.equal((await run("read", "users", "--key", "u1")).out, "4\n");
  const { out } = await run("topic", "info", "users");
  for (const row of ["compaction\tkeys", "garbage-ratio\t0.2", "tombstone-age\t2h"]) {
    assert.ok(out.includes(row), out);
  }
  for (const wrong of [["--garbage-ratio", "2"], ["--compaction", "all"]]) {
    assert.equal((await run("topic", "set", "users", ...wrong)).code, 2);
  }
  assert.equal((await run("compact", "none", "-y")).code, 3);
});
