/** A crash at every step of a backup and of a restore: what is there is whole, or is none. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import {
  backup,
  listSnapshots,
  type MemoryDisk,
  restore,
  SeglogError,
  type Snapshot,
  Store,
  verify,
} from "../../mod.ts";
import { crashesOf } from "../crash/crash_images.ts";
import { diskOf, RecordingDisk } from "../crash/recording_disk.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { contentOf } from "./rich_store.ts";

/** What becomes of what was not synced, and of the process's locks. */
const CRASHES = {
  "a loss of power": (disk: TrickDisk) => disk.crash(),
  "a kill of the process": () => {},
};

interface Prepared<T> {
  readonly disk: T;
  readonly earlier: Snapshot;
  readonly before: Awaited<ReturnType<typeof contentOf>>;
  readonly now: Awaited<ReturnType<typeof contentOf>>;
}

/** A store with several segments, a gap and two topics, and one snapshot of an earlier state. */
async function prepared(): Promise<Prepared<TrickDisk>>;
async function prepared<T extends MemoryDisk>(disk: T): Promise<Prepared<T>>;
async function prepared(disk: MemoryDisk = new TrickDisk()): Promise<Prepared<MemoryDisk>> {
  const store = await Store.open("/data", { disk, defaults: { segmentBytes: 4096 } });
  const value = "x".repeat(1500);
  await store.ensureTopic("t", { partitions: 2 });
  for (let i = 0; i < 6; i++) await store.append("t", [{ value }], { partition: 0 });
  const { snapshot } = await backup("/data", "/b", { disk, clock: new FakeClock(1000) });
  const before = await contentOf("/data", disk);
  for (let i = 0; i < 3; i++) await store.append("t", [{ value }], { partition: 0 });
  await store.truncate("t", { partition: 0, after: 7 });
  await store.append("t", [{ value }], { partition: 1 });
  await store.append("u", [{ value }]);
  await store.close();
  return { disk, earlier: snapshot, before, now: await contentOf("/data", disk) };
}

/** Makes every operation from the `failAt`-th on fail, and counts them. */
function switchOff(disk: TrickDisk, failAt: number): void {
  let operations = 0;
  disk.onOperation = () => {
    if (++operations >= failAt) throw new Error("the machine is off");
  };
}

for (const [what, crash] of Object.entries(CRASHES)) {
  describe(`${what} at every step`, () => {
    test("of a backup leaves earlier snapshots whole, and no half one that counts", async () => {
      let steps = 0;
      for (let failAt = 1, isDone = false; !isDone; failAt++, steps++) {
        const { disk, earlier, before, now } = await prepared();
        switchOff(disk, failAt);
        await backup("/data", "/b", { disk }).then(() => isDone = true, () => {});
        disk.onOperation = () => {};
        crash(disk);
        const where = `after ${failAt} operations`;
        const snapshots = await listSnapshots("/b", { disk });
        assert.equal(snapshots[0]!.name, earlier.name, where);
        assert.deepEqual(await contentOf(earlier.path, disk), before, where);
        assert.deepEqual(verify(earlier.path, { disk }).problems, [], where);
        if (isDone) assert.equal(snapshots.length, 2);
        for (const { path } of snapshots.slice(1)) {
          assert.deepEqual(await contentOf(path, disk), now, where);
          assert.deepEqual(verify(path, { disk }).problems, [], where);
        }
        await expectNoHalfStore(disk, snapshots.map(({ name }) => name));
        assert.deepEqual(await contentOf("/data", disk), now, "the source is as it was");

        const next = await backup("/data", "/b", { disk });
        assert.equal(next.ok, true, where);
        assert.deepEqual(await contentOf(next.snapshot.path, disk), now, where);
        const whole = (await listSnapshots("/b", { disk })).map(({ name }) => name);
        assert.deepEqual(foldersIn(disk), whole, "what was left is cleared away");
      }
      assert.ok(steps > 40, `${steps} steps`);
    });

    test("of a restore leaves the whole store or none, and the snapshot as it was", async () => {
      let steps = 0;
      for (let failAt = 1, isDone = false; !isDone; failAt++, steps++) {
        const { disk, now } = await prepared();
        const { snapshot } = await backup("/data", "/b", { disk });
        switchOff(disk, failAt);
        await restore("/b", "/target", { disk }).then(() => isDone = true, () => {});
        disk.onOperation = () => {};
        crash(disk);
        const where = `after ${failAt} operations`;
        assert.deepEqual(await contentOf(snapshot.path, disk), now, where);
        const state = await stateOf(disk, "/target");
        if (isDone) assert.equal(state, "store");
        if (state === "store") {
          assert.deepEqual(await contentOf("/target", disk), now, where);
          assert.deepEqual(verify("/target", { disk }).problems, [], where);
        }
        if (state === "half" && !isBare(disk, "/target")) {
          await assert.rejects(() => Store.open("/target", { disk }), { code: "corrupt" }, where);
        }
        const again = await restore("/b", "/target", { disk }).then(
          ({ ok }) => ok,
          (error) => (error as SeglogError).code,
        );
        assert.equal(again, state === "empty" ? true : "exists", where);
        disk.removeFolder("/target"); // as the message says
        assert.equal((await restore("/b", "/target", { disk })).ok, true, where);
      }
      assert.ok(steps > 30, `${steps} steps`);
    });
  });
}

test("whatever a loss of power may take of a backup, snapshots are whole or do not count", async () => {
  const { disk, earlier, before, now } = await prepared(new RecordingDisk());
  const from = disk.operations.length;
  await backup("/data", "/b", { disk });
  let images = 0;
  for (const image of crashesOf(disk, { random: new Random(1), most: 10, from })) {
    images++;
    const left = diskOf(image);
    const [first, ...later] = await listSnapshots("/b", { disk: left });
    assert.equal(first!.name, earlier.name, image.description);
    assert.deepEqual(await contentOf(first!.path, left), before, image.description);
    for (const { path } of later) {
      assert.deepEqual(await contentOf(path, left), now, image.description);
      assert.deepEqual(verify(path, { disk: left }).problems, [], image.description);
    }
    const next = await backup("/data", "/b", { disk: left });
    assert.deepEqual(await contentOf(next.snapshot.path, left), now, image.description);
  }
  assert.ok(images > 200, `${images}`);
});

test("whatever a loss of power may take of a restore, the store is whole or is none", async () => {
  const { disk, now } = await prepared(new RecordingDisk());
  await backup("/data", "/b", { disk });
  const from = disk.operations.length;
  await restore("/b", "/target", { disk });
  let images = 0;
  for (const image of crashesOf(disk, { random: new Random(2), most: 10, from })) {
    images++;
    const left = diskOf(image);
    if (await stateOf(left, "/target") === "store") {
      assert.deepEqual(await contentOf("/target", left), now, image.description);
      assert.deepEqual(verify("/target", { disk: left }).problems, [], image.description);
    }
    left.removeFolder("/target");
    assert.equal((await restore("/b", "/target", { disk: left })).ok, true, image.description);
    assert.deepEqual(await contentOf("/target", left), now, image.description);
  }
  assert.ok(images > 200, `${images}`);
});

test("everything is synced before the catalogue makes a snapshot of it", async () => {
  for (const spoil of [() => {}, removeManifest]) {
    const { disk } = await prepared();
    spoil(disk);
    /** Files, and folders whose entries changed, that a loss of power would still undo. */
    const loose = new Set<string>();
    const makeFolder = disk.makeFolder.bind(disk);
    disk.makeFolder = (folder) => {
      if (disk.list(folder) === undefined) loose.add(dirname(folder));
      makeFolder(folder);
    };
    let isChecked = false;
    disk.onOperation = (operation, path) => {
      if (path.endsWith("store.json.tmp") && operation === "create") {
        assert.deepEqual([...loose], []);
        isChecked = true;
      }
      if (operation === "removeFile" && path.endsWith("UNFINISHED")) return; // it says nothing now
      if (["create", "rename", "link", "removeFile"].includes(operation)) loose.add(dirname(path));
      if (operation === "write" || operation === "truncate") loose.add(path);
      if (operation === "sync" || operation === "syncFolder") loose.delete(path);
      if (operation === "rename") loose.delete(`${path}.tmp`);
    };
    const { snapshot } = await backup("/data", "/b", { disk });
    assert.ok(isChecked);
    assert.deepEqual([...loose], [], snapshot.path);
  }
});

function removeManifest(disk: TrickDisk): void {
  disk.removeFile("/data/t-1/partition.json");
}

/** What can be made of a folder: a store that opens, remains of one, or nothing. */
async function stateOf(disk: MemoryDisk, folder: string): Promise<"store" | "half" | "empty"> {
  const entries = (disk.list(folder) ?? []).filter(({ name }) => name !== "LOCK");
  if (entries.length === 0) return "empty";
  if (disk.sizeOf(join(folder, "store.json")) === undefined) return "half";
  await (await Store.open(folder, { disk, readOnly: true })).close();
  return "store";
}

/** Folders of snapshots that do not count: nothing opens them, for reading or for writing. */
async function expectNoHalfStore(disk: TrickDisk, whole: readonly string[]): Promise<void> {
  for (const name of foldersIn(disk)) {
    if (whole.includes(name)) continue;
    const folder = join("/b", name);
    await assert.rejects(() => restore(folder, "/elsewhere", { disk }), { code: "not-found" });
    if (isBare(disk, folder)) continue;
    for (const readOnly of [true, false]) {
      await assert.rejects(() => Store.open(folder, { disk, readOnly }), { code: "corrupt" });
    }
  }
}

/** Whether nothing has been copied into a folder yet: it has empty folders at most. */
function isBare(disk: TrickDisk, folder: string): boolean {
  return (disk.list(folder) ?? []).every(({ name, isFolder }) =>
    name === "LOCK" || (isFolder && disk.list(join(folder, name))!.length === 0)
  );
}

function foldersIn(disk: TrickDisk): string[] {
  return disk.list("/b")!.filter(({ isFolder }) => isFolder).map(({ name }) => name).toSorted();
}
