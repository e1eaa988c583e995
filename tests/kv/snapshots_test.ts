/** What a snapshot holds, and for how long. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Kv, Store } from "../../mod.ts";
import { collect } from "../support/collect.ts";

async function opened() {
  const store = await Store.memory({ defaults: { sync: "os" } });
  const kv = await Kv.open(store, "users");
  return {
    kv,
    async [Symbol.asyncDispose]() {
      await kv.close();
      await store.close();
    },
  };
}

describe("a snapshot", () => {
  test("that is closed twice takes nothing from another of the same revision", async () => {
    await using bucket = await opened();
    const { kv } = bucket;
    await kv.set("a", "1");
    const [one, other] = [kv.snapshot(), kv.snapshot()];
    one.close();
    one.close();
    await kv.delete("a");
    assert.equal((await other.get("a"))!.text, "1");
    other.close();
  });

  test("that is closed holds no memory for keys that are gone", async () => {
    await using bucket = await opened();
    const { kv } = bucket;
    const keysOf = (round: number) =>
      Array.from({ length: 200 }, (_, i) => `${round}-${i}-${"x".repeat(1000)}`);
    for (let round = 0; round < 40; round++) {
      await Promise.all(keysOf(round).map((key) => kv.set(key, "1")));
      using _snapshot = kv.snapshot();
      await Promise.all(keysOf(round).map((key) => kv.delete(key)));
    }
    const { keys, indexBytes } = await kv.stats();
    assert.equal(keys, 0);
    assert.ok(indexBytes < 2 * 1024 * 1024, `${indexBytes} bytes`); // 8 MB of keys went through
  });

  test("of a list that is not read to its end is closed with it", async () => {
    await using bucket = await opened();
    const { kv } = bucket;
    for (let round = 0; round < 40; round++) {
      const keys = Array.from({ length: 200 }, (_, i) => `${round}-${i}-${"x".repeat(1000)}`);
      await Promise.all(keys.map((key) => kv.set(key, "1")));
      for await (const _ of kv.list()) break;
      for await (const _ of kv.keys()) break;
      await Promise.all(keys.map((key) => kv.delete(key)));
    }
    assert.deepEqual(await collect(kv.keys()), []);
    const { indexBytes } = await kv.stats();
    assert.ok(indexBytes < 2 * 1024 * 1024, `${indexBytes} bytes`);
  });
});
