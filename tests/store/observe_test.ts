/** What a store tells its observers. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  MemoryDisk,
  type Observer,
  readRecords,
  SeglogError,
  Store,
  type WrittenBatches,
} from "../../mod.ts";
import { collect } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TrickDisk } from "../support/trick_disk.ts";

/** Notes all that it is told. */
class Notes implements Observer {
  readonly writes: WrittenBatches[] = [];
  readonly syncs: { readonly ms: number; readonly error: unknown }[] = [];
  readonly tails: number[] = [];
  damages = 0;

  written(what: WrittenBatches): void {
    this.writes.push(what);
  }

  synced(ms: number, error: unknown): void {
    this.syncs.push({ ms, error });
  }

  tornTail(bytes: number): void {
    this.tails.push(bytes);
  }

  damaged(): void {
    this.damages++;
  }
}

const FILE = "00000000000000000000.log";

test("an observer is told what is written and how long each sync took, until it ends that", async () => {
  await using store = await Store.memory();
  const notes = new Notes();
  const end = store.observe(notes);
  await store.append("orders", [{ value: "a" }, { value: "b" }]);
  await Promise.all([
    store.append("orders", [{ value: "c" }]),
    store.append("other", [{ value: "" }]),
  ]);
  const sum = (pick: (what: WrittenBatches) => number) =>
    notes.writes.reduce((total, what) => total + pick(what), 0);
  assert.equal(sum(({ records }) => records), 4);
  assert.equal(sum(({ batches }) => batches), 3);
  assert.equal(sum(({ bytes }) => bytes), sum(({ uncompressedBytes }) => uncompressedBytes));
  assert.equal(notes.syncs.length, 3);
  assert.ok(notes.syncs.every(({ ms, error }) => ms >= 0 && error === undefined));
  end();
  await store.append("orders", [{ value: "d" }]);
  assert.equal(sum(({ records }) => records), 4);
});

test("what compression saves is told", async () => {
  await using store = await Store.memory();
  await store.ensureTopic("orders", { compression: "zstd" });
  const notes = new Notes();
  store.observe(notes);
  await store.append("orders", [{ value: "x".repeat(10_000) }]);
  const [{ bytes, uncompressedBytes }] = notes.writes as [WrittenBatches];
  assert.ok(bytes < 1000 && uncompressedBytes > 10_000, `${bytes} of ${uncompressedBytes}`);
});

test("several observers are told alike", async () => {
  await using store = await Store.memory();
  const [one, other] = [new Notes(), new Notes()];
  store.observe(one);
  store.observe(other);
  await store.append("orders", [{ value: "a" }]);
  assert.deepEqual(one.writes, other.writes);
  assert.equal(other.writes.length, 1);
});

test("a sync that fails is told with its error, and fails the append as ever", async () => {
  const disk = new TrickDisk();
  await using store = await Store.open("/data", { disk });
  await store.append("orders", [{ value: "a" }]);
  const notes = new Notes();
  store.observe(notes);
  disk.onOperation = (operation, path) => {
    if (operation === "sync" && path.endsWith(FILE)) throw new SeglogError("io", "EIO");
  };
  await assert.rejects(store.append("orders", [{ value: "b" }]), { code: "outcome-unknown" });
  assert.deepEqual(notes.syncs.map(({ error }) => (error as SeglogError).message), ["EIO"]);
});

test("a torn tail is told by its bytes", async () => {
  await using dir = tempDir();
  {
    await using store = await Store.open(dir.path);
    await store.append("orders", [{ value: "a" }]);
  }
  fs.appendFileSync(join(dir.path, "orders-0", FILE), "torn");
  const levels: string[] = [];
  await using store = await Store.open(dir.path, { onNotice: (_, level) => levels.push(level) });
  const notes = new Notes();
  store.observe(notes);
  await collect(readRecords(store, "orders"));
  assert.deepEqual(notes.tails, [4]);
  assert.deepEqual(levels, ["warn"]);
});

test("a log that damage keeps from being opened is told", async () => {
  const disk = new MemoryDisk();
  const crashed = await Store.open("/data", { disk });
  for (const value of ["first", "second"]) await crashed.append("orders", [{ value }]);
  disk.crash();
  const file = disk.open(`/data/orders-0/${FILE}`, "write");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("first");
  file.write(Uint8Array.of(0x46), at);
  await file.sync();
  file.close();
  await using store = await Store.open("/data", { disk });
  const notes = new Notes();
  store.observe(notes);
  await assert.rejects(store.append("orders", [{ value: "third" }]), { code: "corrupt" });
  assert.equal(notes.damages, 1);
});
