import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Store } from "../../mod.ts";
import { openServer } from "../server/support.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { runCli, startCli } from "./run_cli.ts";

/** A folder and a server with a topic of two partitions, which have the values 0 to 3 and a to b. */
const PLACES = {
  "a folder": async () => {
    const dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await fill(store);
    }
    return {
      at: dir.path,
      async append(value: string) {
        await using store = await Store.open(dir.path);
        await store.append("t", [{ value }], { partition: 0 });
      },
      [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
    };
  },
  "a server": async () => {
    const opened = await openServer();
    await fill(opened.store);
    return {
      at: opened.url,
      async append(value: string) {
        await opened.store.append("t", [{ value }], { partition: 0 });
      },
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  },
};

async function fill(store: Store): Promise<void> {
  await store.ensureTopic("t", { partitions: 2 });
  for (const value of ["0", "1", "2", "3"]) await store.append("t", [{ value }], { partition: 0 });
  await store.append("t", [{ value: "a" }, { value: "b" }], { partition: 1 });
}

const sorted = (text: string) => text.split("\n").filter((line) => line !== "").sort().join();

for (const [name, open] of Object.entries(PLACES)) {
  describe(`groups of ${name}`, () => {
    test("read --group goes on where the group is, and commits what was written", async () => {
      await using place = await open();
      const { at } = place;
      const read = async (...args: string[]) => {
        const { code, out, err } = await runMain(["read", "t", "--group", "g", ...args], { at });
        assert.equal(code, 0, err);
        return sorted(out);
      };
      const first = await read("-n", "3");
      assert.equal(first.split(",").length, 3);
      const rest = await read();
      assert.equal(sorted(`${first},${rest}`.replaceAll(",", "\n")), "0,1,2,3,a,b");
      assert.equal(await read(), "");
      await place.append("4");
      const { out } = await runMain(["read", "t", "-g", "g", "-f", "%p:%o:%v"], { at });
      assert.equal(out, "0:4:4");
      assert.equal(await read("-n", "0"), "");
    });

    test("a new group begins at the end when that is asked for", async () => {
      await using place = await open();
      const { at } = place;
      assert.equal((await runMain(["read", "t", "-g", "g", "-o", "end"], { at })).out, "");
      await place.append("4");
      assert.equal((await runMain(["read", "t", "-g", "g"], { at })).out, "4\n");
    });

    test("ls and lag show groups, for programs and for people", async () => {
      await using place = await open();
      const { at } = place;
      assert.deepEqual(await runMain(["group", "ls"], { at }), { code: 0, out: "", err: "" });
      const nothing = await runMain(["group", "ls"], { at, isTerminal: true });
      assert.match(nothing.err, /has no groups/);
      await runMain(["read", "t", "-g", "a b"], { at });
      await place.append("4");
      assert.equal((await runMain(["group", "ls"], { at })).out, "a b\n");
      const shaped = JSON.parse((await runMain(["group", "ls", "-J"], { at })).out);
      assert.deepEqual([shaped.version, shaped.group, shaped.lag, shaped.topics], [
        1,
        "a b",
        1,
        ["t"],
      ]);
      const lag = await runMain(["group", "lag", "a b"], { at });
      assert.equal(
        lag.out,
        "TOPIC\tPARTITION\tCOMMITTED\tEND\tLAG\tMEMBER\nt\t0\t4\t5\t1\t-\nt\t1\t2\t2\t0\t-\n",
      );
      const { partitions } = JSON.parse((await runMain(["group", "lag", "a b", "-J"], { at })).out);
      assert.equal(partitions.length, 2);
      const env = { NO_COLOR: "1" };
      const table = await runMain(["group", "lag", "a b"], { at, isTerminal: true, env });
      assert.match(table.out, /TOPIC +PARTITION +COMMITTED +END +LAG +MEMBER/);
      const missing = await runMain(["group", "lag", "nobody"], { at });
      assert.deepEqual([missing.code, missing.out], [3, ""]);
    });

    test("seek moves a group, one partition or all", async () => {
      await using place = await open();
      const { at } = place;
      const seek = async (...args: string[]) => {
        const { code, out, err } = await runMain(["group", "seek", "g", "t", ...args], { at });
        return code === 0 ? out : `${code} ${err}`;
      };
      assert.equal(
        await seek("--to", "end"),
        "TOPIC\tPARTITION\tBEFORE\tOFFSET\nt\t0\t-\t4\nt\t1\t-\t2\n",
      );
      assert.equal(
        await seek("--to", "-1", "-p", "0"),
        "TOPIC\tPARTITION\tBEFORE\tOFFSET\nt\t0\t4\t3\n",
      );
      assert.equal(
        await seek("--to", "1", "-p1", "-J"),
        '{"version":1,"group":"g","topic":"t","partition":1,"before":2,"offset":1}\n',
      );
      assert.equal(sorted((await runMain(["read", "t", "-g", "g"], { at })).out), "3,b");
      assert.match(await seek("--to", "@-1h"), /t\t0\t4\t0\n/);
      assert.match(await seek("--to", "1"), /^2 .*2 partitions.*say which one/);
      assert.match(await seek("--to", "9", "-p", "0"), /^3 .*next record will get offset 4/);
      assert.match(await seek("--to", "start", "-p", "7"), /^3 .*partitions 0 to 1/);
      assert.match(await seek("--to", "soon"), /^2 .*position/);
      assert.match(await seek(), /^2 .*--to/);
      const other = await runMain(["group", "seek", "g", "none", "--to", "end"], { at });
      assert.equal(other.code, 3);
    });

    test("rm forgets a group when that is confirmed", async () => {
      await using place = await open();
      const { at } = place;
      await runMain(["read", "t", "-g", "g"], { at });
      const asked = await runMain(["group", "rm", "g"], { at });
      assert.deepEqual([asked.code, /give -y/.test(asked.err)], [2, true]);
      assert.equal((await runMain(["group", "rm", "g", "-y"], { at })).code, 0);
      assert.equal((await runMain(["group", "rm", "g", "-y"], { at })).code, 3);
      assert.equal((await runMain(["group", "ls"], { at })).out, "");
    });

    test("what does not go with a group is refused", async () => {
      await using place = await open();
      const { at } = place;
      const refusals: [string[], number, RegExp][] = [
        [["--reverse"], 2, /--group or --reverse/],
        [["--key", "k"], 2, /--group or --key/],
        [["-p", "0"], 2, /--group or -p/],
        [["-o", "3"], 2, /where a new group begins/],
        [["-o", "start:end"], 2, /where a new group begins/],
      ];
      for (const [args, code, message] of refusals) {
        const result = await runMain(["read", "t", "-g", "g", ...args], { at });
        assert.equal(result.code, code, result.err);
        assert.match(result.err, message);
      }
      const missing = await runMain(["read", "none", "-g", "g"], { at });
      assert.deepEqual([missing.code, missing.out], [3, ""]);
      assert.equal((await runMain(["read", "t", "-g", ""], { at })).code, 2);
    });
  });
}

test("records that are gone before a group has read them are told on standard error", async () => {
  await using dir = tempDir();
  const at = dir.path;
  {
    await using store = await Store.open(at);
    for (let i = 0; i < 4; i++) await store.append("t", [{ value: `${i}` }]);
  }
  await runMain(["read", "t", "-g", "g", "-n", "1"], { at });
  await runMain(["truncate", "t", "--before", "3", "-y"], { at });
  const { code, out, err } = await runMain(["read", "t", "-g", "g"], { at });
  assert.deepEqual([code, out], [0, "3\n"]);
  assert.match(err, /offsets 1\.\.3 of "t" partition 0 are gone/);
});

test("members that follow are shown, keep others from seeking, and leave when they are interrupted", async () => {
  await using opened = await openServer();
  const at = opened.url;
  await opened.store.append("t", [{ value: "hello" }]);
  await using reader = startCli(["read", "t", "-g", "g", "--follow"], { at });
  await reader.said("hello\n");
  const lag = await runMain(["group", "lag", "g"], { at });
  assert.match(lag.out, /\nt\t0\t\d\t1\t\d\t\S+-\d+-[0-9a-f]{8}\n$/);
  const refused = await runMain(["group", "seek", "g", "t", "--to", "start"], { at });
  assert.equal(refused.code, 4);
  assert.match(refused.err, /a member is active/);
  assert.equal((await runMain(["group", "rm", "g", "-y"], { at })).code, 4);
  await opened.store.append("t", [{ value: "world" }]);
  await reader.said("hello\nworld\n");
  reader.signal("SIGINT");
  assert.equal((await reader.ended).code, 130);
  const [group] = await lagOf(at);
  assert.deepEqual([group!.committed, group!.member], [2, null]);
});

test("what nobody reads any more is not committed", async () => {
  await using dir = tempDir();
  const at = dir.path;
  {
    await using store = await Store.open(at);
    const records = Array.from({ length: 100 }, () => ({ value: "x".repeat(1000) }));
    for (let i = 0; i < 20; i++) await store.append("t", records);
  }
  await using reader = startCli(["read", "t", "-g", "g"], { at });
  const output = reader.child.stdout!;
  output.once("data", () => output.destroy()); // before more of it is taken
  assert.equal((await reader.ended).code, 0);
  const left = await runCli(["read", "t", "-g", "g"], { at });
  assert.ok(left.out.length > 0, "what was not handed on is read again");
});

async function lagOf(at: string) {
  const { out } = await runMain(["group", "lag", "g", "-J"], { at });
  return JSON.parse(out).partitions as { committed: number; member: string | null }[];
}
