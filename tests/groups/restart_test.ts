/** Members of a group whose server, or connection, goes away and comes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectHttp } from "../../client/connect_http.ts";
import { holdGroups, Store } from "../../mod.ts";
import { freePort } from "../../scripts/free_port.ts";
import { serve } from "../../server/listen.ts";
import { proxyTo } from "../client/proxy.ts";
import { openServer } from "../server/support.ts";
import { rejectsWith } from "../support/collect.ts";
import { numbers, openMember, textsOf, work } from "./support.ts";
import { until } from "../support/until.ts";

/** Less than a test that waits for ever. */
const LONG = { timeout: 30_000 };

test("a member outlives a restart of the server, and commits what it had in hand", async () => {
  await using store = await Store.memory();
  await store.append("orders", numbers(0, 2));
  const port = await freePort();
  const first = await serve(store, { port });
  await using backend = await connectHttp(first.url);
  await using consumer = await openMember(backend);
  const batches = consumer.batches();
  assert.deepEqual(textsOf((await batches.next()).value!), ["0", "1"]);
  await first.close();
  const second = await serve(store, { port });
  try {
    await consumer.commit();
    await using held = holdGroups(backend);
    assert.equal((await held.groups.describe("g")).partitions[0]!.committed, 2);
    await store.append("orders", numbers(2, 3));
    assert.deepEqual(textsOf((await batches.next()).value!), ["2"]);
    await consumer.close();
    assert.equal((await held.groups.describe("g")).state, "empty");
  } finally {
    await second.close();
  }
});

test("a member whose connection is cut, and that is given up meanwhile, hands nothing out until it is back", async () => {
  await using opened = await openServer();
  const { store } = opened;
  await store.append("orders", numbers(0, 1));
  await using proxy = await proxyTo(opened.port);
  await using far = await connectHttp(proxy.url, { retries: 0 });
  await using consumer = await openMember(far, { leaseMs: 600 });
  const batches = consumer.batches();
  await batches.next();
  await consumer.commit();
  await proxy.cut();
  await store.append("orders", numbers(1, 2));
  await using near = await connectHttp(opened.url);
  await until(async () => (await near.groups.describe("g")).state === "empty");
  const seen: string[] = [];
  {
    await using other = await openMember(near, { follow: false });
    await work(other, seen);
  }
  assert.deepEqual(seen, ["1"]);
  await proxy.open();
  await store.append("orders", numbers(2, 3));
  const next = await batches.next();
  assert.deepEqual(textsOf(next.value!), ["2"], "it goes on where the others have come to");
  await consumer.commit();
});

test(
  "a member that is lost with its server can be closed: what is done is committed by no one",
  LONG,
  async () => {
    await using opened = await openServer();
    const { store } = opened;
    await store.append("orders", numbers(0, 1));
    await store.append("orders", numbers(1, 2));
    await using proxy = await proxyTo(opened.port);
    await using far = await connectHttp(proxy.url, { retries: 0 });
    const notices: string[] = [];
    const onNotice = (notice: string) => void notices.push(notice);
    const consumer = await openMember(far, { leaseMs: 600, autoCommitMs: 60_000, onNotice });
    const batches = consumer.batches();
    for (const text of ["0", "1"]) assert.deepEqual(textsOf((await batches.next()).value!), [text]);
    await proxy.cut();
    await using near = await connectHttp(opened.url);
    await until(async () => (await near.groups.describe("g")).state === "empty");
    await consumer.close();
    assert.ok(notices.some((notice) => notice.includes("membership")), notices.join("\n"));
    assert.equal((await near.groups.describe("g")).partitions[0]!.committed, 0);
  },
);

test(
  "a commit that waits for a lost server ends with the signal of the consumer",
  LONG,
  async () => {
    await using opened = await openServer();
    await opened.store.append("orders", numbers(0, 1));
    await using proxy = await proxyTo(opened.port);
    await using far = await connectHttp(proxy.url, { retries: 0 });
    const leaving = new AbortController();
    await using consumer = await openMember(far, { leaseMs: 600, signal: leaving.signal });
    await consumer.batches().next();
    await proxy.cut();
    await using near = await connectHttp(opened.url);
    await until(async () => (await near.groups.describe("g")).state === "empty");
    const committed = consumer.commit();
    leaving.abort();
    await rejectsWith("condition-failed", () => committed);
  },
);

test("a consumer ends with an error when its membership cannot go on", async () => {
  await using store = await Store.memory();
  await store.append("orders", numbers(0, 1));
  const consumer = await openMember(store);
  const batches = consumer.batches();
  await batches.next();
  await store.close();
  await rejectsWith("closed", () => batches.next());
  await consumer.close();
});
