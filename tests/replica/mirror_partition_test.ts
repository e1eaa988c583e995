/** The copy engine: what comes out at the other side, whatever the source went through. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Backend, connect, MemoryDisk, readRecords, repair, Store } from "../../mod.ts";
import type { MirrorPartition } from "../../core/mirror_contract.ts";
import { isDiverged } from "../../replica/diverged.ts";
import { mirrorPartition } from "../../replica/mirror_partition.ts";
import { checkSameHistory } from "../../replica/same_history.ts";
import { serve } from "../../server/listen.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import { FakeTarget } from "./fake_target.ts";
import { assertSame, fill, recordsFrom, smallStore } from "./sources.ts";

const TOPIC = "orders";

/** A source as it is, and by way of a server. */
const WAYS: Record<string, (store: Store) => Promise<{ source: Backend } & AsyncDisposable>> = {
  "a store": (source) =>
    Promise.resolve({ source, [Symbol.asyncDispose]: () => Promise.resolve() }),
  "a server": async (store) => {
    const server = await serve(store, { port: 0 });
    const source = await connect(server.url);
    return {
      source,
      [Symbol.asyncDispose]: async () => {
        await source.close();
        await server.close();
      },
    };
  },
};

/** What sources go through, each to be copied at several times of it. */
const LIVES: Record<string, (store: Store) => Promise<void>> = {
  "is appended to": (store) => fill(store, TOPIC, 60),
  "has nothing": (store) => store.ensureTopic(TOPIC).then(() => {}),
  "begins in the middle of a batch": async (store) => {
    await store.append(TOPIC, recordsFrom(0, 10));
    await store.append(TOPIC, recordsFrom(10, 10));
    await store.truncate(TOPIC, { before: 15 });
  },
  "has lost everything but its offsets": async (store) => {
    await fill(store, TOPIC, 5);
    await store.truncate(TOPIC, { before: (await store.bounds(TOPIC)).nextOffset });
  },
  "is compacted": async (store) => {
    await fill(store, TOPIC, 150);
    await store.compact(TOPIC);
    await store.append(TOPIC, recordsFrom(1000, 3));
  },
  "was cut at its end, and goes on": async (store) => {
    await store.append(TOPIC, recordsFrom(0, 10));
    await store.truncate(TOPIC, { after: 4 });
    await store.append(TOPIC, recordsFrom(10, 3));
    await store.truncate(TOPIC, { after: 11 });
  },
};

for (const [way, open] of Object.entries(WAYS)) {
  describe(`a copy of ${way}`, () => {
    for (const [life, live] of Object.entries(LIVES)) {
      test(`that ${life} has the same records at the same offsets`, async () => {
        await using store = await smallStore();
        await live(store);
        await using opened = await open(store);
        const { source } = opened;
        const target = new FakeTarget();
        await target.adopt(await store.describeTopic(TOPIC));
        await copyTo(source, target);
        await assertSame(store, target.backend, TOPIC);
        await checkSameHistory(pairOf(source, target));
        await copyTo(source, target); // there is nothing left to do
        await assertSame(store, target.backend, TOPIC);
      });

      test(`that ${life} is gone on with wherever it was cut short`, async () => {
        await using store = await smallStore();
        await live(store);
        await using opened = await open(store);
        const { source } = opened;
        const target = new FakeTarget();
        await target.adopt(await store.describeTopic(TOPIC));
        for (let round = 0;; round++) {
          target.callsLeft = 1 + round % 4;
          await checkSameHistory(pairOf(source, target));
          try {
            await copyTo(source, target);
            break;
          } catch (error) {
            assert.match(String(error), /no more calls/);
          }
        }
        await assertSame(store, target.backend, TOPIC);
      });
    }

    test("keeps what a repair gave up as lost", async () => {
      const disk = new MemoryDisk();
      {
        await using store = await Store.open("/s", { disk });
        for (let i = 0; i < 7; i++) await store.append(TOPIC, [{ value: `${i}`, timestamp: i }]);
      }
      const folder = join("/s", `${TOPIC}-0`);
      const file = disk.open(join(folder, "00000000000000000000.log"), "write");
      const bytes = (file.size() - 64) / 7;
      for (const offset of [2, 3]) file.write(Uint8Array.of(0), 64 + offset * bytes);
      file.close();
      await repair(folder, { acceptLoss: { start: 2, end: 4 }, disk });
      await using store = await Store.open("/s", { disk });
      await using opened = await open(store);
      const target = new FakeTarget();
      await target.adopt(await store.describeTopic(TOPIC));
      await copyTo(opened.source, target);
      await assertSame(store, target.backend, TOPIC);
    });

    test("reaches into a batch that compaction made of several since", async () => {
      await using store = await smallStore();
      await fill(store, TOPIC, 40);
      await using opened = await open(store);
      const { source } = opened;
      const target = new FakeTarget();
      await target.adopt(await store.describeTopic(TOPIC));
      target.callsLeft = 17;
      await assert.rejects(copyTo(source, target), /no more calls/);
      target.callsLeft = Infinity;
      await fill(store, TOPIC, 40);
      await store.compact(TOPIC);
      const [first] = await collect(store.batches(TOPIC, { until: 1 }));
      const { nextOffset } = await target.backend.bounds(TOPIC);
      assert.ok(first!.nextOffset > nextOffset, "the batch reaches over the end of the copy");
      await checkSameHistory(pairOf(source, target));
      await copyTo(source, target);
      const records = await collect(target.backend.batches(TOPIC, { from: nextOffset }));
      const theirs = await collect(store.batches(TOPIC, { from: nextOffset }));
      assert.deepEqual(
        records.flatMap((batch) => [...batch.records()]).map(({ offset, text }) => [offset, text]),
        theirs.flatMap((batch) => [...batch.records()])
          .filter(({ offset }) => offset >= nextOffset)
          .map(({ offset, text }) => [offset, text]),
      );
    });

    test("follows what comes", async () => {
      await using store = await smallStore();
      await fill(store, TOPIC, 5);
      await using opened = await open(store);
      const { source } = opened;
      const target = new FakeTarget();
      await target.adopt(await store.describeTopic(TOPIC));
      const ending = new AbortController();
      let wanted = Promise.withResolvers<void>();
      let { nextOffset: until } = await store.bounds(TOPIC);
      const following = mirrorPartition({
        ...await copyOf(source, target),
        follow: true,
        signal: ending.signal,
        onTaken: ({ nextOffset }) => nextOffset >= until && wanted.resolve(),
      });
      await wanted.promise;
      await assertSame(store, target.backend, TOPIC);
      for (let round = 0; round < 3; round++) {
        wanted = Promise.withResolvers<void>();
        until = (await store.append(TOPIC, recordsFrom(round, 4))).end;
        await wanted.promise;
        await assertSame(store, target.backend, TOPIC);
      }
      ending.abort();
      assert.equal(await following, until);
    });
  });
}

describe("a copy that has another history", () => {
  test("is told from one that is behind: it is longer than its source", async () => {
    const { source, target } = await copied(10);
    await using _ = source;
    await using other = await smallStore();
    await other.append(TOPIC, recordsFrom(0, 4));
    const error = await rejectsWith(
      "condition-failed",
      () => checkSameHistory(pairOf(other, target)),
    );
    assert.ok(isDiverged(error));
    assert.match(error.message, /the copy ends at offset 10, and its source at 4/);
    assert.ok(isDiverged(await rejectsWith("condition-failed", () => copyTo(other, target))));
  });

  test("has another record at the same offset", async () => {
    const { source, target } = await copied(4);
    await using _ = source;
    await using other = await smallStore();
    await other.append(TOPIC, [...recordsFrom(0, 3), { value: "late", timestamp: 1 }]);
    await other.append(TOPIC, recordsFrom(4, 9));
    const error = await rejectsWith(
      "condition-failed",
      () => checkSameHistory(pairOf(other, target)),
    );
    assert.ok(isDiverged(error));
    assert.match(error.message, /another record at offset 3/);
  });

  test("has records that the source took away from its end", async () => {
    const { source, target } = await copied(10);
    await using store = source;
    await store.truncate(TOPIC, { after: 6 });
    await store.append(TOPIC, recordsFrom(20, 5));
    const error = await rejectsWith(
      "condition-failed",
      () => checkSameHistory(pairOf(store, target)),
    );
    assert.match(error.message, /taken away the record at offset 9/);
  });

  test("is not seen in what compaction took on either side", async () => {
    await using source = await smallStore();
    for (let i = 0; i < 30; i++) {
      await source.append(TOPIC, [{ key: "same", value: `${i}`, timestamp: i }]);
    }
    const target = new FakeTarget();
    await target.adopt(await source.describeTopic(TOPIC));
    await copyTo(source, target);
    for (let i = 30; i < 60; i++) {
      await source.append(TOPIC, [{ key: "same", value: `${i}`, timestamp: i }]);
    }
    await source.compact(TOPIC);
    await checkSameHistory(pairOf(source, target));
    await copyTo(source, target);
    assert.equal((await target.backend.bounds(TOPIC)).nextOffset, 60);
  });
});

async function copied(records: number): Promise<{ source: Store; target: FakeTarget }> {
  const source = await smallStore();
  await source.append(TOPIC, recordsFrom(0, records));
  const target = new FakeTarget();
  await target.adopt(await source.describeTopic(TOPIC));
  await copyTo(source, target);
  return { source, target };
}

async function copyOf(source: Backend, target: FakeTarget) {
  return { source, topic: TOPIC, partition: 0, target: await target.openMirror(TOPIC, 0) };
}

async function copyTo(source: Backend, target: FakeTarget): Promise<number> {
  return await mirrorPartition(await copyOf(source, target));
}

function pairOf(source: Backend, target: FakeTarget) {
  return { source, copy: target.backend, topic: TOPIC, partition: 0 };
}

test("who reads a copy while a truncation overtakes it is told so, and sees no gap", async () => {
  await using source = await smallStore();
  await using copy = await smallStore();
  const { topic } = await source.ensureTopic(TOPIC);
  await copy.mirrorTarget!.adopt(topic);
  const target = await copy.mirrorTarget!.openMirror(TOPIC, 0);
  await source.append(TOPIC, recordsFrom(0, 3));
  await mirrorPartition({ source, target, topic: TOPIC, partition: 0 });
  await source.append(TOPIC, recordsFrom(3, 10));
  await source.truncate(TOPIC, { before: 8 });

  const end = new AbortController();
  const following = collect(
    readRecords(copy, TOPIC, { from: 3, follow: true, signal: end.signal }),
  );
  following.catch(() => {}); // it is awaited below
  const seen: unknown[] = [];
  const look = async () => {
    const record = await copy.read(TOPIC, 4).catch((error) => error.code);
    seen.push(typeof record === "string" ? record : record.offset);
  };
  const watched: MirrorPartition = {
    bounds: () => target.bounds(),
    append: (batch) => target.append(batch),
    skipTo: (offset, reason) => target.skipTo(offset, reason).then(look),
    truncateBefore: (offset) => target.truncateBefore(offset).then(look),
    flush: () => target.flush(),
  };
  await mirrorPartition({ source, target: watched, topic: TOPIC, partition: 0 });
  assert.deepEqual(new Set(seen), new Set(["offset-out-of-range"]));
  await rejectsWith("offset-out-of-range", () => following);
  await assertSame(source, copy, TOPIC);
});
