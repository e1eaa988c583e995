/** `--min-offset` and `--min-revision`. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Store } from "../../mod.ts";
import { openServer } from "../server/support.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";

describe("--min-offset", () => {
  test("read and tail wait for it, on a server", async () => {
    await using opened = await openServer();
    const { store, url } = opened;
    await store.append("t", [{ value: "a" }]);
    const reading = runMain(["read", "t", "--min-offset", "2"], { at: url });
    const tailing = runMain(["tail", "t", "-n1", "--min-offset", "2"], { at: url });
    await store.append("t", [{ value: "b" }]);
    assert.deepEqual(await reading, { code: 0, out: "a\nb\n", err: "" });
    assert.deepEqual(await tailing, { code: 0, out: "b\n", err: "" });
  });

  test("what does not come in time is an error that tells how far it is", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.append("t", [{ value: "a" }]);
    }
    const late = ["--min-offset", "2", "--min-offset-wait", "30ms"];
    for (const verb of ["read", "tail"]) {
      const { code, out, err } = await runMain([verb, "t", ...late], { at: dir.path });
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, /its end has to pass 2, and was 1/);
      const passed = await runMain([verb, "t", "--min-offset", "1"], { at: dir.path });
      assert.deepEqual(passed, { code: 0, out: "a\n", err: "" });
    }
  });

  test("it is for one partition, and not for groups", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.ensureTopic("t", { partitions: 2 });
      await store.append("t", [{ value: "a" }], { partition: 1 });
    }
    const run = (...args: string[]) => runMain(["read", "t", ...args], { at: dir.path });
    const several = await run("--min-offset", "1");
    assert.equal(several.code, 2);
    assert.match(several.err, /say with -p which one/);
    assert.equal((await run("--min-offset", "1", "-p", "1")).out, "a\n");
    assert.equal((await run("--min-offset", "1", "-g", "billing")).code, 2);
    assert.equal((await run("--min-offset-wait", "1s")).code, 2);
  });
});

describe("--min-revision", () => {
  test("get, ls and range wait for it, on a server", async () => {
    await using opened = await openServer();
    const { store, url } = opened;
    const kv = (...args: string[]) => runMain(["kv", ...args], { at: url });
    await kv("set", "name", "Alice");
    const verbs = [["get", "name"], ["ls"], ["range"]];
    const running = verbs.map((verb) => kv(...verb, "--min-revision", "1"));
    await store.append("kv", [{ key: "name", value: "Bob" }]);
    const outs = (await Promise.all(running)).map(({ out }) => out);
    assert.deepEqual(outs, ["Bob\n", "name\n", "name\tBob\n"]);
  });

  test("what does not come in time is an error", async () => {
    await using dir = tempDir();
    const kv = (...args: string[]) => runMain(["kv", ...args], { at: dir.path });
    await kv("set", "name", "Alice");
    for (const verb of [["get", "name"], ["ls"], ["range"]]) {
      const late = await kv(...verb, "--min-revision", "1", "--min-revision-wait", "30ms");
      assert.deepEqual([late.code, late.out], [1, ""]);
      assert.match(late.err, /its end has to pass 2, and was 1/);
    }
    assert.equal((await kv("get", "name", "--min-revision", "0")).out, "Alice\n");
    assert.equal((await kv("get", "name", "--min-revision-wait", "1s")).code, 2);
  });
});
