/** `--at nats://…`: the verbs of every backend, and what those say that need files or a server. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newPrefix, sharedServer, withNats } from "../jetstream/support.ts";
import { runMain } from "./fake_io.ts";

describe("a cluster on the command line", () => {
  const server = sharedServer();
  const atCluster = async () => {
    const at = `${(await server()).url}/?prefix=${newPrefix()}`;
    return (args: string[], input = "") => runMain(args, { at, input });
  };

  test("records are appended, read, counted and truncated", withNats, async () => {
    const run = await atCluster();
    assert.equal((await run(["append", "orders"], "a\nb\nc\n")).out, "0..3\n");
    assert.equal((await run(["read", "orders", "-o", "1"])).out, "b\nc\n");
    assert.equal((await run(["tail", "orders", "-n", "1"])).out, "c\n");
    assert.equal((await run(["topic", "ls"])).out, "orders\n");
    assert.match((await run(["info", "orders"])).out, /^0\t0\t3\t3\t3\t/m);
    assert.match((await run(["verify"])).out, /^orders-0\t1\t3\t/m);
    assert.match((await run(["query", "select count(*) as n from orders"])).out, /3/);
    assert.equal((await run(["truncate", "orders", "--before", "2", "-y"])).code, 0);
    assert.equal((await run(["read", "orders"])).out, "c\n");
    const after = await run(["truncate", "orders", "--after", "1", "-y"]);
    assert.notEqual(after.code, 0);
    assert.equal((await run(["topic", "rm", "orders", "-y"])).code, 0);
    assert.equal((await run(["read", "orders"])).code, 3);
  });

  test("keys, groups, schemas and tokens are kept in it", withNats, async () => {
    const run = await atCluster();
    assert.equal((await run(["kv", "set", "u1", "hello"])).code, 0);
    assert.equal((await run(["kv", "get", "u1"])).out, "hello\n");
    assert.equal((await run(["group", "ls"])).code, 0);
    assert.equal((await run(["schema", "ls"])).code, 0);
    assert.match(
      (await run(["doctor"])).out,
      /cluster: it answers, with JetStream, and lists 1 topic/,
    );
  });

  test("verbs that need files or a server say so", withNats, async () => {
    const run = await atCluster();
    const told: [string[], RegExp][] = [
      [["dump"], /a cluster has none to show/],
      [["webhook", "ls"], /for a seglog server/],
      [["admin", "status"], /for a seglog server/],
      [["admin", "config"], /for a seglog server/],
    ];
    for (const [args, message] of told) {
      const { code, err } = await run(args);
      assert.equal(code, 2, args.join(" "));
      assert.match(err, message);
    }
  });

  test("where no server is, every verb says so", async () => {
    const { code, err } = await runMain(["read", "orders"], { at: "nats://127.0.0.1:1" });
    assert.equal(code, 1);
    assert.match(err, /Cannot connect to 127\.0\.0\.1:1/);
  });
});
