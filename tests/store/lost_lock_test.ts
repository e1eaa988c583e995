/** An owner whose LOCK file is removed or replaced under it: it stops, and harms no one. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers";
import { Log, readRecords, type SeglogError, Store, type StoreOptions, verify } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const LOCK = "/store/LOCK";
const SEGMENT_AGE_MS = 60_000;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** How a LOCK file can be lost. */
const LOSSES: Readonly<Record<string, (disk: TrickDisk) => void>> = {
  removed: (disk) => disk.removeFile(LOCK),
  replaced: (disk) => {
    const other = disk.create("/store/LOCK.new");
    other.close();
    disk.rename("/store/LOCK.new", LOCK);
  },
};

/** What an owner may try next. */
const ATTEMPTS: Readonly<Record<string, (owner: Store) => Promise<unknown>>> = {
  "append": (owner) => owner.append("t", [{ value: "lost" }]),
  "append without a sync": (owner) => owner.append("t", [{ value: "lost" }], { sync: "os" }),
  "append that rolls": (owner) => owner.append("t", [{ value: "x".repeat(5000) }]),
  "append to a topic that was not opened": (owner) => owner.append("unused", [{ value: "lost" }]),
  "flush": (owner) => owner.flush("t"),
  "truncate({ before })": (owner) => owner.truncate("t", { before: 1 }),
  "truncate({ after })": (owner) => owner.truncate("t", { after: 0 }),
  "ensureTopic": (owner) => owner.ensureTopic("new"),
  "configureTopic": (owner) => owner.configureTopic("t", { segmentBytes: 8192 }),
  "keep a hint": (owner) => owner.hints.keep("t", "view", [Uint8Array.of(1)]),
  "deleteTopic": (owner) => owner.deleteTopic("t"),
  "close": (owner) => owner.close(),
};

async function ownedStore() {
  const disk = new TrickDisk();
  const clock = new FakeClock();
  const notices: string[] = [];
  const options = {
    disk,
    clock: new FakeClock(),
    defaults: { segmentBytes: 4096, segmentAgeMs: SEGMENT_AGE_MS },
    onNotice: (notice: string) => void notices.push(notice),
  };
  const before = await Store.open("/store", options);
  await before.ensureTopic("unused");
  await before.close();
  const owner = await Store.open("/store", { ...options, clock });
  await owner.append("t", [{ value: "a" }, { value: "b" }]);
  return { disk, clock, notices, owner, options };
}

describe("an owner whose LOCK file is lost", () => {
  for (const [how, lose] of Object.entries(LOSSES)) {
    for (const [what, attempt] of Object.entries(ATTEMPTS)) {
      test(`${how}: its ${what} is refused, and the new owner's records are unharmed`, async () => {
        const { disk, owner, options } = await ownedStore();
        lose(disk);
        const other = await otherOwner(options);
        const touched = changesOf(disk);
        const error = await rejectsWith("poisoned", () => attempt(owner));
        assert.match(error.message, /its LOCK file was removed or replaced/);
        const after = what === "close" ? "closed" : "poisoned";
        await rejectsWith(after, () => owner.append("t", [{ value: "lost" }]));
        await owner.close().catch((error: SeglogError) => assert.equal(error.code, "poisoned"));
        assert.deepEqual(touched, []);
        await checkOther(other, options);
      });
    }

    test(`${how}: space that it took ahead is the new owner's, who may have used it`, async () => {
      const { disk, owner, options } = await ownedStore();
      await owner.append("t", [{ value: "x".repeat(1200) }]);
      const segment = "/store/t-0/00000000000000000000.log";
      const { bytes } = (await owner.describeTopic("t")).partitions[0]!;
      assert.ok(disk.sizeOf(segment)! > bytes, "it has taken space");
      lose(disk);
      const other = await Store.open("/store", options);
      await other.append("t", [{ value: "c" }]);
      const touched = changesOf(disk);
      await rejectsWith("poisoned", () => owner.close());
      assert.deepEqual(touched, []);
      await other.append("t", [{ value: "d" }]);
      const texts = (await shown(readRecords(other, "t", { from: 3 }))).join();
      assert.equal(texts, "3:c,4:d");
      await other.close();
      assert.ok(verify("/store", { disk }).ok);
    });

    test(`${how}: maintenance rolls and drops nothing, and says so`, async () => {
      const { disk, clock, notices, owner, options } = await ownedStore();
      lose(disk);
      const other = await otherOwner(options);
      clock.advance(SEGMENT_AGE_MS);
      const touched = changesOf(disk);
      await owner.maintain();
      assert.deepEqual(touched, []);
      assert.match(notices.join(), /maintenance of "t" .* its LOCK file was removed or replaced/);
      await rejectsWith("poisoned", () => owner.append("t", [{ value: "lost" }]));
      await owner.close();
      await checkOther(other, options);
    });

    test(`${how} during a sync: the append that waits for it is not acknowledged`, async () => {
      const { disk, owner } = await ownedStore();
      let letGo = () => {};
      disk.holdSync = () => new Promise((resolve) => letGo = resolve);
      const waiting = rejectsWith("outcome-unknown", () => owner.append("t", [{ value: "c" }]));
      await turn();
      lose(disk);
      letGo();
      await waiting;
      assert.equal((await owner.bounds("t")).nextOffset, 2);
      assert.deepEqual(await shown(readRecords(owner, "t")), ["0:a", "1:b"]);
      await rejectsWith("poisoned", () => owner.append("t", [{ value: "d" }]));
      await owner.close();
    });

    test(`${how} while a manifest is synced: the new owner's manifest stays`, async () => {
      const { disk, owner, options } = await ownedStore();
      let letGo = () => {};
      disk.holdSync = (path) =>
        path.endsWith("partition.json.tmp")
          ? new Promise((resolve) => letGo = resolve)
          : Promise.resolve();
      const truncating = rejectsWith("poisoned", () => owner.truncate("t", { before: 2 }));
      await turn();
      disk.holdSync = () => Promise.resolve();
      lose(disk);
      const other = await Store.open("/store", options);
      await other.append("t", [{ value: "c" }]);
      const touched = changesOf(disk);
      letGo();
      await truncating;
      await owner.close();
      assert.deepEqual(touched, ["sync /store/t-0/partition.json.tmp"]);
      await other.close();
      const again = await Store.open("/store", options);
      assert.deepEqual(await shown(readRecords(again, "t")), ["0:a", "1:b", "2:c"]);
      await again.close();
    });
  }

  test("stays so when its file is put back: another may have written meanwhile", async () => {
    const { disk, owner } = await ownedStore();
    disk.rename(LOCK, "/store/elsewhere");
    await rejectsWith("poisoned", () => owner.append("t", [{ value: "c" }]));
    disk.rename("/store/elsewhere", LOCK);
    await rejectsWith("poisoned", () => owner.append("t", [{ value: "c" }]));
    await rejectsWith("poisoned", () => owner.ensureTopic("new"));
    await owner.close();
  });

  test("does not write what is queued behind the sync during which it was lost", async () => {
    const { disk, owner } = await ownedStore();
    let letGo = () => {};
    disk.holdSync = () => new Promise((resolve) => letGo = resolve);
    const first = rejectsWith("outcome-unknown", () => owner.append("t", [{ value: "c" }]));
    await turn();
    const second = rejectsWith("poisoned", () => owner.append("t", [{ value: "d" }]));
    disk.removeFile(LOCK);
    const touched = changesOf(disk);
    letGo();
    await Promise.all([first, second]);
    await owner.close();
    assert.deepEqual(touched, ["sync /store/t-0/00000000000000000000.log"]);
  });

  test("leaves a temporary file alone that may be another's by now", async () => {
    const { disk, owner } = await ownedStore();
    disk.holdSync = () => {
      disk.removeFile(LOCK);
      return Promise.resolve();
    };
    const touched = changesOf(disk);
    const temporary = "/store/t-0/partition.json.tmp";
    await rejectsWith("poisoned", () => owner.truncate("t", { before: 2 }));
    await owner.close();
    const begun = [`create ${temporary}`, `write ${temporary}`, `removeFile ${LOCK}`];
    assert.deepEqual(touched, [...begun, `sync ${temporary}`]);
  });

  test("does not write to the segment that it rolled to while it was lost", async () => {
    const { disk, owner } = await ownedStore();
    const touched: string[] = [];
    let isRolled = false;
    disk.onOperation = (operation, path) => {
      if (operation === "rename" && path.endsWith("partition.json")) isRolled = true;
      else if (isRolled && operation === "syncFolder") disk.removeFile(LOCK);
      else if (isRolled) touched.push(`${operation} ${path}`);
    };
    await rejectsWith("outcome-unknown", () => owner.append("t", [{ value: "x".repeat(4000) }]));
    await owner.close();
    assert.deepEqual(touched, [`removeFile ${LOCK}`]);
  });

  test("cuts no torn tail when it is lost while that is copied", async () => {
    const { disk, owner } = await ownedStore();
    const path = "/store/unused-0/00000000000000000000.log";
    const file = disk.open(path, "write");
    file.write(new Uint8Array(100), file.size());
    let letGo = () => {};
    disk.holdSync = (path) =>
      path.includes("quarantine") ? new Promise((resolve) => letGo = resolve) : Promise.resolve();
    const opening = rejectsWith("poisoned", () => owner.append("unused", [{ value: "lost" }]));
    await turn();
    disk.removeFile(LOCK);
    const touched = changesOf(disk);
    letGo();
    await opening;
    await rejectsWith("poisoned", () => owner.close());
    assert.equal(touched.some((change) => change.startsWith("truncate")), false);
  });

  test("removes no folder of a topic that it was deleting when it was lost", async () => {
    const { disk, owner } = await ownedStore();
    await owner.append("t", [{ value: "c" }], { sync: "os" });
    let letGo = () => {};
    disk.holdSync = (path) =>
      path.endsWith(".log") ? new Promise((resolve) => letGo = resolve) : Promise.resolve();
    const deleting = rejectsWith("poisoned", () => owner.deleteTopic("t"));
    await turn();
    disk.removeFile(LOCK);
    letGo();
    await deleting;
    await owner.close();
    assert.ok(disk.list("/store/t-0"));
  });
});

test("a store whose folder is removed under it says so, and makes nothing in its place", async () => {
  await using dir = tempDir();
  const folder = join(dir.path, "store");
  const store = await Store.open(folder);
  await store.append("t", [{ value: "a" }]);
  fs.rmSync(folder, { recursive: true });
  const error = await rejectsWith("poisoned", () => store.append("t", [{ value: "b" }]));
  assert.match(error.message, /its LOCK file was removed or replaced/);
  await rejectsWith("poisoned", () => store.ensureTopic("u"));
  await store.close();
  assert.equal(fs.existsSync(folder), false);
});

test("a log by itself notices it, too", async () => {
  await using dir = tempDir();
  const log = await Log.open(dir.path, { sync: "os" });
  await log.append({ value: "a" });
  fs.renameSync(join(dir.path, "LOCK"), join(dir.path, "LOCK.old"));
  await rejectsWith("poisoned", () => log.close());
  const other = await Log.open(dir.path);
  assert.deepEqual(await shown(other.records()), ["0:a"]);
  await other.close();
});

/** Another who finds the folder without a lock, and appends to it, in segments of its own too. */
async function otherOwner(options: StoreOptions): Promise<Store> {
  const other = await Store.open("/store", options);
  await other.append("t", [{ value: "x".repeat(4000) }]);
  await other.append("t", [{ value: "y".repeat(4000) }]);
  await other.append("unused", [{ value: "z" }]);
  return other;
}

/** What is changed on the disk from now on. */
function changesOf(disk: TrickDisk): string[] {
  const changes: string[] = [];
  disk.onOperation = (operation, path) => {
    if (operation !== "open") changes.push(`${operation} ${path}`);
  };
  return changes;
}

/** The new owner has its records, goes on, and so does who comes after it. */
async function checkOther(other: Store, options: StoreOptions): Promise<void> {
  const texts = ["a", "b", "x".repeat(4000), "y".repeat(4000)];
  const expected = texts.map((text, offset) => `${offset}:${text}`);
  assert.deepEqual(await shown(readRecords(other, "t")), expected);
  await other.append("t", [{ value: "after" }]);
  await other.close();
  assert.equal(verify("/store", options).ok, true);
  const next = await Store.open("/store", options);
  assert.deepEqual(await shown(readRecords(next, "t")), [...expected, "4:after"]);
  assert.deepEqual(await shown(readRecords(next, "unused")), ["0:z"]);
  assert.deepEqual((await next.listTopics()).map(({ name }) => name), ["t", "unused"]);
  await next.close();
}
