/** From a store to a cluster and back by way of snapshots, and what is kept on the way. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Backend,
  backup,
  backupBackend,
  holdGroups,
  Kv,
  MemoryDisk,
  restore,
  restoreTo,
  Store,
  type TopicDetails,
  verify,
  verifyMirror,
} from "../../mod.ts";
import { openOn, sharedServer, withNats } from "../jetstream/support.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import { assertSame, fill, recordsFrom } from "./sources.ts";

const BIG = "x".repeat(1500);
const STAMP = { id: "feed", epoch: 3, sequence: 4 };

/** A store with what a copy could lose. */
async function richStore(disk: MemoryDisk): Promise<Store> {
  const store = await Store.open("/data", { disk, defaults: { segmentBytes: 4096, sync: "os" } });
  await store.ensureTopic("orders", { partitions: 3, compression: "zstd" });
  for (const partition of [0, 1, 2]) {
    for (let i = 0; i < 15; i++) await store.append("orders", recordsFrom(i, 3), { partition });
  }
  await store.append("orders", recordsFrom(700, 2), { partition: 1, producer: STAMP });
  await fill(store, "compacted", 120);
  await store.compact("compacted");
  await store.append("compacted", recordsFrom(900, 3));
  await store.append("cut", recordsFrom(0, 10));
  await store.truncate("cut", { before: 4 });
  await store.append("holes", recordsFrom(0, 10));
  await store.truncate("holes", { after: 4 });
  await store.append("holes", recordsFrom(10, 3));
  await fill(store, "emptied", 3);
  await store.truncate("emptied", { before: (await store.bounds("emptied")).nextOffset });
  await using bucket = await Kv.open(store, "sessions");
  for (const value of ["one", "two", "three"]) await bucket.set("u1", value);
  await bucket.set("u2", BIG);
  await bucket.delete("u2");
  await using held = holdGroups(store);
  await held.groups.seek("billing", { topic: "cut", to: "7" });
  return store;
}

/** Asserts that another backend has everything that a store made by {@linkcode richStore} has. */
async function assertKept(source: Backend, other: Backend): Promise<void> {
  assert.deepEqual((await verifyMirror(source, other)).differences, []);
  assert.deepEqual(await other.listTopics(), await source.listTopics());
  for (const { name, config } of await source.listTopics()) {
    const [theirs, mine] = [await source.describeTopic(name), await other.describeTopic(name)];
    const compactedIn = ({ partitions }: TopicDetails) =>
      partitions.map(({ compactedTo }) => compactedTo);
    assert.deepEqual(compactedIn(mine), compactedIn(theirs));
    for (let partition = 0; partition < config.partitions; partition++) {
      await assertSame(source, other, name, partition);
    }
  }
}

async function committedOf(backend: Backend): Promise<(number | null)[]> {
  await using held = holdGroups(backend);
  return (await held.groups.describe("billing")).partitions.map(({ committed }) => committed);
}

async function historyOf(backend: Backend, key: string): Promise<unknown[]> {
  await using bucket = await Kv.open(backend, "sessions");
  const changes = await collect(bucket.history(key));
  return changes.map((change) => JSON.stringify(change));
}

describe("a cluster", withNats, () => {
  const server = sharedServer();

  test("gets all of a store by a snapshot, and gives it back by another", async () => {
    const disk = new MemoryDisk();
    await using store = await richStore(disk);
    await backup("/data", "/b", { disk });
    await using cluster = await openOn(await server());
    const report = await restoreTo("/b", cluster, { disk });
    assert.deepEqual([report.ok, report.verification.differences], [true, []]);
    await assertKept(store, cluster);
    assert.deepEqual(await historyOf(cluster, "u1"), await historyOf(store, "u1"));
    assert.deepEqual(await committedOf(cluster), [7]);

    const { snapshot } = await backupBackend(cluster, "/c", { disk });
    assert.ok(verify(snapshot.path, { disk }).ok);
    assert.ok((await restore("/c", "/again", { disk })).ok);
    await using again = await Store.open("/again", { disk });
    await assertKept(cluster, again);
    assert.deepEqual(await historyOf(again, "u1"), await historyOf(store, "u1"));
    assert.deepEqual(await committedOf(again), [7]);

    for (const backend of [cluster, again]) {
      const { nextOffset } = await backend.bounds("orders", 1);
      const stamped = { partition: 1, producer: STAMP };
      const retried = await backend.append("orders", recordsFrom(700, 2), stamped);
      assert.deepEqual([retried.start, retried.end], [45, 47]);
      const producer = { ...STAMP, sequence: 5 };
      const { start } = await backend.append("orders", recordsFrom(0, 1), {
        partition: 1,
        producer,
      });
      assert.equal(start, nextOffset);
    }
  });

  test("is backed up by linking what the snapshot before has", async () => {
    const disk = new MemoryDisk();
    await using cluster = await openOn(await server());
    await cluster.ensureTopic("orders", { segmentBytes: 4096 });
    for (let i = 0; i < 20; i++) await cluster.append("orders", [{ value: BIG }]);
    const first = await backupBackend(cluster, "/b", { disk });
    assert.deepEqual([first.snapshot.records, first.linkedBytes], [20, 0]);
    await cluster.append("orders", [{ value: "new" }]);
    await cluster.truncate("orders", { before: 6 });
    const second = await backupBackend(cluster, "/b", { disk });
    assert.ok(second.linkedBytes > second.copiedBytes, JSON.stringify(second));
    await using snapshot = await Store.open(second.snapshot.path, { disk, readOnly: true });
    await assertKept(cluster, snapshot);
    await cluster.deleteTopic("orders");
    await cluster.append("orders", [{ value: "another topic" }]);
    const third = await backupBackend(cluster, "/b", { disk });
    assert.deepEqual([third.snapshot.records, third.linkedBytes], [1, 0]);
  });

  test("that has topics of its own is not restored to", async () => {
    const disk = new MemoryDisk();
    await using store = await Store.open("/data", { disk });
    await fill(store, "orders", 3);
    await backup("/data", "/b", { disk });
    await using cluster = await openOn(await server());
    await fill(cluster, "orders", 1);
    const error = await rejectsWith("exists", () => restoreTo("/b", cluster, { disk }));
    assert.match(error.message, /topic "orders" of another origin is there/);
    assert.equal((await cluster.bounds("orders")).nextOffset, 1);
  });
});
