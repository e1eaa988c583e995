import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  connect,
  Kv,
  NodeBackend,
  type NodeOptions,
  readRecords,
  SeglogError,
  Store,
} from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";
import { HeldSource } from "./held_source.ts";
import { PATIENCE_MS } from "../support/until.ts";
import { keptOpen, openTwoNodes } from "./two_nodes.ts";

/** A node whose copy gets what the test lets through. */
async function openHeld(options: NodeOptions = {}) {
  const store = await Store.memory();
  const source = new HeldSource(store);
  const node = new NodeBackend(source.backend, await Store.memory(), {
    waitMs: PATIENCE_MS,
    ...options,
  });
  return {
    ...{ store, source, node },
    async [Symbol.asyncDispose]() {
      source.release();
      await node.close();
    },
  };
}

/** Whether a promise has settled by now. */
function watch(promise: Promise<unknown>): () => boolean {
  let isSettled = false;
  const settle = () => isSettled = true;
  promise.then(settle, settle);
  return () => isSettled;
}

describe("what was acknowledged through a node", () => {
  test("is read through it, however late the copy is", async () => {
    await using opened = await openHeld();
    const { node, source } = opened;
    await node.append("orders", [{ value: "a", timestamp: 1000 }]);
    await node.caughtUp();
    source.hold();
    const { end } = await node.append("orders", [{ value: "b", timestamp: 2000 }]);
    const reads = [
      node.bounds("orders").then(({ nextOffset }) => assert.equal(nextOffset, end)),
      node.describeTopic("orders").then(({ partitions }) =>
        assert.equal(partitions[0]!.records, 2)
      ),
      node.read("orders", 1).then(({ text }) => assert.equal(text, "b")),
      node.readAll("orders", [0, 1]).then(({ length }) => assert.equal(length, 2)),
      node.offsetAt("orders", 1500).then((offset) => assert.equal(offset, 1)),
      shown(readRecords(node, "orders")).then((all) => assert.deepEqual(all, ["0:a", "1:b"])),
    ];
    const settled = reads.map(watch);
    // What is older is there already.
    assert.equal((await node.read("orders", 0)).text, "a");
    assert.equal((await node.readAll("orders", [0])).length, 1);
    assert.deepEqual(await shown(readRecords(node, "orders", { until: 1 })), ["0:a"]);
    assert.ok(settled.every((isSettled) => !isSettled()));
    source.release();
    await Promise.all(reads);
  });

  test("is there when it is a topic, also where the source lists it only later", async () => {
    await using store = await Store.memory();
    let stale = 0;
    const source = changedBackend(store, {
      async listTopics() {
        if (--stale === 2) throw new SeglogError("unavailable", "away for a moment");
        return stale > 0 ? [] : await store.listTopics();
      },
    });
    await using node = new NodeBackend(source, await Store.memory(), { waitMs: PATIENCE_MS });
    stale = 5;
    await node.ensureTopic("orders");
    assert.deepEqual(await collect(readRecords(node, "orders")), []);
    assert.deepEqual((await node.listTopics()).map(({ name }) => name), ["orders"]);
  });

  test("is no topic that is waited for without end", async () => {
    await using store = await Store.memory();
    const source = changedBackend(store, { listTopics: () => Promise.resolve([]) });
    await using node = new NodeBackend(source, await Store.memory(), { waitMs: 200 });
    assert.ok((await node.ensureTopic("orders")).created);
    await rejectsWith("not-found", () => node.segments("orders"));
    assert.deepEqual(await node.listTopics(), []);
  });

  test("is waited for as long as a reader may wait, and is kept", async () => {
    await using opened = await openHeld({ waitMs: 30 });
    const { node, source } = opened;
    await node.append("orders", [{ value: "a" }]);
    await node.caughtUp();
    source.hold();
    await node.append("orders", [{ value: "b" }]);
    const error = await rejectsWith("unavailable", () => node.read("orders", 1));
    assert.equal(error.retryable, true);
    await rejectsWith("unavailable", () => collect(readRecords(node, "orders")));
    source.release();
    await node.caughtUp();
    assert.equal((await node.read("orders", 1)).text, "b");
  });

  test("are topics, too: made, configured, cut at both ends and deleted", async () => {
    await using opened = await openHeld();
    const { node } = opened;
    const names = async () => (await node.listTopics()).map(({ name }) => name);
    await node.ensureTopic("orders", { partitions: 2 });
    assert.deepEqual(await names(), ["orders"]);
    await node.configureTopic("orders", { retentionRecords: 1000 });
    assert.equal((await node.describeTopic("orders")).config.retentionRecords, 1000);
    for (let i = 0; i < 10; i++) await node.append("orders", [{ value: `${i}` }], { partition: 1 });
    await node.truncate("orders", { before: 4, partition: 1 });
    assert.equal((await node.bounds("orders", 1)).logStartOffset, 4);
    await rejectsWith("offset-out-of-range", () => node.read("orders", 3, 1));
    await node.truncate("orders", { after: 6, partition: 1 });
    assert.equal((await node.describeTopic("orders")).partitions[1]!.records, 3);
    assert.equal((await node.read("orders", 6, 1)).text, "6");
    await rejectsWith("not-found", () => node.read("orders", 7, 1));
    await node.append("orders", [{ value: "other" }], { partition: 1 });
    assert.equal((await node.read("orders", 10, 1)).text, "other");
    await node.append("made", [{ value: "by an append" }]);
    assert.deepEqual(await names(), ["made", "orders"]);
    await node.deleteTopic("orders");
    assert.deepEqual(await names(), ["made"]);
    await rejectsWith("not-found", () => node.read("orders", 6, 1));
    await node.append("orders", [{ value: "new" }]);
    assert.equal((await node.read("orders", 0)).text, "new");
  });

  test("is not waited for when somebody else has deleted it since", async () => {
    await using opened = await openHeld({ waitMs: 2000 });
    const { node, store, source } = opened;
    await node.append("orders", [{ value: "a" }]);
    await node.caughtUp();
    source.hold();
    for (const value of "bcd") await node.append("orders", [{ value }]);
    await store.deleteTopic("orders");
    await store.append("orders", [{ value: "new" }]);
    source.release();
    await node.caughtUp();
    assert.equal((await node.read("orders", 0)).text, "new");
  });
});

describe("several nodes over one source", () => {
  test("show each other's writes with min-offset", async () => {
    await using two = await openTwoNodes();
    const { one, other } = two;
    const { end } = await one.node.append("orders", [{ value: "a" }]);
    const records = readRecords(other.node, "orders", { minOffset: end });
    assert.deepEqual(await shown(records), ["0:a"]);
    other.source.hold();
    const later = await one.node.append("orders", [{ value: "b" }]);
    const late = { minOffset: later.end, minOffsetWaitMs: 30 };
    await rejectsWith("unavailable", () => collect(readRecords(other.node, "orders", late)));
    assert.deepEqual(await shown(readRecords(other.node, "orders")), ["0:a"]);
  });

  test("know a topic that another one has just made", async () => {
    await using two = await openTwoNodes();
    const { one, other } = two;
    await other.node.caughtUp();
    await one.node.append("orders", [{ value: "a" }]);
    assert.equal((await other.node.describeTopic("orders")).partitions.length, 1);
    await one.node.append("users", [{ value: "b" }]);
    await other.node.bounds("users");
    await rejectsWith("not-found", () => other.node.describeTopic("nothing"));
  });

  test("whoever was overtaken sees what overtook him", async () => {
    await using two = await openTwoNodes();
    const { one, other } = two;
    await one.node.append("orders", [{ value: "a" }]);
    await other.node.caughtUp();
    other.source.hold();
    await one.node.append("orders", [{ value: "b" }]);
    const options = { partition: 0, expectedOffset: 1 };
    const again = () => other.node.append("orders", [{ value: "c" }], options);
    assert.equal((await rejectsWith("condition-failed", again)).details.actual, 2);
    const reading = other.node.read("orders", 1);
    other.source.release();
    assert.equal((await reading).text, "b");
  });

  test("transactions over both are one after another", async () => {
    await using two = await openTwoNodes();
    const nodes = [two.one.node, two.other.node];
    const buckets = await Promise.all(nodes.map((node) => Kv.open(node, "counters")));
    const count = async (kv: Kv) => {
      for (let i = 0; i < 10; i++) {
        await kv.transaction(async (transaction) => {
          const before = Number((await transaction.get("n"))?.text ?? 0);
          transaction.set("n", String(before + 1));
        }, { retries: 1000 });
      }
    };
    await Promise.all(buckets.map(count));
    for (const kv of buckets) {
      await kv.catchUp({ minRevision: 19 });
      assert.equal((await kv.get("n"))?.text, "20");
      await kv.close();
    }
  });
});

describe("the copy of a node", () => {
  test("is made anew when it is deleted, and goes on when it was away", async () => {
    await using dir = tempDir();
    const store = await Store.memory();
    const kept = keptOpen(store);
    const folder = join(dir.path, "copy");
    const run = async (values: string[]) => {
      const follows = { source: "the store" };
      await using node = new NodeBackend(kept, await Store.open(folder, { follows }));
      await node.caughtUp();
      assert.deepEqual(
        (await collect(readRecords(node, "orders"))).map(({ text }) => text),
        values,
      );
      const [partition] = node.following.partitions;
      assert.deepEqual([partition?.offset, partition?.lag], [values.length, 0]);
    };
    await store.append("orders", [{ value: "a" }]);
    await run(["a"]);
    await store.append("orders", [{ value: "b" }]);
    await run(["a", "b"]);
    fs.rmSync(folder, { recursive: true });
    await run(["a", "b"]);
    await store.close();
  });

  test("is read while the source is down; writes end as the source says", async () => {
    const store = await Store.memory();
    const server = await serve(store, { port: 0 });
    const source = await connect(server.url, { retries: 0 });
    await using node = new NodeBackend(source, await Store.memory(), { name: server.url });
    const { end } = await node.append("orders", [{ key: "k", value: "a" }]);
    await node.caughtUp();
    await server.close();
    assert.equal((await node.read("orders", 0)).text, "a");
    assert.equal((await node.bounds("orders")).nextOffset, end);
    assert.equal((await node.listTopics()).length, 1);
    await rejectsWith("not-found", () => node.bounds("none"));
    await rejectsWith("unavailable", () => node.append("orders", [{ value: "b" }]));
    await rejectsWith("unavailable", () => node.deleteTopic("orders"));
    assert.equal((await collect(readRecords(node, "orders"))).length, 1);
    assert.equal(node.following.source, server.url);
    await store.close();
  });

  test("says how far it is, and that it has had everything once", async () => {
    await using opened = await openHeld({ name: "the source" });
    const { node, source, store } = opened;
    await node.ensureTopic("orders");
    await node.caughtUp();
    while (!node.following.isReady) await node.caughtUp();
    source.hold();
    await store.append("orders", [{ value: "a" }, { value: "b" }]);
    // Topics are looked at again with each change of one.
    await node.ensureTopic("other");
    const behind = node.following.partitions.find(({ topic }) => topic === "orders");
    assert.deepEqual([behind?.offset, behind?.lag], [0, 2]);
    assert.equal(node.following.isConnected, true);
  });

  test("is not ready before it has everything that its source had", async () => {
    const store = await Store.memory();
    const { end } = await store.append("orders", [{ value: "a" }, { value: "b" }]);
    const source = new HeldSource(store);
    source.hold();
    await using node = new NodeBackend(source.backend, await Store.memory());
    await node.ensureTopic("other"); // by now it has looked at the topics
    assert.equal(node.following.isReady, false);
    source.release();
    await node.following.ready;
    assert.equal(node.following.isReady, true);
    const orders = node.following.partitions.find(({ topic }) => topic === "orders");
    assert.equal(orders?.offset, end);
  });

  test("tells at once what is not there while the source is away", async () => {
    const store = await Store.memory();
    let isAway = false;
    let asked = 0;
    const away = () => Promise.reject(new SeglogError("unavailable", "away"));
    const source = changedBackend(store, {
      listTopics: () => isAway ? away() : store.listTopics(),
      bounds: (topic, partition) => {
        asked++;
        return isAway ? away() : store.bounds(topic, partition);
      },
    });
    await using node = new NodeBackend(source, await Store.memory(), { lookMs: 5 });
    await node.caughtUp();
    isAway = true;
    while (node.following.isConnected) await new Promise((resolve) => setTimeout(resolve, 2));
    asked = 0;
    await rejectsWith("not-found", () => node.bounds("nothing"));
    assert.equal(asked, 0);
  });
});
