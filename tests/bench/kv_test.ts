import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY_BYTES, keyOf, makeKeys } from "../../bench/kv/keys.ts";
import { seglogKv } from "../../bench/kv/seglog.ts";
import { sqliteKv } from "../../bench/kv/sqlite.ts";
import type { KvStore, KvSystem } from "../../bench/kv/kv_store.ts";
import { makeValues } from "../../bench/values.ts";
import { workloadNamed } from "../../bench/workloads/all.ts";
import { KV_STEPS } from "../../bench/workloads/kv_steps.ts";
import { entriesOf, fillKv, usingAtRandom } from "../../bench/workloads/kv_stores.ts";
import { tempDir } from "../support/temp_dir.ts";

test("keys are distinct text of one length, in no order, and the same each time", () => {
  const keys = makeKeys(10_000);
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) assert.match(key, /^key-[0-9a-f]{16}$/);
  assert.equal(keys[0]!.length, KEY_BYTES);
  const rising = keys.filter((key, i) => i > 0 && key > keys[i - 1]!).length / keys.length;
  assert.ok(rising > 0.4 && rising < 0.6, `${rising} of the keys are behind the one before`);
  assert.equal(keyOf(9_999), keys[9_999]);
});

const ADAPTERS: readonly [string, KvSystem][] = [["seglog", seglogKv], ["SQLite", sqliteKv]];

for (const [name, system] of ADAPTERS) {
  test(`${name}: keys that were set are got and listed in order, also after it was closed`, async () => {
    await using folder = tempDir();
    const store = await system.open(folder.path);
    await fillKv(store, { keys: 3000, batch: 1000 });
    await store.runEach(entriesOf(makeValues(), { from: 3000, until: 3500 }));
    await checkKeys(store, makeKeys(3500));
    await store.settle?.();
    await store.close();
    const again = await system.open(folder.path);
    await again.setAll(entriesOf(makeValues(), { from: 3400, until: 3600 })); // some are there
    await checkKeys(again, makeKeys(3600));
    await again.close();
  });

  test(`${name}: a key that is missing is no get that was fast`, async () => {
    await using folder = tempDir();
    const store = await system.open(folder.path);
    const getMissing = async () => await store.runEach([{ key: keyOf(1), value: undefined }]);
    await assert.rejects(getMissing, /has no value/);
    await store.close();
  });
}

/** Looks whether these keys are there and no others. */
async function checkKeys(store: KvStore, keys: readonly string[]): Promise<void> {
  await store.runEach(keys.map((key) => ({ key, value: undefined })));
  const sorted = keys.toSorted();
  assert.equal(await store.list("", keys.length + 1), keys.length);
  assert.equal(await store.list(sorted[keys.length - 10]!, 100), 10);
  assert.equal(await store.list(sorted[5]!, 100), 100);
}

test("of a hundred operations at random as many set a key as was asked for", async () => {
  const seen = { set: 0, got: 0 };
  const store: KvStore = {
    runEach(operations) {
      for (const { value } of operations) seen[value === undefined ? "got" : "set"]++;
    },
    setAll() {},
    list: () => 0,
    close() {},
  };
  const use = usingAtRandom(store, makeKeys(100), 20);
  for (let i = 0; i < 100; i++) await use();
  const share = seen.set / (seen.set + seen.got);
  assert.ok(share > 0.19 && share < 0.21, `${share}`);
  seen.set = 0;
  await usingAtRandom(store, makeKeys(100))();
  assert.equal(seen.set, 0);
});

const SMALL_RUNS = [
  ["K1", { keys: 5000, batch: 1 }, ["setsPerSecond"]],
  ["K1", { keys: 5000, batch: 1000 }, ["setsPerSecond"]],
  ["K2", { keys: 1000, batch: 1 }, ["getsPerSecond", "takenMiB"]],
  ["K3", { keys: 1000 }, ["operationsPerSecond"]],
  ["K4", { keys: 2000 }, ["keysPerSecond", "firstMs"]],
] as const;

for (const [name, params, keys] of SMALL_RUNS) {
  test(`a small run of ${name} with ${JSON.stringify(params)} gives its figures`, async () => {
    await using folder = tempDir();
    const job = { system: "seglog", params: { ...params, seconds: 0.01 }, folder: folder.path };
    const figures = await workloadNamed(name).run(job);
    assert.deepEqual(Object.keys(figures), keys);
    assert.ok(figures[keys[0]]! > 0, JSON.stringify(figures));
  });
}

test("K5 opens what was written, and finds what is missing", async () => {
  await using folder = tempDir();
  const store = await seglogKv.open(folder.path);
  await fillKv(store, { keys: 2000, batch: 1000 });
  await store.close();
  const open = KV_STEPS["kv-open"]!;
  const job = { system: "seglog", folder: folder.path };
  const { openMs } = await open({ ...job, params: { keys: 2000 } });
  assert.ok(openMs! > 0);
  await assert.rejects(open({ ...job, params: { keys: 2001 } }), /has no value/);
});

test("K5 kills a process behind its last write, and opens twice what it left", async () => {
  await using folder = tempDir();
  const job = { system: "seglog", params: { keys: 3000 }, folder: folder.path };
  const figures = await workloadNamed("K5").run(job);
  assert.deepEqual(Object.keys(figures), ["afterKillMs", "afterCloseMs", "residentMiB"]);
  assert.ok(figures.afterKillMs! > 0 && figures.afterCloseMs! > 0, JSON.stringify(figures));
});
