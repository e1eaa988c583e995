import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, MemoryDisk, Store } from "../../mod.ts";
import { freePort } from "../../scripts/free_port.ts";
import { serve } from "../../server/listen.ts";
import { openServer } from "../server/support.ts";
import { rejectsWith } from "../support/collect.ts";

test("a URL that cannot be a server's is refused", async () => {
  const bad = [
    "",
    "localhost:8080",
    "ftp://a",
    "http://u:p@a",
    "http://a/?q",
    "http://a/#f",
    "//a",
  ];
  for (const url of bad) await rejectsWith("invalid-argument", () => connect(url));
});

test("where nothing listens is unavailable", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const error = await rejectsWith("unavailable", () => connect(url, { retries: 0 }));
  assert.ok(error.message.includes(url));
  assert.match(error.message, /is the server running/);
});

test("what is not seglog is unsupported", async () => {
  const answers = [
    () => new Response("hello"),
    () => Response.json({ name: "other" }),
    () => new Response("", { status: 404 }),
    () => Response.json({ name: "seglog", batchFormat: 2 }),
  ];
  for (const answer of answers) {
    const fetch = () => Promise.resolve(answer());
    await rejectsWith("unsupported", () => connect("http://a", { fetch, retries: 0 }));
  }
});

test("a path below which the server is found stays in front", async () => {
  await using opened = await openServer();
  const seen: string[] = [];
  const fetch = (url: string, init: RequestInit) => {
    seen.push(url);
    return globalThis.fetch(url.replace("/log", ""), init);
  };
  await using backend = await connect(`${opened.url}/log/`, { fetch });
  await backend.listTopics();
  assert.deepEqual(seen, [`${opened.url}/log/v1`, `${opened.url}/log/v1/topics`]);
});

test("capabilities are those of the server's backend", async () => {
  const disk = new MemoryDisk();
  await (await Store.open("/data", { disk })).close();
  await using store = await Store.open("/data", { disk, readOnly: true });
  await using server = await serve(store, { port: 0 });
  await using backend = await connect(server.url);
  assert.deepEqual(backend.capabilities, {
    kind: "http",
    canWrite: false,
    canTruncateAfter: false,
  });
  await rejectsWith("read-only", () => backend.append("orders", [{ value: "a" }]));
});
