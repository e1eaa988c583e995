/** What is loaded when: a command that appends one record must not wait for a server's code. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { VERSION } from "../../core/base/version.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The files and packages that a file imports at once, and what those import. */
function loadedBy(start: string): Set<string> {
  const loaded = new Set<string>();
  const visit = (path: string) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    const source = fs.readFileSync(join(ROOT, path), "utf8");
    for (
      const [, isType, name] of source.matchAll(/^(?:import|export) (type )?[^"';]*"([^"]+)";/gm)
    ) {
      if (isType !== undefined) continue;
      if (name!.startsWith(".")) visit(relative(ROOT, join(ROOT, dirname(path), name!)));
      else loaded.add(name!);
    }
  };
  visit(start);
  return loaded;
}

function expectNone(loaded: Set<string>, unwanted: RegExp): void {
  assert.deepEqual([...loaded].filter((path) => unwanted.test(path)), []);
}

test("reading the words loads neither store nor server nor tables, and no verb but the one named", () => {
  const loaded = loadedBy("cli/main.ts");
  assert.ok(loaded.has("cli/verb_line.ts"));
  expectNone(loaded, /^cli\/(command_line|grammar\/(append|read|kv|serve|maintain))\.ts$/);
  expectNone(
    loaded,
    /^(server|client|core\/(store|log|disk|dump))\/|^cli\/commands\/|cli-table3|hono/,
  );
});

test("append, read and tail on a folder load no server, no client and no tables", () => {
  for (const verb of ["append", "read", "tail"]) {
    expectNone(loadedBy(`cli/commands/${verb}.ts`), /^(server|client)\/|cli-table3|hono|p-retry/);
  }
});

test("whoever has a folder or a server loads nothing of NATS", () => {
  for (const file of ["mod.ts", "client/connect_http.ts", "cli/connect.ts"]) {
    expectNone(loadedBy(file), /@nats-io|^jetstream\/(?!cluster_url)/);
  }
});

test("on a folder, append, read, keys and serve load nothing of copies, either", () => {
  for (
    const file of [
      ...["append", "read", "tail", "serve"].map((verb) => `cli/commands/${verb}.ts`),
      ...["cli/kv/read.ts", "cli/kv/write.ts", "cli/schema_check.ts", "cli/serve/open_served.ts"],
      ...["core/store/store.ts", "server/listen.ts"],
    ]
  ) {
    expectNone(loadedBy(file), /@nats-io|^replica\/|^jetstream\/(?!cluster_url)/);
  }
  const read = loadedBy("replica/node_backend.ts");
  assert.ok(read.has("replica/replica.ts"));
  assert.ok(loadedBy("jetstream/connection.ts").has("@nats-io/transport-node"));
});

test("serve loads what checks schemas, certificates and gRPC only where there are some", () => {
  const loaded = new Set([...loadedBy("cli/commands/serve.ts"), ...loadedBy("server/listen.ts")]);
  assert.ok(loaded.has("server/schemas/schema_registry.ts"));
  expectNone(loaded, /^(ajv|ajv-formats|re2js|yaml|@peculiar|@connectrpc|reflect-metadata)\b/);
  expectNone(loaded, /^server\/openapi\//);
  assert.ok(loadedBy("server/schemas/judging.ts").has("ajv"));
});

test("the version is the same everywhere", () => {
  for (const file of ["deno.json", "package.json"]) {
    assert.equal(JSON.parse(fs.readFileSync(join(ROOT, file), "utf8")).version, VERSION, file);
  }
});
