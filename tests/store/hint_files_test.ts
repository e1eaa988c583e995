/** Hints of views: whole or not there, of the owner of the store, and gone with their topic. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers";
import { isHintFile } from "../../core/store/hint_files.ts";
import { Store } from "../../mod.ts";
import { crashesOf } from "../crash/crash_images.ts";
import { RecordingDisk } from "../crash/recording_disk.ts";
import { rejectsWith } from "../support/collect.ts";
import { Random } from "../support/random.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const FOLDER = "/store";
const HINT = "/store/t-0/view.hint";
const piecesOf = (
  byte: number,
) => [new Uint8Array(1000).fill(byte), new Uint8Array(600).fill(byte)];

async function ownedStore(disk: TrickDisk | RecordingDisk): Promise<Store> {
  const store = await Store.open(FOLDER, { disk });
  await store.ensureTopic("t");
  return store;
}

function hintIn(store: Store): number[] | undefined {
  const hint = store.hints.open("t", "view");
  if (hint === undefined) return undefined;
  const bytes = new Uint8Array(hint.size());
  hint.read(bytes, 0);
  hint.close();
  return [...bytes];
}

describe("a hint", () => {
  test("is what was kept last, until its topic is deleted", async () => {
    const disk = new TrickDisk();
    await using store = await ownedStore(disk);
    assert.equal(hintIn(store), undefined);
    for (const byte of [1, 2]) {
      await store.hints.keep("t", "view", piecesOf(byte));
      assert.deepEqual(hintIn(store), new Array(1600).fill(byte));
    }
    await store.deleteTopic("t");
    assert.equal(disk.sizeOf(HINT), undefined);
    await store.ensureTopic("t");
    assert.equal(hintIn(store), undefined);
    await rejectsWith("not-found", () => store.hints.keep("none", "view", piecesOf(1)));
  });

  test("is whole after a loss of power at any moment, or is not there", async () => {
    const disk = new RecordingDisk();
    const store = await ownedStore(disk);
    const from = disk.operations.length;
    for (const byte of [1, 2]) await store.hints.keep("t", "view", piecesOf(byte));
    await store.close();
    const found = new Set<number | undefined>();
    for (
      const { files, description } of crashesOf(disk, { random: new Random(1), most: 40, from })
    ) {
      const bytes = files.get(HINT);
      found.add(bytes?.[0]);
      if (bytes === undefined) continue;
      assert.equal(bytes.length, 1600, description);
      assert.ok(bytes.every((byte) => byte === bytes[0]) && bytes[0]! > 0, description);
    }
    assert.deepEqual([...found].toSorted(), [1, 2, undefined]);
  });

  test("is read beside the owner, where nothing is kept", async () => {
    const disk = new TrickDisk();
    await using owner = await ownedStore(disk);
    await owner.hints.keep("t", "view", piecesOf(1));
    await using beside = await Store.open(FOLDER, { disk, readOnly: true });
    await beside.hints.keep("t", "view", piecesOf(2));
    assert.deepEqual(hintIn(beside), new Array(1600).fill(1));
  });

  test("of a new owner is not replaced by one that the old one was writing", async () => {
    const disk = new TrickDisk();
    const owner = await ownedStore(disk);
    const held = Promise.withResolvers<void>();
    disk.holdSync = (path) => path.endsWith(".hint.tmp") ? held.promise : Promise.resolve();
    const keeping = rejectsWith("poisoned", () => owner.hints.keep("t", "view", piecesOf(1)));
    await new Promise((resolve) => setImmediate(resolve));
    disk.removeFile("/store/LOCK");
    disk.holdSync = () => Promise.resolve();
    await using other = await Store.open(FOLDER, { disk });
    await other.hints.keep("t", "view", piecesOf(2));
    held.resolve();
    await keeping;
    assert.deepEqual(hintIn(other), new Array(1600).fill(2));
    await owner.close().catch(() => {});
  });
});

test("a view that writes its own file has a place beside its topic, where there are files", async () => {
  await using dir = tempDir();
  await using store = await Store.open(dir.path);
  await store.append("a/b", [{ value: "x" }]);
  assert.equal(store.hints.pathOf?.("a/b", "query"), join(dir.path, "a%2Fb-0", "query.hint"));
  assert.throws(() => store.hints.pathOf?.("none", "query"), { code: "not-found" });
  for (const name of ["query.hint", "query.hint-wal", "query.hint-shm", "query.hint-journal"]) {
    assert.ok(isHintFile(name), name);
  }
  for (const name of ["query.hint-x", "query.hint.tmp", "query", "query.hint-wal-shm"]) {
    assert.ok(!isHintFile(name), name);
  }
  await using memory = await Store.memory();
  await memory.append("t", [{ value: "x" }]);
  assert.equal(memory.hints.pathOf?.("t", "query"), undefined);
});
