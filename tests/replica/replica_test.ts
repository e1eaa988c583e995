/** A store that follows: what comes, changes and goes in the source does so in the replica. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Backend,
  connect,
  type Disk,
  Log,
  MemoryDisk,
  mirror,
  Replica,
  SeglogError,
  Store,
} from "../../mod.ts";
import { type RunningServer, serve } from "../../server/listen.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { rejectsWith } from "../support/collect.ts";
import { HeldSource } from "./held_source.ts";
import { assertSame, fill, recordsFrom, smallStore } from "./sources.ts";
import { until } from "../support/until.ts";

const SOURCE = "http://leader:8080";

/** A replica in memory, looking often. */
async function following(
  source: Backend,
  disk: Disk = new MemoryDisk(),
  prepare: (local: Store) => void = () => {},
) {
  const notices: string[] = [];
  const onNotice = (notice: string) => void notices.push(notice);
  const local = await Store.open("/replica", {
    disk,
    follows: { source: SOURCE },
    onNotice,
  });
  prepare(local);
  const replica = new Replica(source, local, { lookMs: 5, onNotice });
  return {
    local,
    replica,
    notices,
    async [Symbol.asyncDispose]() {
      await replica.close();
      await local.close();
    },
  };
}

describe("a replica", () => {
  for (
    const [way, open] of Object.entries({
      "of a store": (store: Store) => Promise.resolve({ backend: store as Backend }),
      "of a server": async (store: Store) => {
        const server = await serve(store, { port: 0 });
        return { backend: await connect(server.url, { asReplica: true }), server };
      },
    })
  ) {
    test(`${way} has what is there, and gets what comes`, async () => {
      await using store = await smallStore();
      await store.ensureTopic("orders", { partitions: 3 });
      await fill(store, "orders", 40);
      const { backend, server } = await open(store) as { backend: Backend; server?: RunningServer };
      {
        await using followed = await following(backend);
        const { local, replica } = followed;
        await replica.caughtUp();
        await assertSame(store, local, "orders");
        for (let i = 0; i < 10; i++) {
          const partition = i % 3;
          const { end } = await store.append("orders", recordsFrom(i, 3), { partition });
          await replica.reached("orders", partition, end);
          await assertSame(store, local, "orders", partition);
        }
        const { end } = await store.append("new", recordsFrom(0, 3));
        await replica.reached("new", 0, end);
        await assertSame(store, local, "new");
        assert.deepEqual(await local.listTopics(), await store.listTopics());
      }
      if (server !== undefined) {
        await backend.close();
        await server.close();
      }
    });
  }

  test("takes over settings, log starts and deletions", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 60);
    await fill(source, "users", 5);
    await using followed = await following(source);
    const { local, replica, notices } = followed;
    await replica.caughtUp();
    await source.configureTopic("orders", { retentionRecords: 1_000_000 });
    await source.truncate("orders", { before: 70 });
    await until(async () => (await local.bounds("orders")).logStartOffset === 70);
    assert.deepEqual(await local.describeTopic("orders").then(({ config }) => config), {
      ...(await source.describeTopic("orders")).config,
    });
    await source.deleteTopic("users");
    await until(async () => (await local.listTopics()).length === 1);
    await until(() => notices.some((notice) => /"users" is gone/.test(notice)));
    const { topic: { id } } = await source.ensureTopic("users");
    const { end } = await source.append("users", recordsFrom(7, 2));
    await replica.reached("users", 0, end);
    assert.equal((await local.describeTopic("users")).id, id);
    await assertSame(source, local, "users");
  });

  test("keeps everything aside when its source has nothing of it any more", async () => {
    await using source = await Store.memory();
    const disk = new MemoryDisk();
    const topics = ["orders", "users"];
    for (const topic of topics) await fill(source, topic, 5);
    {
      await using followed = await following(source, disk);
      await followed.replica.caughtUp();
    }
    await using empty = await Store.memory(); // the folder was lost, and made anew
    await using followed = await following(empty, disk);
    const { local, replica, notices } = followed;
    await replica.caughtUp();
    assert.deepEqual(await local.listTopics(), []);
    for (const topic of topics) {
      const [place] = disk.list("/replica/quarantine")!.filter(({ name }) =>
        name.startsWith(topic)
      );
      await using kept = await Log.open(`/replica/quarantine/${place!.name}`, { disk });
      const { partitions: [before] } = await source.describeTopic(topic);
      assert.equal(kept.recordCount, before!.records);
      assert.ok(notices.some((notice) => notice.startsWith(`set "${topic}" aside`)), topic);
    }
  });

  test("keeps what its source took away from its end aside, and has what the source has", async () => {
    await using source = await smallStore();
    await source.append("orders", recordsFrom(0, 10));
    const disk = new MemoryDisk();
    await using followed = await following(source, disk);
    const { local, replica, notices } = followed;
    await replica.caughtUp();
    await source.truncate("orders", { after: 4 });
    const { end } = await source.append("orders", recordsFrom(20, 3));
    await until(async () =>
      (await local.bounds("orders").catch(() => undefined))?.nextOffset === end
    );
    await replica.caughtUp();
    await assertSame(source, local, "orders");
    const told = notices.find((notice) => /set "orders" aside/.test(notice));
    const folder = /kept in (\S+)/.exec(told ?? "")![1]!;
    assert.ok(disk.list(folder)?.some(({ name }) => name.endsWith(".log")), `${told}`);
  });

  test("sees a truncation that came while nobody followed", async () => {
    await using source = await smallStore();
    await source.append("orders", recordsFrom(0, 10));
    const disk = new MemoryDisk();
    {
      await using followed = await following(source, disk);
      await followed.replica.caughtUp();
      await source.append("orders", recordsFrom(10, 10));
      await followed.replica.caughtUp();
    }
    // Behind what was taken away, the source has gone on past the end of the replica.
    await source.truncate("orders", { after: 15 });
    await source.append("orders", recordsFrom(30, 10));
    await using followed = await following(source, disk);
    await followed.replica.caughtUp();
    await assertSame(source, followed.local, "orders");
  });

  test("passes over what was removed at the end of its source", async () => {
    await using source = await smallStore();
    await source.append("orders", recordsFrom(0, 10));
    await source.truncate("orders", { after: 7 });
    await using followed = await following(source);
    await followed.replica.caughtUp();
    assert.equal((await followed.local.bounds("orders")).nextOffset, 10);
    await assertSame(source, followed.local, "orders");
  });

  test("knows how far its source is compacted, before it has got that far", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 150);
    await source.compact("orders");
    const { compactedTo } = (await source.describeTopic("orders")).partitions[0]!;
    assert.ok(compactedTo > 100, `${compactedTo}`);
    const noted: number[] = [];
    const held = changedBackend(source, {
      async *batches(topic, options) {
        for await (const batch of source.batches(topic, options)) {
          yield batch;
          noted.push((await local.describeTopic(topic)).partitions[0]!.compactedTo);
        }
      },
    });
    await using followed = await following(held);
    const { local } = followed;
    await followed.replica.caughtUp();
    assert.deepEqual([...new Set(noted)], [compactedTo]);
    await assertSame(source, local, "orders");
  });

  test("goes on when its source is back, and tells meanwhile why it does not", async () => {
    await using store = await smallStore();
    await fill(store, "orders", 10);
    let isAway = false;
    const away = () => {
      if (isAway) throw new Error("away");
    };
    const source = changedBackend(store, {
      listTopics: async () => {
        away();
        return await store.listTopics();
      },
    });
    await using followed = await following(source);
    const { replica, local, notices } = followed;
    await replica.caughtUp();
    isAway = true;
    await until(() => !replica.status.isConnected);
    assert.equal(replica.status.lastError, "away");
    assert.ok(notices.includes("cannot look at the source: away"));
    await store.append("new", recordsFrom(0, 4));
    isAway = false;
    await replica.reached("new", 0, 4);
    await assertSame(store, local, "new");
    assert.equal(replica.status.isConnected, true);
  });

  test("tells of each partition how far it is", async () => {
    await using source = await smallStore();
    await source.ensureTopic("orders", { partitions: 2 });
    await source.append("orders", recordsFrom(0, 4), { partition: 1 });
    await using followed = await following(source);
    await followed.replica.caughtUp();
    assert.deepEqual(followed.replica.status, {
      isConnected: true,
      partitions: [
        { topic: "orders", partition: 0, state: "following", offset: 0, lag: 0 },
        { topic: "orders", partition: 1, state: "following", offset: 4, lag: 0 },
      ],
    });
  });

  test("has hundreds of partitions follow at once", async () => {
    await using source = await smallStore();
    await source.ensureTopic("orders", { partitions: 300 });
    for (let partition = 0; partition < 300; partition += 7) {
      await source.append("orders", recordsFrom(partition, 3), { partition });
    }
    await using followed = await following(source);
    await followed.replica.caughtUp();
    for (let partition = 0; partition < 300; partition += 50) {
      const { end } = await source.append("orders", recordsFrom(0, 2), { partition });
      await followed.replica.reached("orders", partition, end);
    }
  });

  test("takes no other records, and is gone on with as it is", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 10);
    const disk = new MemoryDisk();
    {
      await using followed = await following(source, disk);
      await followed.replica.caughtUp();
      await rejectsWith("read-only", () => followed.local.append("orders", [{ value: "own" }]));
    }
    await fill(source, "users", 10);
    await using followed = await following(source, disk);
    await followed.replica.caughtUp();
    await assertSame(source, followed.local, "orders");
    await assertSame(source, followed.local, "users");
    assert.deepEqual(followed.notices, []);
  });
});

describe("what is in the way of one topic", () => {
  test("keeps no other from being looked at", async () => {
    await using store = await Store.memory();
    await store.append("broken", recordsFrom(0, 1));
    await store.append("orders", recordsFrom(0, 3));
    let isBroken = true;
    const source = changedBackend(store, {
      describeTopic: (topic) =>
        isBroken && topic === "broken"
          ? Promise.reject(new SeglogError("corrupt", "its stream is damaged"))
          : store.describeTopic(topic),
    });
    await using followed = await following(source);
    const { local, replica, notices } = followed;
    await replica.reached("orders", 0, 3);
    await assertSame(store, local, "orders");
    await rejectsWith("corrupt", () => replica.caughtUp());
    assert.equal(replica.status.isConnected, true);
    assert.match(replica.status.lastError!, /its stream is damaged/);
    assert.equal(notices.filter((notice) => /its stream is damaged/.test(notice)).length, 1);
    isBroken = false;
    await replica.caughtUp();
    await assertSame(store, local, "broken");
    assert.equal(replica.status.lastError, undefined);
  });

  test("keeps no other from going, though all turns to catch up are taken", async () => {
    await using store = await Store.memory();
    const held = new HeldSource(store);
    held.hold();
    await store.ensureTopic("large", { partitions: 8 });
    for (let partition = 0; partition < 8; partition++) {
      await store.append("large", recordsFrom(0, 1), { partition });
    }
    await store.append("small", recordsFrom(0, 1));
    await using followed = await following(held.backend);
    const { local } = followed;
    const count = async () => (await local.listTopics()).length;
    await until(async () => await count() === 2);
    await store.deleteTopic("small");
    await until(async () => await count() === 1);
    held.release();
    await followed.replica.caughtUp();
  });

  test("is told once while it cannot be set aside, and mended when it can", async () => {
    await using source = await Store.memory();
    await fill(source, "orders", 10);
    await using older = await Store.memory();
    await mirror(source, older);
    await fill(source, "orders", 5);
    const disk = new MemoryDisk();
    {
      await using followed = await following(source, disk);
      await followed.replica.caughtUp();
    }
    let tries = 0;
    const prepare = ({ mirrorTarget }: Store) => {
      const target = mirrorTarget!;
      const setAside = target.setAside.bind(target);
      target.setAside = (topic, reason) => {
        if (++tries > 5) return setAside(topic, reason);
        return Promise.reject(new SeglogError("disk-full", "the disk is full"));
      };
    };
    await using followed = await following(older, disk, prepare);
    const { local, replica, notices } = followed;
    await until(() => tries > 5);
    await replica.caughtUp();
    await assertSame(older, local, "orders");
    assert.deepEqual(notices.map((notice) => /cannot be|set "orders" aside/.exec(notice)?.[0]), [
      "cannot be",
      'set "orders" aside',
    ]);
  });

  test("is told of when it waits, and when it is followed again", async () => {
    await using store = await Store.memory();
    await store.append("orders", recordsFrom(0, 3));
    let isBroken = true;
    const source = changedBackend(store, {
      async *batches(topic, options) {
        if (isBroken) throw new SeglogError("corrupt", "a message is damaged");
        yield* store.batches(topic, options);
      },
    });
    await using followed = await following(source);
    const { replica, notices } = followed;
    await until(() => notices.length > 0);
    isBroken = false;
    await replica.reached("orders", 0, 3);
    await until(() => notices.length === 2);
    assert.deepEqual(notices, [
      'partition 0 of "orders" waits to be tried again: a message is damaged',
      'partition 0 of "orders" is followed again',
    ]);
  });
});

describe("that a replica has everything", () => {
  const isNoted = ({ follows }: Store) => follows?.wasWhole === true;

  test("is noted when it is so, and again after a part was set aside", async () => {
    await using store = await Store.memory();
    await fill(store, "orders", 5);
    const held = new HeldSource(store);
    held.hold();
    let looks = 0;
    const listTopics = () => {
      looks++;
      return store.listTopics();
    };
    await using followed = await following(changedBackend(held.backend, { listTopics }));
    const { local, replica, notices } = followed;
    await until(() => looks > 3);
    assert.equal(isNoted(local), false);
    held.release();
    await replica.caughtUp();
    assert.equal(isNoted(local), true);

    held.hold();
    await store.truncate("orders", { after: 3 });
    await until(() => notices.some((notice) => /^set "orders" aside/.test(notice)));
    assert.equal(isNoted(local), false);
    held.release();
    const looked = looks;
    await until(() => isNoted(local) || looks > looked + 500); // nobody asks for it
    assert.equal(isNoted(local), true);
    await assertSame(store, local, "orders");
  });

  test("is tried to be noted again where that fails, and told once", async () => {
    await using source = await Store.memory();
    await fill(source, "orders", 5);
    let tries = 0;
    const prepare = ({ mirrorTarget }: Store) => {
      const target = mirrorTarget!;
      const noteWhole = target.noteWhole.bind(target);
      target.noteWhole = () => {
        if (++tries > 3) return noteWhole();
        return Promise.reject(new SeglogError("disk-full", "the disk is full"));
      };
    };
    await using followed = await following(source, new MemoryDisk(), prepare);
    const { local, replica, notices } = followed;
    while (!isNoted(local)) await replica.caughtUp();
    assert.ok(tries > 3);
    assert.deepEqual(notices, [
      "cannot note that the copy has everything: the disk is full; trying again",
    ]);
  });
});

describe("a replica that is closed", () => {
  for (const member of ["listTopics", "describeTopic", "bounds"] as const) {
    test(`waits for no answer of ${member}`, async () => {
      await using store = await Store.memory();
      await fill(store, "orders", 5);
      const asked = Promise.withResolvers<void>();
      const source = changedBackend(store, {
        [member]: () => {
          asked.resolve();
          return new Promise<never>(() => {});
        },
      });
      await using followed = await following(source);
      await asked.promise;
      await followed.replica.close();
      assert.deepEqual(followed.notices, []);
    });
  }
});

describe("who waits for a replica to reach an offset", () => {
  test("is told when the topic is deleted, and when it is closed", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 3);
    await fill(source, "users", 3);
    const followed = await following(source);
    const { replica } = followed;
    await replica.caughtUp();
    const gone = rejectsWith("not-found", () => replica.reached("orders", 0, 1000));
    await source.deleteTopic("orders");
    await gone;
    const closed = rejectsWith("closed", () => replica.reached("users", 0, 1000));
    await followed[Symbol.asyncDispose]();
    await closed;
    await rejectsWith("closed", () => replica.reached("users", 0, 0));
  });

  test("stops waiting with the signal", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 3);
    await using followed = await following(source);
    const ending = new AbortController();
    const waiting = followed.replica.reached("orders", 0, 1000, ending.signal);
    ending.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
  });
});

describe("a source that was replaced", () => {
  test("is not followed any more", async () => {
    await using store = await smallStore();
    await fill(store, "orders", 3);
    let epoch = 3;
    const source = new Proxy(store as Backend, {
      get(target, name) {
        if (name === "epoch") return epoch;
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    await using followed = await following(source);
    await followed.replica.caughtUp();
    assert.equal(followed.local.epoch, 3);
    epoch = 2;
    const error = await rejectsWith("condition-failed", () => followed.replica.look());
    assert.match(error.message, /epoch 2 .*: epoch 3 has replaced it/);
  });
});
