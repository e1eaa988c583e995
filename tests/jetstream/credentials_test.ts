/** Who logs in, by a user and a password, a token or a file of credentials. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, type ConnectOptions } from "../../mod.ts";
import { runMain } from "../cli/fake_io.ts";
import { startCli } from "../cli/run_cli.ts";
import { startNats } from "../support/nats.ts";
import { Operator } from "../support/nats/operator.ts";
import { ROOT } from "../source_tree.ts";
import { tempDir } from "../support/temp_dir.ts";
import { withNats } from "./support.ts";

async function useIt(url: string, options: ConnectOptions = {}): Promise<void> {
  await using cluster = await connect(url, options);
  const { start } = await cluster.append("orders", [{ value: "a" }]);
  assert.equal((await cluster.read("orders", start)).text, "a");
}

async function isTurnedAway(url: string, options: ConnectOptions = {}): Promise<void> {
  await assert.rejects(connect(url, options), {
    code: "unauthenticated",
    message: /the servers want other credentials/,
  });
}

describe("credentials of a cluster", () => {
  test("a user and a password are in the URL", withNats, async () => {
    await using server = await startNats({
      config: 'authorization { user: bob, password: "p@ss" }',
    });
    const as = (login: string) => server.url.replace("//", `//${login}@`);
    await useIt(as("bob:p%40ss"));
    for (const login of ["bob:other", "bob:", "ann:p%40ss", "p%40ss"]) {
      await isTurnedAway(as(login));
    }
    await isTurnedAway(server.url);
    await isTurnedAway(server.url, { token: "p@ss" });
  });

  test("a token is in the URL or an option, a file or a variable", withNats, async () => {
    await using dir = tempDir();
    await using server = await startNats({ config: 'authorization { token: "t/1" }' });
    await useIt(server.url.replace("//", "//t%2F1@"));
    await useIt(server.url, { token: "t/1" });
    await isTurnedAway(server.url, { token: "t/2" });
    await isTurnedAway(server.url.replace("//", "//t%2F2@"), { token: "t/1" });
    const at = server.url;
    const read = ["read", "orders", "-n", "1"];
    assert.equal((await runMain(read, { at, env: { SEGLOG_TOKEN: "t/1" } })).out, "a\n");
    const file = join(dir.path, "token");
    fs.writeFileSync(file, "t/1\n");
    assert.equal((await runMain([...read, "--token-file", file], { at })).out, "a\n");
    assert.equal((await runMain(read, { at })).code, 1);
  });

  test("a file of them is what nsc makes", withNats, async () => {
    await using dir = tempDir();
    const operator = new Operator();
    await using server = await startNats({ config: operator.config });
    const file = (name: string, text: string) => {
      const path = join(dir.path, name);
      fs.writeFileSync(path, text);
      return path;
    };
    const credentials = file("user.creds", operator.user());
    await useIt(server.url, { credentials });
    await isTurnedAway(server.url);
    await isTurnedAway(server.url, { credentials: file("other.creds", new Operator().user()) });
    await isTurnedAway(server.url, {
      credentials: file("old.creds", operator.user(Date.now() - 60_000)),
    });
    const env = { SEGLOG_NATS_CREDS: credentials };
    const read = await runMain(["read", "orders"], { at: server.url, env });
    assert.deepEqual([read.code, read.out], [0, "a\n"]);
  });

  test("the subjects that the documentation names are those that are used", withNats, async () => {
    const security = fs.readFileSync(join(ROOT, "docs/security.md"), "utf8");
    const [, config] = /```text\n(authorization \{[^`]*)```/.exec(security) ?? [];
    assert.ok(config !== undefined);
    await using dir = tempDir();
    await using server = await startNats({ config });
    const at = server.url.replace("//", "//seglog:change-me@");
    await using node = startCli(["serve", "--http", "127.0.0.1:0", "--data", dir.path], { at });
    await node.said(/http:\/\/127\.0\.0\.1:\d+/);
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(node.text())!;
    const commands: [place: string, args: string[], out: string][] = [
      [url!, ["append", "orders", "a"], "0\n"],
      [url!, ["read", "orders"], "a\n"],
      [at, ["append", "orders", "b"], "1\n"],
      [url!, ["read", "orders", "-o", "1", "--min-offset", "2"], "b\n"],
      [url!, ["read", "orders", "--group", "g"], "a\nb\n"],
      [at, ["append", "orders", "c"], "2\n"],
      [at, ["read", "orders", "--group", "g"], "c\n"], // coordinated by the node
      [url!, ["kv", "set", "name", "Alice"], "0\n"],
      [at, ["kv", "get", "name"], "Alice\n"],
      [at, ["truncate", "orders", "--before", "1", "-y"], ""],
      [at, ["read", "orders"], "b\nc\n"],
      [at, ["topic", "rm", "orders", "-y"], ""],
    ];
    for (const [place, args, out] of commands) {
      const ran = await runMain(args, { at: place });
      assert.deepEqual([ran.code, ran.out], [0, out], `${args.join(" ")}: ${ran.err}`);
    }
    assert.doesNotMatch(server.process.log, /Permissions Violation/i);
    await assert.rejects(
      connect(`${at}/?prefix=other`, { timeoutMs: 500 }).then(async (cluster) => {
        await using other = cluster;
        await other.append("orders", [{ value: "a" }]);
      }),
    );
  });

  test("a file that is missing or holds none is told of, by its name", withNats, async () => {
    await using dir = tempDir();
    await using server = await startNats();
    const bad = join(dir.path, "bad.creds");
    fs.writeFileSync(bad, "nothing of that kind\n");
    for (const credentials of [join(dir.path, "none.creds"), bad]) {
      await assert.rejects(connect(server.url, { credentials }), ({ code, message }) => {
        assert.equal(code, "invalid-argument");
        assert.ok(message.startsWith(`Cannot use ${credentials} as credentials: `), message);
        return true;
      });
      const env = { SEGLOG_NATS_CREDS: credentials };
      const { code, err } = await runMain(["topic", "ls"], { at: server.url, env });
      assert.equal(code, 2, err);
      assert.match(err, /as credentials: .*; give a file that nsc made\n$/);
    }
  });
});
