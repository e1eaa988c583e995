import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commitDirectly } from "../../core/kv/direct_commit.ts";
import { keyBytes } from "../../core/kv/kv_key.ts";
import { deletionOf, settingOf } from "../../core/kv/kv_write.ts";
import { lookUp } from "../../core/kv/look_up.ts";
import { type Backend, Kv, Store } from "../../mod.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { rejectsWith } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const SEGMENT_BYTES = 16_384;

/** A bucket of many segments with different keys, closed. */
async function coldStore(): Promise<TrickDisk> {
  const disk = new TrickDisk();
  await using store = await Store.open("/data", {
    disk,
    defaults: { segmentBytes: SEGMENT_BYTES },
  });
  await using kv = await Kv.open(store, "users");
  for (let i = 0; i < 1000; i++) await kv.set(`u${i}`, `${i}`.padEnd(200));
  return disk;
}

/** The segments that are read while `act` runs: past their headers, which the fewest bytes tell. */
async function segmentsRead(disk: TrickDisk, act: () => Promise<void>): Promise<number> {
  const reads = new Map<string, number>();
  disk.onQuestion = (operation, path) => {
    if (operation !== "read" || !path.endsWith(".log")) return;
    reads.set(path, (reads.get(path) ?? 0) + 1);
  };
  await act();
  disk.onQuestion = () => {};
  return [...reads.values()].filter((count) => count > 1).length; // one is the header
}

describe("a key of a store that nobody has open", () => {
  test("is looked up in its own segment, and in the one that has no filter yet", async () => {
    const disk = await coldStore();
    await using store = await Store.open("/data", { disk, readOnly: true });
    const { segments } = (await store.describeTopic("users")).partitions[0]!;
    assert.ok(segments > 15, `${segments} segments`);
    for (const i of [3, 400, 999]) {
      const count = await segmentsRead(disk, async () => {
        assert.equal((await lookUp(store, "users", { key: `u${i}` }))!.text.trimEnd(), `${i}`);
      });
      assert.ok(count <= 3, `${count} of ${segments} segments were read for u${i}`);
    }
    const count = await segmentsRead(disk, async () => {
      assert.equal(await lookUp(store, "users", { key: "none" }), undefined);
    });
    assert.ok(count <= 2, `${count} of ${segments} segments were read for nothing`);
  });

  test("is told in the same words as by an open bucket", async () => {
    const disk = await coldStore();
    await using store = await Store.open("/data", { disk, readOnly: true });
    await rejectsWith("not-found", () => lookUp(store, "none", { key: "a" }));
    await rejectsWith("invalid-argument", () => lookUp(store, "users", { key: "" }));
    await rejectsWith(
      "offset-out-of-range",
      () => lookUp(store, "users", { key: "a", revision: 1000 }),
    );
    assert.equal((await lookUp(store, "users", { key: "u5", revision: 5 }))!.revision, 5);
    assert.equal(await lookUp(store, "users", { key: "u5", revision: 4 }), undefined);
  });
});

describe("a commit by way of the log alone", () => {
  const set = (key: string, value: string) => [settingOf(key, value)];

  test("holds its checks, whoever else writes", async () => {
    await using store = await Store.memory();
    const count = async (): Promise<void> => {
      for (let done = 0; done < 20;) {
        const now = await readNow(store);
        const checks = [{ key: keyBytes("n"), expected: now?.revision ?? -1 }];
        try {
          await commitDirectly(store, "b", {
            checks,
            writes: set("n", String(Number(now?.text ?? 0) + 1)),
          });
          done++;
        } catch (error) {
          await rejectsWith("condition-failed", () => Promise.reject(error));
        }
      }
    };
    await Promise.all([count(), count(), count()]);
    assert.equal((await readNow(store))!.text, "60");
  });

  test("goes in although others write other keys meanwhile", async () => {
    await using store = await Store.memory();
    let others = 3;
    const append: Backend["append"] = async (...args) => {
      if (others-- > 0) await store.append("b", [{ key: "other", value: "x" }]);
      return await store.append(...args);
    };
    const busy = changedBackend(store, { append });
    const checks = [{ key: keyBytes("a"), expected: -1 }];
    assert.equal(await commitDirectly(busy, "b", { checks, writes: set("a", "1") }), 3);
  });

  test("without checks is one append, and makes the bucket", async () => {
    await using store = await Store.memory();
    const writes = [...set("a", "1"), ...set("b", "2")];
    assert.equal(await commitDirectly(store, "new", { checks: [], writes }), 1);
    assert.equal((await store.describeTopic("new")).config.compaction, "keys");
    await using kv = await Kv.open(store, "new");
    assert.equal((await kv.get("b"))!.text, "2");
  });

  test("deletes what has a value, and nothing else", async () => {
    await using store = await Store.memory();
    const deletions = ["a", "none"].map(deletionOf);
    assert.equal(await commitDirectly(store, "b", { checks: [], writes: deletions }), -1);
    assert.deepEqual(await store.listTopics(), []);
    await commitDirectly(store, "b", { checks: [], writes: set("a", "1") });
    const writes = [...set("c", "3"), ...deletions];
    assert.equal(await commitDirectly(store, "b", { checks: [], writes }), 2);
    assert.equal(await lookUp(store, "b", { key: "a" }), undefined);
    assert.equal(await commitDirectly(store, "b", { checks: [], writes: deletions }), 2);
    assert.equal((await store.bounds("b")).nextOffset, 3);
    await commitDirectly(store, "b", { checks: [], writes: set("a", "2") });
    const checks = [{ key: keyBytes("a"), expected: 3 }];
    assert.equal(await commitDirectly(store, "b", { checks, writes: [deletionOf("a")] }), 4);
  });

  test("makes no bucket when its checks do not hold", async () => {
    await using store = await Store.memory();
    const checks = [{ key: keyBytes("a"), expected: 3 }];
    const commit = () => commitDirectly(store, "b", { checks, writes: set("a", "1") });
    await rejectsWith("condition-failed", commit);
    assert.deepEqual(await store.listTopics(), []);
    const absent = [{ key: keyBytes("a"), expected: -1 }];
    assert.equal(await commitDirectly(store, "b", { checks: absent, writes: set("a", "1") }), 0);
  });

  test("is refused with what was found", async () => {
    await using store = await Store.memory();
    await commitDirectly(store, "b", { checks: [], writes: set("a", "1") });
    const checks = [{ key: keyBytes("a"), expected: -1 }];
    const error = await rejectsWith(
      "condition-failed",
      () => commitDirectly(store, "b", { checks, writes: set("a", "2") }),
    );
    assert.deepEqual([error.details.expected, error.details.actual], [-1, 0]);
    await store.ensureTopic("wide", { partitions: 2 });
    await rejectsWith(
      "invalid-argument",
      () => commitDirectly(store, "wide", { checks: [], writes: set("a", "2") }),
    );
  });
});

async function readNow(backend: Backend) {
  const topics = await backend.listTopics();
  return topics.length === 0 ? undefined : await lookUp(backend, "b", { key: "n" });
}
