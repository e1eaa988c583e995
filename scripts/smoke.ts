/**
 * Drives an executable from outside, as a user would: append, read, dump, truncate, serve, HTTP,
 * copies, and a cluster where there is a nats-server. It runs in an empty folder, so that whatever the
 * executable needs must be inside of it.
 *
 * `deno task smoke [PROGRAM [ARGUMENT…]]`: `dist/seglog`, or any other command that starts seglog. The
 * last line is `N passed, N failed`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import * as os from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { startNats } from "../tests/support/nats.ts";
import { type Command, type Outcome, run, type RunOptions, ServerProcess } from "./command.ts";
import { findNats } from "./find_nats.ts";
import { clusterSteps, copySteps, type Smoke, type Step } from "./smoke_copies.ts";

const EXIT_MISSING = 3;
const EXIT_LOCKED = 6;

// What is a file is taken from here: the program itself runs elsewhere.
const [program = resolve("dist/seglog"), ...args] = process.argv.slice(2).map((part) =>
  fs.existsSync(part) ? resolve(part) : part
);
const command: Command = [program, ...args];
const home = fs.mkdtempSync(join(os.tmpdir(), "seglog-smoke-"));
const options: RunOptions = {
  cwd: home,
  env: { PATH: process.env.PATH, HOME: home, SEGLOG_AT: join(home, "data") },
};
const lines = ["plain", '{"id":9223372036854775807}', "Ünïcödé 😀", "", "tab\there"];

const ownSteps: Step[] = [
  ["version says a version", async () => {
    assert.match(text(await seglog(["version"])), /\d+\.\d+\.\d+/);
  }],
  ["help says what it can do", async () => {
    for (const verb of ["append", "read", "dump", "truncate", "serve"]) {
      assert.match(text(await seglog(["--help"])), new RegExp(verb));
    }
  }],
  ["append takes a value and prints its offset", async () => {
    assert.equal(text(await seglog(["append", "orders", "hello", "-k", "u1"])), "0\n");
  }],
  ["append takes lines and prints their range", async () => {
    const outcome = await seglog(["append", "orders"], lines.map((line) => `${line}\n`).join(""));
    assert.equal(text(outcome), "1..6\n");
  }],
  ["read gives back what was appended, byte for byte", async () => {
    assert.equal(text(await seglog(["read", "orders"])), `hello\n${lines.join("\n")}\n`);
  }],
  ["bytes go in and out as they are", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await seglog(["append", "blobs", "--format", "raw"], bytes);
    const shape = JSON.parse(text(await seglog(["read", "blobs", "-J"])));
    assert.deepEqual(Buffer.from(shape.value, "base64"), bytes);
  }],
  ["query starts the program once more, and answers", async () => {
    const sql = "select count(*), max(offset), count(json) from orders";
    assert.equal(text(await seglog(["query", sql])).split("\n")[1], "6\t5\t0");
  }],
  ["dump shows the segment", async () => {
    const out = text(await seglog(["dump", join(home, "data", "orders-0")]));
    assert.match(out, /^segment: /);
    assert.match(out, /offset: 0 .*key: u1 .*value: hello/);
    assert.match(out, /crc: ok/);
  }],
  ["truncate makes an offset the first one", async () => {
    await seglog(["truncate", "orders", "--before", "4", "-y"]);
    assert.equal(text(await seglog(["read", "orders"])), `${lines.slice(3).join("\n")}\n`);
    const gone = await run([...command, "read", "orders", "-o", "0:1"], options);
    assert.equal(gone.status, EXIT_MISSING, gone.stderr);
  }],
  ["verify finds everything intact", async () => {
    await seglog(["verify"]);
  }],
  ["backup takes a snapshot, and restore makes a store of it", async () => {
    const snapshot = text(await seglog(["backup", join(home, "backups")])).trim();
    const restored = join(home, "restored");
    await seglog(["restore", snapshot, restored]);
    const read = ["read", "orders", "-J"];
    assert.equal(text(await seglog([...read, "--at", restored])), text(await seglog(read)));
  }],
  ["a schema refuses what does not fit", async () => {
    const schema = '{"type":"object","required":["qty"]}';
    assert.equal(text(await seglog(["schema", "add", "checked", "-"], schema)), "1\n");
    await seglog(["append", "checked", "--format", "json", '{"qty":1}']);
    const refused = await run([...command, "append", "checked", "--format", "json", "{}"], options);
    assert.match(refused.stderr, /required property 'qty'/);
  }],
  ["a group goes on where it was", async () => {
    await seglog(["append", "jobs", "a", "b", "c"]);
    const read = ["read", "jobs", "--group", "workers"];
    assert.equal(text(await seglog([...read, "-n", "2"])), "a\nb\n");
    assert.equal(text(await seglog(read)), "c\n");
  }],
  ["certificates and a token are made, and let in who shows it", async () => {
    await seglog(["cert", "--dir", join(home, "certs")]);
    const at = ["--at", join(home, "secured")];
    const made = await seglog([...at, "token", "create", "ops", "--grant", "admin"]);
    const serving = {
      ...options.env,
      SEGLOG_TLS_CERT: join(home, "certs", "server.crt"),
      SEGLOG_TLS_KEY: join(home, "certs", "server.key"),
    };
    await using server = await ServerProcess.start(command, join(home, "secured"), {
      ...options,
      env: serving,
    });
    const append = [...command, "--at", server.url, "append", "orders", "hello"];
    const trusting = { ...options.env, SEGLOG_CA_FILE: join(home, "certs", "ca.crt") };
    const refused = await run(append, { ...options, env: trusting });
    assert.match(refused.stderr, /without credentials.*--token-file FILE/);
    const known = { ...trusting, SEGLOG_TOKEN: text(made).trim() };
    const appended = await run(append, { ...options, env: known });
    assert.equal(appended.stderr + text(appended), "0\n");
  }],
  ["serve answers HTTP, and the verbs work on its URL", async () => {
    await using server = await ServerProcess.start(command, join(home, "data"), options);
    const { url } = server;
    assert.equal((await fetch(`${url}/livez`)).status, 200);
    const published = await fetch(`${url}/v1/topics/orders/records`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: '{"key":"u2","value":{"id":9223372036854775807}}',
    });
    const { start, end } = await published.json();
    assert.deepEqual([published.status, start, end], [200, 6, 7]);
    const record = await fetch(`${url}/v1/topics/orders/records/6`);
    assert.match(await record.text(), /"value":\{"id":9223372036854775807\}/);
    assert.equal(text(await seglog(["--at", url, "append", "orders", "by url"])), "7\n");
    assert.match(text(await seglog(["--at", url, "tail", "orders", "-n", "2"])), /\nby url\n$/);
    const beside = await run([...command, "append", "orders", "beside"], options);
    assert.equal(beside.status, EXIT_LOCKED, "the folder is locked while it is served");
    assert.equal(await server.stop(), 0, "SIGTERM ends it in good order");
  }],
  ["everything is there after a restart", async () => {
    const out = text(await seglog(["read", "orders", "-f", "%o\\n"]));
    assert.equal(out, "4\n5\n6\n7\n");
  }],
];

const counts = { passed: 0, failed: 0 };
try {
  const nats = await findNats();
  await using server = typeof nats === "string" ? undefined : await startNats();
  const smoke: Smoke = {
    command,
    options,
    home,
    say: async (args, input) => text(await seglog(args, input)),
  };
  const cluster = server === undefined ? String(nats) : new URL(server.url);
  await take([...ownSteps, ...copySteps(smoke), ...clusterSteps(smoke, cluster)]);
} finally {
  fs.rmSync(home, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;

async function take(steps: readonly Step[]): Promise<void> {
  for (const [name, step] of steps) {
    if (typeof step === "string") {
      console.log(`skip  ${name}: ${step}`);
      continue;
    }
    try {
      await step();
      counts.passed++;
      console.log(`ok    ${name}`);
    } catch (error) {
      counts.failed++;
      console.log(`FAIL  ${name}\n${String((error as Error).message).replace(/^/gm, "      ")}`);
    }
  }
}

/** Runs a verb that must succeed. */
async function seglog(args: readonly string[], input: string | Uint8Array = ""): Promise<Outcome> {
  const outcome = await run([...command, ...args], { ...options, input });
  assert.equal(outcome.status, 0, `seglog ${args.join(" ")}: ${outcome.stderr}`);
  return outcome;
}

function text({ stdout }: Outcome): string {
  return stdout.toString("utf8");
}
