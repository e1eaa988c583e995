/** `serve` with certificates, and the other verbs against it. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";
import { startCli } from "./run_cli.ts";

test("a server with certificates and tokens is used by who shows one or the other", async () => {
  await using dir = tempDir();
  const certs = join(dir.path, "certs");
  const at = join(dir.path, "data");
  const file = (name: string) => join(certs, name);
  await runMain(["cert", "--dir", certs, "--client", "ann", "--client", "bob"], { at });
  const { out: token } = await runMain(["token", "create", "ops", "--grant", "admin"], { at });
  const subject = ["--subject", "CN=ann"];
  await runMain(["token", "create", "ann", "--grant", "consume", ...subject], { at });
  const tls = ["--tls-cert", file("server.crt"), "--tls-key", file("server.key")];
  await using server = startCli(
    ["serve", "--http", "0.0.0.0:0", ...tls, "--tls-client-ca", file("ca.crt")],
    { at },
  );
  await server.said(/listening on https:\S+\n/);
  const port = /:(\d+)\n/.exec(server.text())![1];
  const url = `https://localhost:${port}`;
  const trust = { SEGLOG_CA_FILE: file("ca.crt") };
  const tokenFile = file("ops.token");
  fs.writeFileSync(tokenFile, token);
  const as = (
    name: string,
  ) => ["--cert-file", file(`${name}.crt`), "--key-file", file(`${name}.key`)];
  const run = async (args: string[], env: Record<string, string> = trust) => {
    const { code, out, err } = await runMain(args, { at: url, env });
    return { code, out, err };
  };
  assert.equal((await run(["append", "t", "a", "--token-file", tokenFile])).out, "0\n");
  const inVariable = { ...trust, SEGLOG_TOKEN: token.trim() };
  assert.equal((await run(["append", "t", "b"], inVariable)).out, "1\n");
  const inFile = { ...trust, SEGLOG_TOKEN_FILE: tokenFile };
  assert.equal((await run(["tail", "t", "-n1"], inFile)).out, "b\n");
  assert.equal((await run(["read", "t", ...as("ann")])).out, "a\nb\n");
  const mayNot = await run(["append", "t", "c", ...as("ann")]);
  assert.equal(mayNot.code, 1);
  assert.match(mayNot.err, /produce/);
  assert.match((await run(["read", "t", ...as("bob")])).err, /CN=bob/);
  assert.equal((await run(["read", "t"])).code, 1);
  assert.match((await run(["read", "t"], {})).err, /Cannot trust https:.*--ca-file/);
  const reload = fs.readFileSync(file("server.crt"), "utf8");
  await runMain(["cert", "--dir", certs, "--host", "localhost", "-y"], { at });
  assert.notEqual(fs.readFileSync(file("server.crt"), "utf8"), reload);
  if (process.platform !== "win32") {
    server.signal("SIGHUP");
    await server.said("took new certificates");
  }
  assert.equal((await run(["read", "t", "--token-file", tokenFile])).out, "a\nb\n");
  server.signal("SIGTERM");
  assert.equal((await server.ended).code, 0);
});

test("a server that others reach says what it lacks, and is not started", async () => {
  await using dir = tempDir();
  const at = join(dir.path, "data");
  const { code, err } = await runMain(["serve", "--http", "0.0.0.0:0"], { at });
  assert.equal(code, 1);
  assert.match(err, /--tls-cert.*token create.*--unprotected/);
  await using server = startCli(["serve", "--http", "0.0.0.0:0", "--unprotected"], { at });
  await server.said(/unprotected on 0\.0\.0\.0: .*\nlistening on/);
});

test("flags that do not go together, and files that are none, are told by name", async () => {
  await using dir = tempDir();
  const at = join(dir.path, "data");
  const none = join(dir.path, "none");
  const cases: [string[], RegExp][] = [
    [["serve", "--tls-cert", none], /--tls-key/],
    [["serve", "--tls-key", none], /--tls-cert/],
    [["serve", "--tls-client-ca", none], /--tls-cert/],
    [["serve", "--tls-cert", none, "--tls-key", none], /none.*no such file/],
    [["serve", "--http", "127.0.0.1:0", "--allow-host", "a:1"], /"a:1"/],
    [["serve", "--http", "127.0.0.1:0", "--allow-origin", "a"], /"a"/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await runMain(args, { at });
    assert.equal(code, 2, err);
    assert.match(err, message);
  }
  const url = "https://127.0.0.1:1";
  for (const flag of ["--ca-file", "--cert-file", "--key-file", "--token-file"]) {
    const { code, err } = await runMain(["topic", "ls", flag, none], { at: url });
    assert.deepEqual([code, /none.*no such file/.test(err)], [2, true], err);
  }
  const empty = join(dir.path, "empty");
  fs.writeFileSync(empty, "\n");
  const { code } = await runMain(["topic", "ls", "--token-file", empty], { at: url });
  assert.equal(code, 2);
});

test("certificates that variables name leave a server without TLS alone", async () => {
  await using dir = tempDir();
  await using server = startCli(["serve", "--http", "127.0.0.1:0"], { at: dir.path });
  await server.said(/listening on \S+\n/);
  const url = /listening on (\S+)/.exec(server.text())![1]!;
  const env = { SEGLOG_CA_FILE: join(dir.path, "none") };
  assert.equal((await runMain(["topic", "ls"], { at: url, env })).code, 0);
});
