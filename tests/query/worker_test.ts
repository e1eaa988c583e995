/** The processes that run queries: how they are started, replaced and ended. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isRuntime } from "../../server/query/worker_command.ts";
import { WorkerEnded, WorkerProcess } from "../../server/query/worker_process.ts";
import { type AnswerFailure, contentOf, requestLine, TAG } from "../../server/query/protocol.ts";
import { WorkerPool } from "../../server/query/worker_pool.ts";
import { readSourceTree } from "../source_tree.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { LinePieces } from "../../server/query/line_pieces.ts";

const WORKER_PARENT = fileURLToPath(new URL("./worker_parent.ts", import.meta.url));

test("a program that runs scripts is told from the single executable", () => {
  for (const path of ["/usr/bin/node", "/opt/nodejs", "C:/x/bun.exe", "/a/deno", "/b/node-24.1"]) {
    assert.ok(isRuntime(path), path);
  }
  for (const path of ["/usr/bin/seglog", "/opt/nodes", "./dist/seglog-deno", "/deno/seglog"]) {
    assert.ok(!isRuntime(path), path);
  }
  assert.ok(isRuntime(process.execPath));
});

test("lines come out as they went in, wherever blocks end", () => {
  const text = "one\n\ntwo three\nÜ\n";
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const pieces = new LinePieces();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      lines.push(
        ...pieces.take(bytes.slice(at, at + size)).map((line) => new TextDecoder().decode(line)),
      );
    }
    assert.deepEqual(lines, ["one", "", "two three", "Ü"]);
  }
});

const read = (sql: string) =>
  requestLine({ read: { sql, parameters: [], topics: [], rowsMax: 10, bytesMax: 1e9 } });

test("a process answers one query after the other, and ends with its input", async () => {
  const worker = new WorkerProcess(10);
  for (const number of [1, 2]) {
    worker.ask(read(`select ${number} x`));
    assert.equal(new TextDecoder().decode(await worker.line()), 'C["x"]');
    assert.deepEqual(contentOf(await worker.line()), [number]);
    assert.equal((await worker.line())[0], TAG.end);
  }
  await worker.kill();
  assert.equal(worker.isAlive, false);
  await assert.rejects(worker.line(), WorkerEnded);
});

test("a process ends with the one that started it, also in the middle of a query", {
  skip: process.platform === "win32",
  timeout: 30_000,
}, async () => {
  const [program, ...words] = thisRuntime().command;
  const parent = spawn(program, [...words, WORKER_PARENT], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  parent.stderr.on("data", (text) => said += text);
  const ended = once(parent.stderr, "end"); // of all who write there
  await once(parent.stdout, "data");
  parent.kill("SIGKILL");
  await ended;
  assert.equal(said, "");
});

test("a process that takes too much time of the processor is ended by the system", {
  skip: process.platform === "win32",
  timeout: 60_000,
}, async () => {
  const worker = new WorkerProcess(2);
  worker.ask(
    read("with recursive t(x) as (select 1 union all select x + 1 from t) select max(x) from t"),
  );
  await assert.rejects(worker.line(), (error) => {
    assert.ok(error instanceof WorkerEnded);
    assert.match(String(error.signal), /SIGXCPU|SIGKILL/);
    return true;
  });
});

test("a process that takes too much memory is ended", {
  skip: process.platform !== "linux",
  timeout: 60_000,
}, async () => {
  const workers = new WorkerPool({ workersMax: 1 });
  const sql = "with recursive t(x) as (select 1 union all select x + 1 from t) " +
    "select count(distinct randomblob(100000)) from t";
  const request = { sql, parameters: [], topics: [], rowsMax: 1, bytesMax: 1000 };
  const { signal } = new AbortController();
  let kind = "";
  try {
    for await (const line of workers.run({ read: request }, { owner: workers, signal })) {
      if (line[0] === TAG.failure) kind = contentOf<AnswerFailure>(line).kind;
    }
  } catch (error) {
    assert.ok(error instanceof WorkerEnded, String(error));
    kind = `ended by ${error.signal}`;
  }
  assert.match(kind, /^(large|ended by SIG[A-Z]+)$/);
  await workers.close();
});

test("a process that runs queries needs nothing but this source, and what the runtime brings", () => {
  const files = new Map(readSourceTree().map((file) => [file.path, file]));
  const seen = new Set<string>();
  const visit = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { path: next, specifier, isType } of files.get(path)!.imports) {
      if (isType) continue;
      if (next !== undefined) visit(next);
      else assert.match(specifier, /^node:/, `${path} imports ${specifier}`);
    }
  };
  visit("server/query/worker_main.ts");
  assert.ok(seen.has("core/query/reader.ts"));
  assert.ok(![...seen].some((path) => /^core\/(store|log|kv)\//.test(path)));
});
