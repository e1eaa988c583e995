/** Writes that wait together: one batch, and each as if it had come alone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Kv, Store } from "../../mod.ts";
import { collect, rejectsWith } from "../support/collect.ts";

const MIB = 1024 * 1024;

async function opened() {
  const store = await Store.memory();
  const kv = await Kv.open(store, "users");
  return {
    store,
    kv,
    /** How many records each batch has. */
    batches: async () =>
      (await collect(store.batches("users"))).map(({ header }) => header.recordCount),
    async [Symbol.asyncDispose]() {
      await kv.close();
      await store.close();
    },
  };
}

describe("writes of one turn", () => {
  test("go in as one batch, conditional ones too", async () => {
    await using bucket = await opened();
    const { kv } = bucket;
    const writes = Array.from(
      { length: 100 },
      (_, i) => i % 2 ? kv.set(`k${i}`, "x") : kv.set(`k${i}`, "x", { ifAbsent: true }),
    );
    assert.deepEqual(await Promise.all(writes), writes.map((_, i) => i));
    assert.deepEqual(await bucket.batches(), [100]);
  });

  test("that do not fit into the batch of those before get one of their own", async () => {
    await using bucket = await opened();
    const { kv } = bucket;
    const large = new Uint8Array(15.8 * MIB);
    const small = kv.transaction((tx) => tx.set("a", new Uint8Array(0.9 * MIB)));
    const both = kv.transaction((tx) => ["b", "c"].forEach((key) => tx.set(key, large)));
    assert.deepEqual([(await small).revision, (await both).revision], [0, 2]);
    assert.deepEqual(await bucket.batches(), [1, 2]);
    await rejectsWith(
      "too-large",
      () => kv.transaction((tx) => ["b", "c", "d"].forEach((key) => tx.set(key, large))),
    );
  });

  test("see what those before them do to their key", async () => {
    await using bucket = await opened();
    const { kv } = bucket;
    const [set, first, second, again, refused] = await Promise.allSettled([
      kv.set("a", "1"),
      kv.delete("a"),
      kv.delete("a"),
      kv.set("a", "2", { ifAbsent: true }),
      kv.set("a", "3", { ifAbsent: true }),
    ]);
    const values = [set, first, second, again].map((one) =>
      one.status === "fulfilled" ? one.value : one.reason
    );
    assert.deepEqual(values, [0, 1, undefined, 2]);
    assert.equal(refused.status, "rejected");
    assert.equal((await kv.get("a"))!.text, "2");
  });

  test("of two transactions that write one key without reading it one is a conflict", async () => {
    for (const isolation of ["snapshot", "serializable"] as const) {
      await using bucket = await opened();
      const { kv } = bucket;
      const write = (value: string) => kv.transaction((tx) => tx.set("a", value), { isolation });
      const results = await Promise.allSettled([write("1"), write("2")]);
      assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected"]);
      assert.equal((await kv.get("a"))!.text, "1");
    }
  });

  test("of two transactions that each write into the range that the other read one is a conflict", async () => {
    await using bucket = await opened();
    const { kv } = bucket;
    const write = (own: string, prefix: string) =>
      kv.transaction(async (tx) => {
        assert.deepEqual(await collect(tx.list({ prefix })), []);
        tx.set(own, "x");
      });
    const results = await Promise.allSettled([write("a1", "b"), write("b1", "a")]);
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  });

  test("are finished when the bucket is closed", async () => {
    const store = await Store.memory();
    const kv = await Kv.open(store, "users");
    const write = kv.set("a", "1");
    await kv.close();
    assert.equal(await write, 0);
    await rejectsWith("closed", () => kv.set("a", "2"));
    await store.close();
  });
});
