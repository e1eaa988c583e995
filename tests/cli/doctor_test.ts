/** `doctor`: what it looks at, what it says, and that it changes nothing. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { freePort } from "../../scripts/free_port.ts";
import { serve, type ServeOptions } from "../../server/listen.ts";
import { checkClock } from "../../cli/doctor/clock.ts";
import type { Finding } from "../../cli/doctor/finding.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";

const FREE = ["--http", "127.0.0.1:0"];

interface Report {
  readonly code: number;
  readonly verdict: string;
  readonly findings: readonly Finding[];
  /** The one about this. */
  about(check: string): Finding | undefined;
}

async function examined(
  at: string,
  { args = FREE, env = {} }: { args?: readonly string[]; env?: Record<string, string> } = {},
): Promise<Report> {
  const { code, out, err } = await runMain(["doctor", "-J", ...args], { at, env });
  assert.notEqual(out, "", err);
  const { verdict, findings } = JSON.parse(out);
  const about = (check: string) => findings.find((finding: Finding) => finding.check === check);
  return { code, verdict, findings, about };
}

async function servedMemory(options: ServeOptions = {}) {
  const store = await Store.memory();
  const server = await serve(store, { port: 0, ...options });
  return {
    url: server.url,
    port: server.port,
    async [Symbol.asyncDispose]() {
      await server.close();
      await store.close();
    },
  };
}

function contentOf(folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true }).map(String).toSorted();
}

test("a folder that is well is looked at from all sides, and nothing in it is changed", async () => {
  await using dir = tempDir();
  {
    await using store = await Store.open(dir.path);
    await store.append("t", [{ value: "a" }]);
  }
  const before = contentOf(dir.path);
  const { code, findings, about } = await examined(dir.path);
  assert.equal(code, 0);
  assert.deepEqual(contentOf(dir.path), before);
  const checks = new Set(findings.map(({ check }) => check));
  for (const check of ["runtime", "settings", "folder", "owner", "disk space", "syncs", "clock"]) {
    assert.ok(checks.has(check), check);
  }
  assert.match(about("owner")!.says, /nobody/);
  assert.match(about("syncs")!.says, /\d ms/);
  assert.equal(about("http")!.verdict, "ok");
});

test("a folder that is not there is not made", async () => {
  await using dir = tempDir();
  const data = join(dir.path, "a", "b");
  const { code, about } = await examined(data);
  assert.equal(code, 0);
  assert.match(about("folder")!.says, /not there yet, and can be made/);
  assert.equal(about("syncs"), undefined);
  assert.deepEqual(fs.readdirSync(dir.path), []);
});

test("what is no folder is in the way, and the exit code says so", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "file");
  fs.writeFileSync(path, "x");
  const { code, verdict, about } = await examined(path);
  assert.deepEqual([code, verdict, about("folder")!.verdict], [1, "fail", "fail"]);
});

test("a folder that is owned is told of with its owner", async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  await store.append("t", [{ value: "a" }]);
  const { code, about } = await examined(dir.path);
  assert.equal(code, 0);
  assert.ok(about("owner")!.says.includes(`pid ${process.pid}`), about("owner")!.says);
  await store.append("t", [{ value: "b" }]); // it is owned still
});

test("records from later than now say that the clock is not right", async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  await store.ensureTopic("t", { partitions: 2 });
  await store.append("t", [{ value: "a" }], { partition: 0 });
  const timestamp = Date.now() + 3_600_000;
  await store.append("t", [{ value: "b", timestamp }], { partition: 1 });
  const { code, about } = await examined(dir.path);
  assert.equal(code, 0);
  assert.equal(about("clock")!.verdict, "warn");
  assert.match(about("clock")!.says, /^offset 0 of "t" partition 1 is from \d\S+ later than now$/);
  const [finding] = await checkClock(dir.path, timestamp - 3_600_000);
  assert.equal(finding!.says, 'offset 0 of "t" partition 1 is from 1h later than now');
});

test("a store that cannot be read is in the way", async () => {
  await using dir = tempDir();
  fs.writeFileSync(join(dir.path, "store.json"), "no JSON");
  const { code, about } = await examined(dir.path);
  assert.equal(code, 1);
  assert.equal(about("store")!.verdict, "fail");
  assert.match(about("store")!.says, /store\.json/);
});

test("more connections than files may be open is worth a warning", async () => {
  await using dir = tempDir();
  const args = [...FREE, "--limits-connections", "1000000000"];
  const { code, about } = await examined(dir.path, { args });
  assert.equal(code, 0);
  const finding = about("open files");
  if (finding === undefined) return; // not every system tells
  assert.equal(finding.verdict, "warn");
  assert.match(finding.advice!, /ulimit -n/);
});

test("an address where something else listens is in the way; a seglog server there is not", async () => {
  await using dir = tempDir();
  const other = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = other.address() as AddressInfo;
    const taken = await examined(dir.path, { args: ["--http", `127.0.0.1:${port}`] });
    assert.equal(taken.code, 1);
    assert.equal(taken.about("http")!.verdict, "fail");
    assert.match(taken.about("http")!.advice!, /--http/);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
  await using served = await servedMemory();
  const ours = await examined(dir.path, { args: ["--http", `127.0.0.1:${served.port}`] });
  assert.equal(ours.code, 0);
  assert.match(ours.about("http")!.says, /a seglog server listens/);
  const free = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
  assert.equal((await examined(dir.path, { args: free })).about("grpc")!.verdict, "ok");
  const both = ["--http", "127.0.0.1:0", "--grpc", `127.0.0.1:${served.port}`];
  const mixed = await examined(dir.path, { args: both });
  assert.deepEqual([mixed.code, mixed.about("grpc")!.verdict], [1, "fail"]);
});

test("a server is asked whether it answers, is ready and has this version", async () => {
  await using served = await servedMemory();
  const { code, about } = await examined(served.url, { args: [] });
  assert.equal(code, 0);
  assert.equal(about("server")!.verdict, "ok");
  assert.equal(about("folder"), undefined);
  await using other = await servedMemory({ version: "0.0.1" });
  const differs = await examined(other.url, { args: [] });
  assert.equal(differs.code, 0);
  assert.equal(differs.about("server")!.verdict, "warn");
  assert.match(differs.about("server")!.says, /version 0\.0\.1/);
});

test("a server that needs credentials is ready for whoever has none", async () => {
  await using served = await servedMemory();
  const body = JSON.stringify({ name: "n", grants: "admin" });
  const headers = { "content-type": "application/json" };
  const made = await fetch(`${served.url}/v1/tokens`, { method: "POST", headers, body });
  assert.equal(made.status, 201);
  await made.body?.cancel();
  const { code, about } = await examined(served.url, { args: [] });
  assert.equal(code, 0, about("server")!.says);
  assert.match(about("server")!.says, /answers and is ready/);
});

test("a server that is not there is in the way", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, about } = await examined(url, { args: [] });
  assert.equal(code, 1);
  assert.equal(about("server")!.verdict, "fail");
});

test("settings are told of with where they are from, and what is nearly one", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "seglog.yaml");
  fs.writeFileSync(path, "volume-id: v\n");
  const env = { SEGLOG_HTPT: "1", SEGLOG_CONFIG: path };
  const { code, findings } = await examined(dir.path, { env });
  assert.equal(code, 0);
  const settings = findings.filter(({ check }) => check === "settings");
  assert.deepEqual(settings.map(({ verdict }) => verdict), ["ok", "warn"]);
  assert.ok(settings[0]!.says.includes(path));
  assert.match(settings[1]!.advice!, /SEGLOG_HTTP/);
});

test("keys that everybody can read are worth a warning, and those that nobody can are in the way", async () => {
  await using dir = tempDir();
  const key = join(dir.path, "tls.key");
  fs.writeFileSync(key, "x", { mode: 0o600 });
  const args = [...FREE, "--tls-key", key];
  const data = join(dir.path, "data");
  assert.equal((await examined(data, { args })).about("secrets")!.verdict, "ok");
  fs.chmodSync(key, 0o644);
  const open = await examined(data, { args });
  assert.deepEqual([open.code, open.about("secrets")!.verdict], [0, "warn"]);
  fs.rmSync(key);
  const gone = await examined(data, { args });
  assert.deepEqual([gone.code, gone.about("secrets")!.verdict], [1, "fail"]);
});

test("for people it is a line for each thing, with what to do", async () => {
  await using dir = tempDir();
  const { out } = await runMain(["doctor", ...FREE, "--limits-connections", "1000000000"], {
    at: dir.path,
  });
  assert.match(out, /^ok {3}runtime: \S+ \S+ on \S+\n/);
  for (const line of out.trimEnd().split("\n")) assert.match(line, /^(ok {2}|warn|fail) [\w ]+: /);
});
