/** `serve` and its log: what the flags and variables do, and who reads it slowly. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { runCli, startCli } from "./run_cli.ts";

const ANYWHERE = ["serve", "--http", "127.0.0.1:0"];
const URL_SAID = /listening on (http:\/\/[\d.:]+)/;

test("the log is lines of JSON where that is asked for, from the first to the last", async () => {
  await using dir = tempDir();
  {
    await using store = await Store.open(dir.path);
    await store.append("orders", [{ value: "a" }]);
  }
  fs.appendFileSync(join(dir.path, "orders-0", "00000000000000000000.log"), "torn");
  const env = { SEGLOG_LOG_FORMAT: "json", SEGLOG_LOG_LEVEL: "debug", SEGLOG_LOGREQUESTS: "true" };
  await using server = startCli(ANYWHERE, { at: dir.path, env });
  await server.said(URL_SAID);
  const url = URL_SAID.exec(server.text())![1]!;
  await (await fetch(`${url}/v1/topics/orders/records`)).text();
  server.signal("SIGTERM");
  const { code, out, err } = await server.ended;
  assert.deepEqual([code, out], [0, ""]);
  const lines = err.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ event, level }) => `${event} ${level}`), [
    "notice warn",
    "listening info",
    "notice warn",
    "request debug",
    "stopping info",
  ]);
  assert.match(lines[0].msg, /SEGLOG_LOGREQUESTS is no setting; did you mean SEGLOG_LOG_REQUESTS/);
  assert.equal(lines[1].url, url);
  assert.match(lines[2].msg, /recovered "orders" partition 0: cut 4 bytes/);
  assert.equal(lines[3].route, "/v1/topics/:topic/records");
  for (const { time } of lines) assert.equal(new Date(time).toISOString(), time);
});

test("requests are in a log of text where that is asked for, and at warn neither is the address", async () => {
  await using dir = tempDir();
  await using server = startCli([...ANYWHERE, "--log-requests", "true"], { at: dir.path });
  await server.said(URL_SAID);
  await (await fetch(`${URL_SAID.exec(server.text())![1]!}/v1/topics`)).text();
  await server.said(/GET \/v1\/topics: 200 ms=[\d.]+ bytes_out=\d+ tenant=default/);
  await using quiet = startCli([...ANYWHERE, "--log-level", "warn"], {
    at: join(dir.path, "other"),
    env: { SEGLOG_HTPP: "x" },
  });
  await quiet.said("SEGLOG_HTPP is no setting");
  quiet.signal("SIGTERM");
  assert.doesNotMatch((await quiet.ended).err, /listening|stopping/);
});

test("a server that cannot start says so in the format of its log", async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  const json = await runCli([...ANYWHERE, "--log-format", "json"], { at: dir.path });
  assert.equal(json.code, 6);
  const [line, ...others] = json.err.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(others, []);
  assert.deepEqual([line.event, line.level, line.code], ["failed", "error", "locked"]);
  const text = await runCli(ANYWHERE, { at: dir.path });
  assert.equal(text.code, 6);
  assert.match(text.err, /^seglog: Cannot open .*\n$/);
  await store.close();
});

test("a format or level that is none is refused by the name of what said it", async () => {
  await using dir = tempDir();
  for (
    const [args, env, what] of [
      [["--log-format", "xml"], {}, /--log-format.*json/],
      [["--log-level", "loud"], {}, /--log-level.*warn/],
      [[], { SEGLOG_LOG_FORMAT: "xml" }, /SEGLOG_LOG_FORMAT.*json/],
    ] as const
  ) {
    const { code, err } = await runMain(["serve", ...args], { at: dir.path, env });
    assert.equal(code, 2);
    assert.match(err, what);
  }
  assert.deepEqual(fs.readdirSync(dir.path), []);
});

// A pipe takes 64 KiB, and a stream in front of it some more: then whoever writes would wait.
const SLOW = { timeout: 60_000 };

test(
  "a log that nobody reads holds no request up, and says later what it dropped",
  SLOW,
  async () => {
    await using dir = tempDir();
    await using server = startCli([...ANYWHERE, "--log-requests", "true"], { at: dir.path });
    await server.said(URL_SAID);
    const url = URL_SAID.exec(server.text())![1]!;
    server.child.stderr!.pause();
    const path = "x".repeat(8000);
    for (let i = 0; i < 400; i++) {
      assert.equal((await fetch(`${url}/${path}`)).status, 404);
    }
    server.child.stderr!.resume();
    await server.said(/dropped \d+ lines of this log/);
  },
);
