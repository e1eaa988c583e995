/** A bucket that is opened while its topic changes, or after it was repaired. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lookUp } from "../../core/kv/look_up.ts";
import { type Backend, Kv, MemoryDisk, repair, Store } from "../../mod.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A backend that does something before its n-th batch is handed out. */
function interrupted(store: Store, nth: number, act: () => Promise<unknown>): Backend {
  let count = 0;
  return new Proxy<Backend>(store, {
    get(target, name) {
      if (name === "hold") return undefined; // as of a backend that cannot be asked
      if (name !== "batches") {
        const member = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      }
      return async function* (...args: Parameters<Backend["batches"]>) {
        for await (const batch of target.batches(...args)) {
          if (++count === nth) await act();
          yield batch;
        }
      };
    },
  });
}

test("a deleted key does not come back when a bucket is compacted while it is opened", async () => {
  const clock = new FakeClock();
  await using store = await Store.memory({ clock, defaults: { tombstoneMs: 0 } });
  await store.ensureTopic("users", { segmentBytes: 4096 });
  const records = [
    { key: "a", value: "secret" },
    ...Array.from({ length: 60 }, (_, i) => ({ key: `k${i}`, value: "x".repeat(200) })),
    { key: "a", value: null },
  ];
  for (const record of records) await store.append("users", [record]);
  clock.advance(1);
  await using kv = await Kv.open(interrupted(store, 20, () => store.compact("users")), "users");
  assert.equal(await kv.has("a"), false);
  assert.equal((await collect(kv.list())).length, 60);
});

test("a key that is set again and compacted while it is looked up has a value", async () => {
  await using store = await Store.memory();
  await store.append("users", [{ key: "a", value: "1" }]);
  await store.append("users", [{ key: "b", value: "1" }]);
  const backend = new Proxy<Backend>(store, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name !== "batches") return typeof member === "function" ? member.bind(target) : member;
      return async function* (...args: Parameters<Backend["batches"]>) {
        if (await once()) {
          await store.append("users", [{ key: "a", value: "2" }]);
          await store.compact("users");
        }
        yield* target.batches(...args);
      };
    },
  });
  let isFirst = true;
  const once = () => Promise.resolve(isFirst && !(isFirst = false));
  assert.equal((await lookUp(backend, "users", { key: "a" }))!.text, "2");
});

test("a bucket is opened after a repair has given records up", async () => {
  const disk = new MemoryDisk();
  {
    await using store = await Store.open("/data", { disk });
    await using kv = await Kv.open(store, "users");
    for (const key of ["a", "b", "c"]) await kv.set(key, key.repeat(300));
  }
  const path = "/data/users-0/00000000000000000000.log";
  disk.open(path, "write").write(Uint8Array.of(255, 255), 64 + 400 + 100);
  await repair("/data/users-0", { disk, acceptLoss: { start: 0, end: 3 } });
  await using store = await Store.open("/data", { disk });
  await using kv = await Kv.open(store, "users");
  const keys = await collect(kv.keys());
  assert.ok(keys.length === 2, keys.join());
  assert.equal((await lookUp(store, "users", { key: "a" }))?.key, "a");
  assert.equal(await kv.set("b", "again"), kv.revision);
});

test("a bucket that is compacted whenever it is read is no bucket that can be believed", async () => {
  await using store = await Store.memory();
  await store.append("users", [{ key: "a", value: "1" }]);
  let compactedTo = 0;
  const describeTopic: Backend["describeTopic"] = async (topic) => {
    const details = await store.describeTopic(topic);
    const [partition] = details.partitions;
    return { ...details, partitions: [{ ...partition!, compactedTo: compactedTo++ }] };
  };
  const busy = changedBackend(store, { describeTopic });
  await rejectsWith("overloaded", () => Kv.open(busy, "users"));
  await rejectsWith("overloaded", () => lookUp(busy, "users", { key: "a" }));
});

test("a key is looked up though the log is truncated meanwhile", async () => {
  await using store = await Store.memory();
  for (const key of ["a", "b", "c"]) await store.append("users", [{ key, value: key }]);
  let before = 0;
  const batches: Backend["batches"] = async function* (topic, options) {
    before++;
    if (before < 3) await store.truncate(topic, { before });
    yield* store.batches(topic, options);
  };
  const shrinking = changedBackend(store, { batches });
  assert.equal((await lookUp(shrinking, "users", { key: "c" }))!.text, "c");
  before = 0;
  assert.equal(await lookUp(shrinking, "users", { key: "a" }), undefined);
});
