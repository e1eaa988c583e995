/** Writes that wait together: one batch, and each as if it had come alone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers";
import { type Backend, Kv, type SeglogError, Store } from "../../mod.ts";
import { changedBackend } from "../support/changed_backend.ts";
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
    await using store = await Store.memory();
    const going = Promise.withResolvers<void>();
    const appendBatch: Backend["appendBatch"] = async (...args) => {
      await going.promise;
      return await store.appendBatch(...args);
    };
    const kv = await Kv.open(changedBackend(store, { appendBatch }), "users");
    let revision: number | undefined;
    void kv.set("a", "1").then((written) => revision = written);
    setTimeout(going.resolve, 5);
    await kv.close();
    assert.equal(revision, 0);
    await rejectsWith("closed", () => kv.set("a", "2"));
  });
});

/** A backend that lets those who follow a topic see nothing before `news` resolves. */
function slowToFollow(backend: Backend, news: Promise<void> = new Promise(() => {})): Backend {
  const batches: Backend["batches"] = async function* (topic, options = {}) {
    if (options.follow) await Promise.race([news, aborted(options.signal!)]);
    yield* backend.batches(topic, options);
  };
  return changedBackend(backend, { batches });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

describe("a bucket to which the topic's news come late", () => {
  test("has what it wrote as soon as that is acknowledged", async () => {
    await using store = await Store.memory();
    await using kv = await Kv.open(slowToFollow(store), "users");
    await kv.set("a", "1");
    assert.equal((await kv.get("a"))!.text, "1");
    await kv.delete("a");
    assert.equal(await kv.get("a"), undefined);
  });

  test("takes in what others wrote before what it wrote behind that", async () => {
    await using store = await Store.memory();
    const news = Promise.withResolvers<void>();
    await using kv = await Kv.open(slowToFollow(store, news.promise), "users");
    await store.append("users", [{ key: "a", value: "1" }, { key: "b", value: "1" }]);
    const write = kv.set("b", "2");
    setTimeout(news.resolve, 5);
    assert.equal(await write, 2);
    assert.deepEqual((await collect(kv.list())).map(({ text }) => text), ["1", "2"]);
  });

  test("refuses no write for what it has not seen", async () => {
    await using store = await Store.memory();
    await using kv = await Kv.open(slowToFollow(store), "users");
    await using other = await Kv.open(store, "users");
    const revision = await other.set("a", "1");
    assert.equal(await kv.set("a", "2", { ifRevision: revision }), revision + 1);
    const again = await other.set("b", "1");
    assert.equal(await kv.delete("b"), again + 1);
  });

  test("accepts no write that what it has not seen forbids", async () => {
    await using store = await Store.memory();
    await using kv = await Kv.open(slowToFollow(store), "users");
    await using other = await Kv.open(store, "users");
    await other.set("a", "1");
    await rejectsWith("condition-failed", () => kv.set("a", "2", { ifAbsent: true }));
    await rejectsWith("conflict", () =>
      kv.transaction(async (tx) => {
        await tx.get("a");
        await other.set("a", "3");
        tx.set("b", "4");
      }));
    assert.equal((await store.bounds("users")).nextOffset, 2);
  });
});

describe("a bucket whose topic others append to all the time", () => {
  /** Appends again and again until `writes` are done. @returns how often */
  async function besideAppends(backend: Backend, writes: Promise<unknown>): Promise<number> {
    let isDone = false;
    void writes.catch(() => {}).finally(() => isDone = true);
    let appends = 0;
    while (!isDone && appends < 100_000) {
      await backend.append("users", [{ key: "other", value: `${appends++}` }]);
    }
    return appends;
  }

  test("is written to all the same, with conditions and without", async () => {
    await using store = await Store.memory();
    await using kv = await Kv.open(store, "users");
    const writes = Promise.all([
      kv.set("a", "1", { ifAbsent: true }),
      kv.set("b", "1"),
      kv.transaction(async (tx) => {
        await tx.get("c");
        tx.set("c", "1");
      }),
    ]);
    assert.ok(await besideAppends(store, writes) < 1000);
    await writes;
  });

  test("is written to by two who are in each other's way", async () => {
    await using store = await Store.memory();
    await using one = await Kv.open(store, "users");
    await using other = await Kv.open(store, "users");
    const count = async (kv: Kv) => {
      for (let i = 0; i < 50; i++) {
        await kv.transaction(async (tx) => {
          tx.set("n", String(Number((await tx.get("n"))?.text ?? 0) + 1));
        }, { retries: Infinity });
      }
    };
    await Promise.all([count(one), count(other)]);
    await one.catchUp();
    assert.equal((await one.get("n"))!.text, "100");
  });

  test("gives up what is overtaken again and again where its end cannot be reserved, and only that", async () => {
    await using store = await Store.memory();
    let tries = 0;
    const appendBatch: Backend["appendBatch"] = async (topic, batch, options) => {
      if (options?.expectedOffset === undefined) {
        return await store.appendBatch(topic, batch, options);
      }
      tries++;
      await store.append(topic, [{ key: "other", value: "x" }]);
      return await store.appendBatch(topic, batch, options);
    };
    const backend = changedBackend(store, { appendBatch, reserve: undefined });
    await using kv = await Kv.open(backend, "users");
    const conditional = kv.set("a", "1", { ifAbsent: true });
    const plain = kv.set("b", "1");
    const error = await rejectsWith("conflict", () => conditional);
    assert.match(error.message, /^Cannot commit to "users": others appended .* try again$/);
    assert.ok(tries > 10 && tries < 1000, `${tries} tries`);
    await plain;
    assert.equal(await kv.get("a"), undefined);
    assert.equal((await kv.get("b"))!.text, "1");
  });

  test("tells a write that is in the log, whatever becomes of the view", async () => {
    await using store = await Store.memory();
    const appendBatch: Backend["appendBatch"] = async (topic, batch, options) => {
      await store.append(topic, [{ key: "other", value: "x" }]); // so that the view has to be waited for
      const result = await store.appendBatch(topic, batch, options);
      await store.deleteTopic(topic);
      return result;
    };
    await using kv = await Kv.open(changedBackend(store, { appendBatch }), "users");
    assert.equal(await kv.set("a", "1"), 1);
    await rejectsWith("closed", () => kv.get("a"));
  });
});

test("many transactions of one turn that read ranges are as fast as those that read keys", async () => {
  await using store = await Store.memory();
  await using kv = await Kv.open(store, "users");
  const count = 20_000; // looking at each with each would take a quarter of a minute
  await Promise.all(Array.from({ length: count }, (_, i) =>
    kv.transaction(async (tx) => {
      assert.deepEqual(await collect(tx.list({ prefix: `${i}/` })), []);
      tx.set(`${i}/a`, "x");
    })));
  assert.equal((await kv.stats()).keys, count);
});

test("what waits is bounded, and what is turned away was not written", async () => {
  await using store = await Store.memory();
  await using kv = await Kv.open(store, "users", { sync: "os" });
  const value = new Uint8Array(8 * 1024 * 1024);
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => kv.set(`k${i}`, value)),
  );
  const refused = results.filter(({ status }) => status === "rejected");
  assert.ok(refused.length > 0 && refused.length < 10, `${refused.length} of 20 were refused`);
  for (const result of refused) {
    assert.equal(((result as PromiseRejectedResult).reason as SeglogError).code, "overloaded");
  }
  assert.equal((await kv.stats()).keys, 20 - refused.length);
  assert.equal(await kv.set("later", "1"), kv.revision);
});
