import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, readRecords, Store } from "../../mod.ts";
import { freePort } from "../../scripts/free_port.ts";
import { serve } from "../../server/listen.ts";
import { openServer } from "../server/support.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { proxyTo } from "./proxy.ts";

test("an append whose answer is lost is sent once, and says that its outcome is unknown", async () => {
  await using opened = await openServer();
  await using proxy = await proxyTo(opened.port);
  await using backend = await connect(proxy.url);
  // The second append goes over a connection that was used before: some runtimes would send what
  // is lost on it again by themselves.
  await backend.append("orders", [{ value: "a" }]);
  proxy.loseAnswers = 2;
  await rejectsWith("outcome-unknown", () => backend.append("orders", [{ value: "b" }]));
  assert.equal(proxy.requests, 2);
  assert.deepEqual(await shown(readRecords(opened.store, "orders")), ["0:a", "1:b"]);
});

test("an append of a producer whose answer is lost is made once", async () => {
  await using opened = await openServer();
  await using proxy = await proxyTo(opened.port);
  await using backend = await connect(proxy.url);
  for (let sequence = 0; sequence < 3; sequence++) {
    proxy.loseAnswers = sequence;
    const producer = { id: "p1", epoch: 0, sequence };
    const { start } = await backend.append("orders", [{ value: `${sequence}` }], { producer });
    assert.equal(start, sequence);
  }
  assert.deepEqual(await shown(readRecords(opened.store, "orders")), ["0:0", "1:1", "2:2"]);
});

test("a follower goes on where it was when its connection was cut", async () => {
  await using opened = await openServer();
  const { store } = opened;
  await using proxy = await proxyTo(opened.port);
  const notices: string[] = [];
  await using backend = await connect(proxy.url, { onNotice: (notice) => notices.push(notice) });
  await store.append("orders", [{ value: "a" }]);
  const records = readRecords(backend, "orders", { follow: true });
  assert.equal((await records.next()).value?.text, "a");
  const upcoming = records.next();
  await proxy.cut();
  await store.append("orders", [{ value: "b" }, { value: "c" }]);
  while (notices.length === 0) await new Promise((resolve) => setTimeout(resolve));
  await proxy.open();
  assert.equal((await upcoming).value?.text, "b");
  assert.equal((await records.next()).value?.text, "c");
  await records.return();
});

test("a follower outlives a restart of its server, and misses nothing", async () => {
  await using store = await Store.memory();
  const port = await freePort(); // still free while the server is away
  let server = await serve(store, { port });
  await using backend = await connect(server.url);
  await store.append("orders", [{ value: "0" }]);
  const following = (async () => {
    const seen: string[] = [];
    for await (const record of readRecords(backend, "orders", { follow: true })) {
      seen.push(record.text);
      if (seen.length === 30) break;
    }
    return seen;
  })();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 5; i++) await store.append("orders", [{ value: "x" }]);
    await server.close();
    for (let i = 0; i < 5; i++) await store.append("orders", [{ value: "y" }]);
    server = await serve(store, { port });
  }
  const seen = await following;
  const stored = (await collect(readRecords(store, "orders", { until: 30 }))).map((r) => r.text);
  assert.deepEqual(seen, stored);
  await server.close();
});

test("aborting ends a follower quietly while its server is away", async () => {
  await using opened = await openServer();
  await using proxy = await proxyTo(opened.port);
  const notices: string[] = [];
  await using backend = await connect(proxy.url, { onNotice: (notice) => notices.push(notice) });
  await opened.store.append("orders", [{ value: "a" }]);
  const controller = new AbortController();
  const { signal } = controller;
  const records = readRecords(backend, "orders", { follow: true, signal });
  await records.next();
  const upcoming = records.next();
  await proxy.cut();
  while (notices.length === 0) await new Promise((resolve) => setTimeout(resolve));
  controller.abort();
  assert.equal((await upcoming).done, true);
});

test("a signal that is aborted already reads nothing", async () => {
  await using opened = await openServer();
  await using backend = await connect(opened.url);
  await opened.store.append("orders", [{ value: "a" }]);
  const signal = AbortSignal.abort();
  assert.deepEqual(await collect(backend.batches("orders", { signal })), []);
  assert.deepEqual(await collect(backend.batches("orders", { signal, follow: true })), []);
});
