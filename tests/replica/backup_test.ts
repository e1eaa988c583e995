/** Snapshots of any backend: whole, linked where they can be, and of the history that is there now. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  type Backend,
  backup,
  backupBackend,
  connect,
  holdGroups,
  listSnapshots,
  MemoryDisk,
  promote,
  readRecords,
  restore,
  restoreTo,
  Store,
  verify,
} from "../../mod.ts";
import { isDiverged } from "../../replica/diverged.ts";
import { serve } from "../../server/listen.ts";
import { crashesOf } from "../crash/crash_images.ts";
import { diskOf, RecordingDisk } from "../crash/recording_disk.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import { Random } from "../support/random.ts";
import { assertSame, fill, recordsFrom, smallStore } from "./sources.ts";
import { appendEverywhere, contentOf, fillRichly } from "../store/rich_store.ts";

const BIG = "x".repeat(1500);

/** Appends records of 1,5 KB each, in batches of their own. */
async function appendBig(store: Backend, topic: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await store.append(topic, [{ key: `k${i}`, value: BIG }]);
}

/** Asserts that a snapshot has all topics of a store, and no others. */
async function assertHasAll(source: Backend, path: string, disk: MemoryDisk): Promise<void> {
  assert.ok(verify(path, { disk }).ok);
  await using snapshot = await Store.open(path, { disk, readOnly: true });
  assert.deepEqual(await snapshot.listTopics(), await source.listTopics());
  for (const { name, config } of await source.listTopics()) {
    for (let partition = 0; partition < config.partitions; partition++) {
      await assertSame(source, snapshot, name, partition);
    }
  }
}

describe("backupBackend()", () => {
  test("makes a store of all that a backend has, which can be restored and written to", async () => {
    await using source = await smallStore();
    await fillRichly(source);
    await source.compact("orders");
    const disk = new MemoryDisk();
    const seen: number[] = [];
    const report = await backupBackend(source, "/b", { disk, onProgress: (n) => seen.push(n) });
    assert.deepEqual([report.ok, report.problems, report.linkedBytes], [true, [], 0]);
    assert.equal(seen.at(-1), report.copiedBytes);
    await assertHasAll(source, report.snapshot.path, disk);
    assert.deepEqual(await listSnapshots("/b", { disk }), [report.snapshot]);
    assert.ok((await restore("/b", "/again", { disk })).ok);
    await using again = await Store.open("/again", { disk });
    const { nextOffset } = await source.bounds("orders");
    const { start } = await again.append("orders", [{ value: "own" }], { partition: 0 });
    assert.equal(start, nextOffset);
  });

  test("links what the snapshot before has, and fetches only what came since", async () => {
    await using source = await smallStore();
    await appendBig(source, "orders", 20);
    const disk = new MemoryDisk();
    const first = await backupBackend(source, "/b", { disk });
    await source.append("orders", [{ value: "new" }]);
    await source.truncate("orders", { before: 5 });
    const asked: (number | undefined)[] = [];
    const watched = changedBackend(source, {
      batches(topic, options) {
        if (options?.reverse !== true) asked.push(options?.from);
        return source.batches(topic, options);
      },
    });
    const before = await contentOf(first.snapshot.path, disk);
    const second = await backupBackend(watched, "/b", { disk });
    assert.equal(asked.at(-1), 20);
    assert.ok(second.linkedBytes > second.copiedBytes, JSON.stringify(second));
    await assertHasAll(source, second.snapshot.path, disk);
    assert.deepEqual(await contentOf(first.snapshot.path, disk), before);
    disk.removeFolder(first.snapshot.path);
    await assertHasAll(source, second.snapshot.path, disk);
  });

  test("goes on from a snapshot that backup() made of the same topics, and the other way round", async () => {
    const disk = new MemoryDisk();
    await using source = await Store.open("/data", { disk, defaults: { segmentBytes: 4096 } });
    await appendBig(source, "orders", 20);
    await backup("/data", "/b", { disk });
    const second = await backupBackend(source, "/b", { disk });
    assert.ok(second.linkedBytes > 0);
    await appendBig(source, "orders", 3);
    const third = await backup("/data", "/b", { disk });
    assert.ok(third.linkedBytes > 0);
    assert.deepEqual([second, third].map(({ snapshot }) => snapshot.records), [20, 23]);
    await assertHasAll(source, third.snapshot.path, disk);
  });

  test("fetches anew what has another history than the snapshot before, and drops what is gone", async () => {
    await using source = await smallStore();
    for (const topic of ["cut", "made-anew", "gone", "same"]) await appendBig(source, topic, 10);
    const disk = new MemoryDisk();
    const first = await backupBackend(source, "/b", { disk });
    const before = await contentOf(first.snapshot.path, disk);
    await source.truncate("cut", { after: 3 });
    await appendBig(source, "cut", 2);
    await source.deleteTopic("gone");
    await source.deleteTopic("made-anew");
    await appendBig(source, "made-anew", 12);
    await source.configureTopic("same", { retentionRecords: 99 });
    const second = await backupBackend(source, "/b", { disk });
    await assertHasAll(source, second.snapshot.path, disk);
    assert.deepEqual(await contentOf(first.snapshot.path, disk), before);
  });

  test("begins anew where the snapshot before is damaged", async () => {
    await using source = await smallStore();
    await appendBig(source, "orders", 10);
    const disk = new MemoryDisk();
    const { snapshot } = await backupBackend(source, "/b", { disk });
    const [segment] = disk.list(join(snapshot.path, "orders-0"))!
      .filter(({ name }) => name.endsWith(".log")).map(({ name }) => name).toSorted().slice(-1);
    const file = disk.open(join(snapshot.path, "orders-0", segment!), "write");
    file.write(Uint8Array.of(1, 2, 3), 200);
    file.close();
    const second = await backupBackend(source, "/b", { disk });
    assert.equal(second.linkedBytes, 0);
    await assertHasAll(source, second.snapshot.path, disk);
  });

  test("takes of each partition what it had near the beginning", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 20);
    const { nextOffset } = await source.bounds("orders");
    const growing = changedBackend(source, {
      async *batches(topic, options) {
        await source.append("orders", [{ value: "later" }]);
        yield* source.batches(topic, options);
      },
    });
    const disk = new MemoryDisk();
    const { snapshot } = await backupBackend(growing, "/b", { disk });
    await using store = await Store.open(snapshot.path, { disk, readOnly: true });
    assert.equal((await store.bounds("orders")).nextOffset, nextOffset);
  });

  test("has the last record of each key also when the source compacts meanwhile", async () => {
    await using source = await smallStore();
    const write = async (round: number) => {
      for (const key of ["a", "b", "c"]) {
        await source.append("orders", [{ key, value: `${round} ${BIG}` }]);
      }
    };
    await write(1);
    let isDone = false;
    const compacting = changedBackend(source, {
      async *batches(topic, options) {
        if (!isDone) {
          isDone = true;
          for (let round = 2; round < 9; round++) await write(round);
          await source.compact("orders");
        }
        yield* source.batches(topic, options);
      },
    });
    const disk = new MemoryDisk();
    const { snapshot } = await backupBackend(compacting, "/b", { disk });
    await using store = await Store.open(snapshot.path, { disk, readOnly: true });
    const keys = (await collect(readRecords(store, "orders"))).map(({ keyText }) => keyText);
    assert.deepEqual([...new Set(keys)].toSorted(), ["a", "b", "c"]);
    const { partitions: [theirs] } = await source.describeTopic("orders");
    const { partitions: [mine] } = await store.describeTopic("orders");
    assert.equal(mine!.compactedTo, theirs!.compactedTo);
  });

  test("leaves a topic out that is deleted meanwhile", async () => {
    await using source = await smallStore();
    await fill(source, "gone", 5);
    await fill(source, "stays", 5);
    const deleting = changedBackend(source, {
      async *batches(topic, options) {
        if (topic === "gone") await source.deleteTopic("gone").catch(() => {});
        yield* source.batches(topic, options);
      },
    });
    const disk = new MemoryDisk();
    const { snapshot } = await backupBackend(deleting, "/b", { disk });
    await assertHasAll(source, snapshot.path, disk);
    assert.equal(snapshot.topics, 1);
  });

  test("of a server has what that keeps for itself", async () => {
    await using store = await smallStore();
    await fill(store, "orders", 10);
    {
      await using held = holdGroups(store);
      await held.groups.seek("billing", { topic: "orders", to: "7" });
    }
    const server = await serve(store, { port: 0 });
    await using source = await connect(server.url, { asReplica: true });
    const disk = new MemoryDisk();
    const { snapshot } = await backupBackend(source, "/b", { disk });
    await assertHasAll(store, snapshot.path, disk);
    await server.close();
  });

  test("that fails leaves nothing behind, and the ones before it as they were", async () => {
    await using source = await smallStore();
    await appendBig(source, "orders", 6);
    const disk = new MemoryDisk();
    const { snapshot } = await backupBackend(source, "/b", { disk });
    const failing = changedBackend(source, {
      // deno-lint-ignore require-yield -- it comes to none
      async *batches() {
        await Promise.resolve();
        throw new Error("the network is gone");
      },
    });
    await source.append("orders", [{ value: "more" }]);
    await assert.rejects(() => backupBackend(failing, "/b", { disk }), /the network is gone/);
    const folders = disk.list("/b")!.filter(({ isFolder }) => isFolder);
    assert.deepEqual(folders.map(({ name }) => name), [snapshot.name]);
  });
});

test("whatever a loss of power may take of a backup of a backend, snapshots are whole or do not count", async () => {
  await using source = await smallStore();
  await appendBig(source, "orders", 5);
  await appendBig(source, "cut", 4);
  await source.truncate("cut", { before: 2 });
  const disk = new RecordingDisk();
  const first = await backupBackend(source, "/b", { disk });
  const before = await contentOf(first.snapshot.path, disk);
  await appendEverywhere(source, "more");
  const from = disk.operations.length;
  const second = await backupBackend(source, "/b", { disk });
  const now = await contentOf(second.snapshot.path, disk);
  let images = 0;
  for (const image of crashesOf(disk, { random: new Random(1), most: 3, from })) {
    images++;
    const left = diskOf(image);
    const [one, ...later] = await listSnapshots("/b", { disk: left });
    assert.deepEqual(await contentOf(one!.path, left), before, image.description);
    for (const { path } of later) {
      assert.deepEqual(await contentOf(path, left), now, image.description);
      assert.deepEqual(verify(path, { disk: left }).problems, [], image.description);
    }
    if (images % 20 !== 0) continue;
    const next = await backupBackend(source, "/b", { disk: left });
    assert.deepEqual(await contentOf(next.snapshot.path, left), now, image.description);
    const folders = left.list("/b")!.filter(({ isFolder }) => isFolder);
    assert.equal(folders.length, (await listSnapshots("/b", { disk: left })).length);
  }
  assert.ok(images > 200, `${images}`);
});

describe("a snapshot of a replica", () => {
  test("is a store that can be written to, with the leadership that it had", async () => {
    const disk = new MemoryDisk();
    await (await Store.open("/replica", { disk, follows: { source: "http://one", epoch: 1 } }))
      .close();
    await promote("/replica", { disk });
    await using leader = await Store.open("/replica", { disk });
    await fill(leader, "orders", 5);
    const follows = { source: "http://two", epoch: leader.epoch };
    const follower = await Store.open("/follower", { disk, follows });
    await follower.mirrorTarget!.adopt((await leader.listTopics())[0]!);
    await follower.close();
    await backup("/follower", "/b", { disk });
    await restore("/b", "/restored", { disk });
    await using restored = await Store.open("/restored", { disk });
    assert.deepEqual([restored.follows, restored.epoch], [undefined, 2]);
    await restored.append("orders", [{ value: "own" }]);
    const { snapshot } = await backupBackend(leader, "/c", { disk });
    await using copy = await Store.open(snapshot.path, { disk, readOnly: true });
    assert.deepEqual([copy.follows, copy.epoch], [undefined, 2]);
  });
});

describe("restoreTo()", () => {
  test("fills an empty backend, goes on with what is there, and compares everything", async () => {
    await using source = await smallStore();
    await fillRichly(source);
    const disk = new MemoryDisk();
    await backupBackend(source, "/b", { disk });
    await using target = await smallStore();
    let calls = 0;
    const { mirrorTarget } = target;
    const breaking = changedBackend(target, {
      mirrorTarget: {
        adopt: (topic) => mirrorTarget!.adopt(topic),
        drop: (topic) => mirrorTarget!.drop(topic),
        openMirror(topic, partition) {
          if (++calls === 3) throw new Error("cut short");
          return mirrorTarget!.openMirror(topic, partition);
        },
      },
    });
    await assert.rejects(() => restoreTo("/b", breaking, { disk }), /cut short/);
    const report = await restoreTo("/b", target, { disk });
    assert.deepEqual(report.verification.differences, []);
    assert.ok(report.ok && report.copiedRecords < report.verification.records);
    assert.deepEqual(await target.listTopics(), await source.listTopics());
    assert.equal((await restoreTo("/b", target, { disk })).copiedRecords, 0);
  });

  test("refuses a target that has other topics, other records, or takes nothing in", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 5);
    const disk = new MemoryDisk();
    await backupBackend(source, "/b", { disk });
    await using target = await smallStore();
    await fill(target, "orders", 1);
    await fill(target, "users", 1);
    const other = await rejectsWith("exists", () => restoreTo("/b", target, { disk }));
    assert.match(
      other.message,
      /topic "orders" and 1 more of another origin are there.*another prefix/,
    );
    await using used = await smallStore();
    await restoreTo("/b", used, { disk });
    await used.append("orders", recordsFrom(0, 1));
    const error = await rejectsWith("condition-failed", () => restoreTo("/b", used, { disk }));
    assert.ok(isDiverged(error));
    const server = await serve(used, { port: 0 });
    await using remote = await connect(server.url);
    await rejectsWith("unsupported", () => restoreTo("/b", remote, { disk }));
    await server.close();
    await rejectsWith("not-found", () => restoreTo("/none", target, { disk }));
    await rejectsWith("not-found", () => restoreTo("/b", target, { disk, snapshot: "x" }));
  });
});
