import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  backup,
  Log,
  MemoryDisk,
  type MirrorTarget,
  promote,
  readRecords,
  restore,
  SeglogError,
  Store,
  type StoreOptions,
  type TopicInfo,
  verify,
} from "../../mod.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../core/topic_config.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { storedBatch } from "../support/stored_batch.ts";
import { tempDir } from "../support/temp_dir.ts";

const FOLDER = "/data";
const SOURCE = "http://leader:8080";
const ID = "0123456789abcdef".repeat(2);

function topicOf(changes: Partial<TopicInfo["config"]> = {}, id = ID, name = "orders"): TopicInfo {
  return { name, id, config: { ...DEFAULT_TOPIC_CONFIG, ...changes } };
}

function replicaOf(disk: MemoryDisk, options: StoreOptions = {}): Promise<Store> {
  return Store.open(FOLDER, { disk, follows: { source: SOURCE, epoch: 1 }, ...options });
}

/** The mirror's side of a store, with one topic. */
async function mirrored(store: Store, info = topicOf()): Promise<MirrorTarget> {
  const target = store.mirrorTarget!;
  await target.adopt(info);
  return target;
}

describe("a store as the target of a mirror", () => {
  test("makes topics with the id and the settings that it is given", async () => {
    const disk = new MemoryDisk();
    const info = topicOf({ partitions: 3, compression: "zstd" });
    {
      await using store = await Store.open(FOLDER, { disk });
      await store.mirrorTarget!.adopt(info);
      await store.mirrorTarget!.adopt(info); // again, and nothing changes
      assert.deepEqual(await store.listTopics(), [info]);
      const mirror = await store.mirrorTarget!.openMirror("orders", 2);
      await mirror.skipTo(40, "removed");
      await mirror.append(storedBatch(40, ["a", "b"]));
    }
    await using store = await Store.open(FOLDER, { disk });
    assert.deepEqual(await store.listTopics(), [info]);
    assert.deepEqual(await shown(readRecords(store, "orders", { partition: 2 })), ["40:a", "41:b"]);
    assert.equal((await store.append("orders", [{ value: "c" }], { partition: 2 })).start, 42);
  });

  test("applies changed settings to a topic of that id, also where it is open", async () => {
    await using store = await Store.memory();
    const target = await mirrored(store);
    const mirror = await target.openMirror("orders", 0);
    await mirror.append(storedBatch(0, ["a"]));
    await target.adopt(topicOf({ segmentBytes: 4096 }));
    assert.equal((await store.describeTopic("orders")).config.segmentBytes, 4096);
    for (let offset = 1; offset < 5; offset++) {
      await mirror.append(storedBatch(offset, ["x".repeat(2000)]));
    }
    assert.ok((await store.describeTopic("orders")).partitions[0]!.segments > 1);
  });

  test("refuses a topic with another id, other partitions, or an id that is taken", async () => {
    await using store = await Store.memory();
    const target = await mirrored(store);
    const other = await rejectsWith("exists", () => target.adopt(topicOf({}, "f".repeat(32))));
    assert.equal(other.details.id, ID);
    await rejectsWith("exists", () => target.adopt(topicOf({ partitions: 2 })));
    await rejectsWith("exists", () => target.adopt(topicOf({}, ID, "renamed")));
    await rejectsWith("invalid-argument", () => target.adopt(topicOf({}, "no id", "renamed")));
    assert.deepEqual(await store.listTopics(), [topicOf()]);
    await rejectsWith("not-found", () => target.openMirror("absent", 0));
    await rejectsWith("not-found", () => target.openMirror("orders", 1));
    await rejectsWith("not-found", () => target.drop("absent"));
  });

  test("shares syncs among batches that come together", async () => {
    await using store = await Store.memory();
    const mirror = await (await mirrored(store)).openMirror("orders", 0);
    let syncs = 0;
    using _ = { [Symbol.dispose]: store.observe({ synced: () => syncs++ }) };
    await Promise.all(
      Array.from({ length: 100 }, (_, offset) => mirror.append(storedBatch(offset, ["a"]))),
    );
    assert.equal(syncs, 1);
    assert.equal((await store.bounds("orders")).durableOffset, 100);
  });

  test("takes in what a compacted topic has, and compacts and looks up keys as its source", async () => {
    await using source = await Store.memory({ defaults: { segmentBytes: 4096 } });
    await source.ensureTopic("kv", { compaction: "keys" });
    for (let i = 0; i < 300; i++) {
      await source.append("kv", [{ key: `k${i % 7}`, value: `${i}`.repeat(10) }]);
    }
    await source.compact("kv");
    const [info] = await source.listTopics();
    const { compactedTo, records } = (await source.describeTopic("kv")).partitions[0]!;
    const disk = new MemoryDisk();
    await using store = await replicaOf(disk);
    const mirror = await (await mirrored(store, info)).openMirror("kv", 0);
    await mirror.noteCompacted!(compactedTo);
    for await (const batch of source.batches("kv")) {
      const { nextOffset } = await mirror.bounds();
      if (batch.baseOffset > nextOffset) await mirror.skipTo(batch.baseOffset, "removed");
      await mirror.append(batch);
    }
    const expected = await shown(readRecords(source, "kv"));
    assert.deepEqual(await shown(readRecords(store, "kv")), expected);
    const copy = (await store.describeTopic("kv")).partitions[0]!;
    assert.deepEqual([copy.records, copy.compactedTo], [records, compactedTo]);
    await store.compact("kv");
    assert.deepEqual(await shown(readRecords(store, "kv")), expected);
    assert.ok(verify(FOLDER, { disk }).ok);
  });

  test("opened for reading is none", async () => {
    const disk = new MemoryDisk();
    await (await Store.open(FOLDER, { disk })).close();
    await using store = await Store.open(FOLDER, { disk, readOnly: true });
    assert.equal(store.mirrorTarget, undefined);
  });

  test("says that it is closed when it is", async () => {
    const store = await Store.memory();
    const target = await mirrored(store);
    await store.close();
    await rejectsWith("closed", () => target.adopt(topicOf()));
    await rejectsWith("closed", () => target.openMirror("orders", 0));
  });
});

describe("a replica", () => {
  test("is changed only by what it follows, and says what else can be done", async () => {
    const disk = new MemoryDisk();
    await using store = await replicaOf(disk);
    const target = await mirrored(store);
    await (await target.openMirror("orders", 0)).append(storedBatch(0, ["a", "b"]));
    const refused = [
      () => store.append("orders", [{ value: "x" }]),
      () => store.append("new", [{ value: "x" }]),
      () => store.appendBatch("orders", storedBatch(0, ["x"])),
      () => store.ensureTopic("orders"),
      () => store.ensureTopic("new"),
      () => store.configureTopic("orders", { compaction: "keys" }),
      () => store.deleteTopic("orders"),
      () => store.truncate("orders", { before: 1 }),
      () => store.truncate("orders", { after: 0 }),
      () => store.reserve("orders"),
    ];
    for (const change of refused) {
      const { message } = await rejectsWith("read-only", change);
      assert.ok(message.includes(SOURCE), message);
      assert.ok(message.includes(`seglog promote ${FOLDER}`), message);
    }
    const { canWrite, canTruncateAfter, why } = store.capabilities;
    assert.deepEqual([canWrite, canTruncateAfter], [false, false]);
    assert.match(why!.canWrite!, /^it follows /);
    assert.deepEqual(await shown(readRecords(store, "orders")), ["0:a", "1:b"]);
    await store.flush("orders");
    await store.hints.keep("orders", "view", [Uint8Array.of(1)]);
    assert.equal(store.hints.open("orders", "view")!.size(), 1);
  });

  test("keeps what its source keeps: no retention of its own runs there", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const info = topicOf({ retentionRecords: 2, segmentBytes: 4096 });
    {
      await using store = await replicaOf(disk, { clock });
      const mirror = await (await mirrored(store, info)).openMirror("orders", 0);
      for (let offset = 0; offset < 9; offset++) {
        await mirror.append(storedBatch(offset, ["x".repeat(1500)]));
      }
      await store.maintain();
      assert.equal((await store.bounds("orders")).logStartOffset, 0);
      await (await store.mirrorTarget!.openMirror("orders", 0)).truncateBefore(4);
      assert.equal((await store.bounds("orders")).logStartOffset, 4);
    }
    await promote(FOLDER, { disk });
    await using store = await Store.open(FOLDER, { disk, clock });
    await store.maintain();
    assert.equal((await store.bounds("orders")).logStartOffset, 7);
  });

  test("can be read beside its owner, who it follows included", async () => {
    const disk = new MemoryDisk();
    await using store = await replicaOf(disk);
    await using outside = await Store.open(FOLDER, { disk, readOnly: true });
    assert.deepEqual(outside.follows, { source: SOURCE, epoch: 1 });
    await mirrored(store);
    await (await store.mirrorTarget!.openMirror("orders", 0)).append(storedBatch(0, ["a"]));
    assert.deepEqual(await shown(readRecords(outside, "orders")), ["0:a"]);
    await store.mirrorTarget!.noteEpoch!(4);
    assert.equal(outside.epoch, 4);
  });

  test("does not open for ordinary writing", async () => {
    const disk = new MemoryDisk();
    await (await replicaOf(disk)).close();
    const error = await rejectsWith("read-only", () => Store.open(FOLDER, { disk }));
    assert.match(error.message, /seglog promote/);
    await (await replicaOf(disk)).close(); // nobody holds it
  });

  test("is no store that has topics of its own", async () => {
    const disk = new MemoryDisk();
    {
      await using store = await Store.open(FOLDER, { disk });
      assert.deepEqual([store.follows, store.epoch], [undefined, 1]);
      await store.append("orders", [{ value: "a" }]);
    }
    await rejectsWith("exists", () => replicaOf(disk));
    await using store = await Store.open(FOLDER, { disk });
    await store.append("orders", [{ value: "b" }]);
    await store.deleteTopic("orders");
    await store.close();
    await using empty = await replicaOf(disk);
    assert.equal(empty.capabilities.canWrite, false);
  });

  test("goes on from a source of another name only when it is told to", async () => {
    const disk = new MemoryDisk();
    await (await replicaOf(disk)).close();
    const source = "nats://a,b,c";
    const error = await rejectsWith(
      "condition-failed",
      () => Store.open(FOLDER, { disk, follows: { source } }),
    );
    assert.equal(error.details.expected, SOURCE);
    {
      await using store = await Store.open(FOLDER, { disk, follows: { source, isOther: true } });
      assert.deepEqual(store.follows, { source, epoch: 1 });
    }
    await using store = await Store.open(FOLDER, { disk, follows: { source } });
    assert.deepEqual(store.follows, { source, epoch: 1 });
  });

  test("notes a later epoch of its source durably, and refuses an earlier one", async () => {
    const disk = new MemoryDisk();
    {
      await using store = await replicaOf(disk);
      await store.mirrorTarget!.noteEpoch!(3);
      await store.mirrorTarget!.noteEpoch!(3);
      disk.crash();
    }
    const refused = await rejectsWith("condition-failed", () => replicaOf(disk));
    assert.deepEqual([refused.details.expected, refused.details.actual], [3, 1]);
    const follows = { source: SOURCE }; // it may not be known when the source is away
    await using store = await Store.open(FOLDER, { disk, follows });
    assert.deepEqual([store.epoch, store.follows?.epoch], [3, 3]);
    await rejectsWith("condition-failed", () => store.mirrorTarget!.noteEpoch!(2));
    assert.equal(store.epoch, 3);
  });

  test("notes durably that it was whole, until a topic is set aside", async () => {
    const disk = new MemoryDisk();
    {
      await using store = await replicaOf(disk);
      await mirrored(store);
      assert.equal(store.follows?.wasWhole, undefined);
      await store.mirrorTarget!.noteWhole();
      await store.mirrorTarget!.noteEpoch(3);
      disk.crash();
    }
    const follows = { source: SOURCE };
    {
      await using store = await Store.open(FOLDER, { disk, follows });
      assert.deepEqual(store.follows, { source: SOURCE, epoch: 3, wasWhole: true });
      await store.mirrorTarget!.drop("orders"); // as the source did
      assert.equal(store.follows?.wasWhole, true);
      await mirrored(store);
      await store.mirrorTarget!.setAside("orders", "it is another one");
      disk.crash();
    }
    await using store = await Store.open(FOLDER, { disk, follows });
    assert.deepEqual(store.follows, { source: SOURCE, epoch: 3 });
    await (await Store.memory()).mirrorTarget!.noteWhole(); // one that follows nobody
  });

  test("was whole as a copy of the source that it has now, and of no other", async () => {
    const disk = new MemoryDisk();
    {
      await using store = await replicaOf(disk);
      await store.mirrorTarget!.noteWhole();
    }
    const follows = { source: "http://other:8080", isOther: true };
    await using store = await Store.open(FOLDER, { disk, follows });
    assert.deepEqual(store.follows, { source: "http://other:8080", epoch: 1 });
  });

  for (const epoch of [0, 1.5, NaN]) {
    test(`does not follow epoch ${epoch}`, async () => {
      const follows = { source: SOURCE, epoch };
      await rejectsWith("invalid-argument", () => Store.memory({ follows }));
    });
  }

  test("is a store of its own in a backup and what is restored from it, with its epoch", async () => {
    const disk = new MemoryDisk();
    {
      await using store = await replicaOf(disk);
      await store.mirrorTarget!.noteEpoch!(5);
      await mirrored(store);
      const mirror = await store.mirrorTarget!.openMirror("orders", 0);
      await mirror.append(storedBatch(0, ["a"]));
      await mirror.skipTo(10, "removed");
      await mirror.append(storedBatch(10, ["b"]));
      await mirror.skipTo(20, "lost");
      assert.ok((await backup(FOLDER, "/backups", { disk })).ok);
    }
    assert.ok((await restore("/backups", "/restored", { disk })).ok);
    await using store = await Store.open("/restored", { disk });
    assert.deepEqual([store.epoch, store.follows], [5, undefined]);
    assert.deepEqual(await shown(readRecords(store, "orders", { onLost: () => {} })), [
      "0:a",
      "10:b",
    ]);
    assert.equal((await store.append("orders", [{ value: "own" }])).start, 20);
  });
});

describe("drop() and setAside()", () => {
  test("drop() removes a topic, and another can be adopted in its place", async () => {
    await using store = await replicaOf(new MemoryDisk());
    const target = await mirrored(store);
    await (await target.openMirror("orders", 0)).append(storedBatch(0, ["a"]));
    await target.drop("orders");
    assert.deepEqual(await store.listTopics(), []);
    await target.adopt(topicOf({}, "a".repeat(32)));
    assert.equal((await store.bounds("orders")).nextOffset, 0);
  });

  test("setAside() keeps what the topic had, as a log that can be read", async () => {
    const disk = new MemoryDisk();
    const notices: string[] = [];
    const onNotice = (notice: string) => void notices.push(notice);
    await using store = await replicaOf(disk, { onNotice });
    const target = await mirrored(store, topicOf({ partitions: 2, segmentBytes: 4096 }));
    const mirror = await target.openMirror("orders", 1);
    for (let offset = 0; offset < 9; offset++) {
      await mirror.append(storedBatch(offset, ["x".repeat(1500)]));
    }
    await store.hints.keep("orders", "view", [Uint8Array.of(1)]);
    const expected = await shown(readRecords(store, "orders", { partition: 1 }));
    const kept = await target.setAside!("orders", "its source has other records");
    assert.deepEqual(kept, [`${FOLDER}/quarantine/orders-0`, `${FOLDER}/quarantine/orders-1`]);
    assert.equal(notices.length, 1);
    assert.match(notices[0]!, /set "orders" aside, since its source has other records: .*orders-1/);
    assert.deepEqual(await store.listTopics(), []);
    disk.crash();
    await using log = await Log.open(kept[1]!, { disk, readOnly: true });
    assert.deepEqual(await shown(log.records()), expected);
    assert.deepEqual(disk.list(kept[0]!)!.filter(({ name }) => name.endsWith(".hint")), []);
  });

  test("setAside() keeps it on a real disk, too, where a promoted store leaves it", async () => {
    await using dir = tempDir();
    let kept: readonly string[];
    {
      await using store = await Store.open(dir.path, { follows: { source: SOURCE } });
      const target = await mirrored(store);
      const mirror = await target.openMirror("orders", 0);
      await mirror.skipTo(7, "removed");
      await mirror.append(storedBatch(7, ["a", "b"]));
      kept = await target.setAside!("orders", "it is a test");
      await target.adopt(topicOf());
    }
    assert.equal(await promote(dir.path), 2);
    await using store = await Store.open(dir.path);
    await store.append("orders", [{ value: "new" }]);
    await using log = await Log.open(kept[0]!, { readOnly: true });
    assert.deepEqual(await shown(log.records()), ["7:a", "8:b"]);
    assert.ok(verify(dir.path).ok);
  });

  test("setAside() takes another name for the same topic again, and both can be read", async () => {
    const disk = new MemoryDisk();
    await using store = await replicaOf(disk);
    for (const value of ["a", "b"]) {
      const target = await mirrored(store);
      await (await target.openMirror("orders", 0)).append(storedBatch(0, [value]));
      const [folder] = await target.setAside!("orders", "it is a test");
      await using log = await Log.open(folder!, { disk, readOnly: true });
      assert.deepEqual(await shown(log.records()), [`0:${value}`]);
    }
    const names = disk.list(`${FOLDER}/quarantine`)!.map(({ name }) => name);
    assert.deepEqual(names.toSorted(), ["orders-0", "orders-0~2"]);
    assert.ok(verify(FOLDER, { disk }).ok);
  });

  test("setAside() copies where the file system has no links", async () => {
    const disk = new MemoryDisk();
    disk.link = () => {
      throw new SeglogError("io", "Cannot link: not supported");
    };
    await using store = await replicaOf(disk);
    const target = await mirrored(store);
    await (await target.openMirror("orders", 0)).append(storedBatch(0, ["a"]));
    const [folder] = await target.setAside!("orders", "it is a test");
    await using log = await Log.open(folder!, { disk, readOnly: true });
    assert.deepEqual(await shown(log.records()), ["0:a"]);
  });

  test("setAside() that finds no room leaves the topic as it was", async () => {
    const disk = new MemoryDisk();
    await using store = await replicaOf(disk);
    const target = await mirrored(store);
    await (await target.openMirror("orders", 0)).append(storedBatch(0, ["a"]));
    const { syncFolder } = disk;
    disk.syncFolder = () => Promise.reject(new Error("no room"));
    await assert.rejects(target.setAside!("orders", "it is a test"));
    disk.syncFolder = syncFolder;
    await (await target.openMirror("orders", 0)).append(storedBatch(1, ["b"]));
    assert.deepEqual(await shown(readRecords(store, "orders")), ["0:a", "1:b"]);
  });
});

describe("promote()", () => {
  test("makes a replica a store of its own, with a higher epoch, durably", async () => {
    const disk = new MemoryDisk();
    {
      await using store = await replicaOf(disk);
      await store.mirrorTarget!.noteEpoch!(4);
      await (await (await mirrored(store)).openMirror("orders", 0)).append(storedBatch(0, ["a"]));
    }
    assert.equal(await promote(FOLDER, { disk }), 5);
    disk.crash();
    await using store = await Store.open(FOLDER, { disk });
    assert.deepEqual([store.follows, store.epoch], [undefined, 5]);
    assert.equal(store.capabilities.canWrite, true);
    assert.equal((await store.append("orders", [{ value: "b" }])).start, 1);
    assert.deepEqual((await collect(await store.listTopics())).map(({ id }) => id), [ID]);
  });

  test("refuses what is no replica, what is not there, and what is open", async () => {
    const disk = new MemoryDisk();
    await rejectsWith("not-found", () => promote(FOLDER, { disk }));
    {
      await using _ = await replicaOf(disk);
      await rejectsWith("locked", () => promote(FOLDER, { disk }));
    }
    assert.equal(await promote(FOLDER, { disk }), 2);
    await rejectsWith("condition-failed", () => promote(FOLDER, { disk }));
    await using store = await Store.open(FOLDER, { disk });
    assert.equal(store.epoch, 2);
  });

  test("its replicas refuse the one that led before", async () => {
    await using old = await Store.memory();
    const disk = new MemoryDisk();
    await (await replicaOf(disk)).close();
    await promote(FOLDER, { disk });
    await using leader = await Store.open(FOLDER, { disk });
    await using replica = await Store.memory({ follows: { source: "new", epoch: leader.epoch } });
    await rejectsWith("condition-failed", () => replica.mirrorTarget!.noteEpoch!(old.epoch));
  });
});
