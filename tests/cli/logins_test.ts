/** A password in `--at` is for the cluster: nothing that is shown or kept has it. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { sharedServer, withNats } from "../jetstream/support.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { ready, startCli } from "./run_cli.ts";

/** A slash and an `@` in it are what is easily taken for the end of it. */
const PASSWORD = "s3cret/p@ss";
const ESCAPED = encodeURIComponent(PASSWORD);
/** What any part of it would show. */
const SECRET = /s3cret|p@ss|p%40ss/;

describe("a login in the URL of a cluster", () => {
  const server = sharedServer({
    config: `authorization { user: bob, password: "${PASSWORD}" }`,
  });
  const loggedIn = async (password: string, rest = "") =>
    `${(await server()).url.replace("//", `//bob:${password}@`)}${rest}`;

  test("is in nothing that a command says or writes", withNats, async () => {
    await using dir = tempDir();
    const at = await loggedIn(ESCAPED);
    const [folder, snapshots, copy] = ["folder", "snapshots", "copy"].map((name) =>
      join(dir.path, name)
    ) as [string, string, string];
    const commands = [
      ["append", "orders", "a"],
      ["info"],
      ["info", "-J"],
      ["topic", "ls"],
      ["group", "ls"],
      ["schema", "ls"],
      ["verify"],
      ["verify", "-J"],
      ["config", "show"],
      ["config", "show", "-J"],
      ["doctor"],
      ["doctor", "-J"],
      ["mirror", at, folder],
      ["mirror", at, folder, "--verify", "-J"],
      ["follow", at, "--data", copy, "--once"],
      ["--at", copy, "info", "-J"],
      ["backup", snapshots],
      ["backup", snapshots, "-J"],
      ["restore", snapshots, await loggedIn(ESCAPED, "/?prefix=restored"), "-J"],
      ["mirror", folder, await loggedIn(ESCAPED, "/?prefix=mirrored")],
      ["promote", copy],
    ];
    for (const args of commands) {
      const { code, out, err } = await runMain(args, { at });
      assert.doesNotMatch(out + err, SECRET, args.join(" "));
      if (args[0] !== "doctor") assert.equal(code, 0, `${args.join(" ")}: ${out}${err}`);
    }
    checkFiles(dir.path);
  });

  test("is in no complaint", withNats, async () => {
    const places = [
      await loggedIn("s3cret"),
      await loggedIn(PASSWORD),
      await loggedIn(ESCAPED, "/?unknown=1"),
      "nats://s3cret@127.0.0.1:1",
      `natss://bob:${PASSWORD}@127.0.0.1`,
      `http://bob:${PASSWORD}@127.0.0.1:1`,
      `http://bob:${ESCAPED}@127.0.0.1:1`,
    ];
    const commands = [["read", "o"], ["doctor"], ["info", "-J"], ["admin", "config"], [
      "webhook",
      "ls",
    ]];
    for (const at of places) {
      for (const args of commands) {
        const { code, out, err } = await runMain(args, { at, env: { SEGLOG_DEBUG: "1" } });
        assert.notEqual(code, 0, args.join(" "));
        assert.doesNotMatch(out + err, SECRET, `${at} ${args.join(" ")}`);
      }
    }
    const at = await loggedIn(ESCAPED);
    for (
      const args of [
        ["backup", at],
        ["restore", at, "x"],
        ["promote", at],
        ["follow", at, "--data", at],
        ["mirror", at, `http://bob:${ESCAPED}@127.0.0.1:1`],
        ["serve"],
        ["serve", "--data", at],
        [at],
        ["read", "o", "--unknown", at],
        ["read", "o", "--from", at],
      ]
    ) {
      const { code, out, err } = await runMain(args, { at });
      assert.notEqual(code, 0, args.join(" "));
      assert.doesNotMatch(out + err, SECRET, args.join(" "));
    }
  });

  test("is in nothing that a node tells, logs or keeps", withNats, async () => {
    await using dir = tempDir();
    const at = await loggedIn(ESCAPED, "/?prefix=node");
    const flags = [
      "--data",
      join(dir.path, "node"),
      "--log-format",
      "json",
      "--log-level",
      "debug",
    ];
    const node = startCli(["serve", "--http", "127.0.0.1:0", ...flags], { at });
    await using _ = node;
    await node.said(/http:\/\/127\.0\.0\.1:\d+/);
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(node.text())!;
    const get = async (path: string) => await (await fetch(`${url}${path}`)).text();
    await ready(url!);
    assert.equal((await runMain(["append", "orders", "a"], { at: url })).code, 0);
    const paths = [
      "/v1",
      "/v1/admin/status",
      "/v1/admin/config",
      "/metrics",
      "/readyz",
      "/healthz",
      "/v1/topics",
      "/v1/topics/none",
    ];
    for (const path of paths) assert.doesNotMatch(await get(path), SECRET, path);
    assert.match(await get("/v1/admin/config"), /nats:\/\/127\.0\.0\.1/);
    assert.match(await get("/v1"), /nats:\/\/127\.0\.0\.1/);
    await (await server()).restart();
    await node.said(/connected to/);
    node.signal("SIGTERM");
    const { out, err } = await node.ended;
    assert.doesNotMatch(out + err, SECRET);
    checkFiles(dir.path);
  });
});

function checkFiles(folder: string): void {
  let files = 0;
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files++;
    const path = join(entry.parentPath, entry.name);
    assert.doesNotMatch(fs.readFileSync(path, "latin1"), SECRET, path);
  }
  assert.ok(files > 0);
}
