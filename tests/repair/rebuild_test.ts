/** Manifests and catalogues that cannot be believed, and are made anew from what is there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Log, MemoryDisk, repair, SeglogError, Store, verify } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { checkReads } from "./checks.ts";
import {
  bytesOf,
  COUNT,
  cut,
  filesIn,
  fillLog,
  flip,
  flipPayload,
  FOLDER,
  overwrite,
  SEGMENT_BYTES,
  segmentOf,
  settle,
  valueAt,
} from "./damaged_log.ts";

const MANIFEST = join(FOLDER, "partition.json");

const SPOILT: readonly (readonly [string, (disk: TrickDisk) => void])[] = [
  ["missing", (disk) => disk.removeFile(MANIFEST)],
  ["empty", (disk) => cut(disk, MANIFEST, 0)],
  ["cut", (disk) => cut(disk, MANIFEST, 100)],
  ["altered", (disk) => flip(disk, MANIFEST, 60)],
];

describe("repair() of a manifest", () => {
  for (const [what, spoil] of SPOILT) {
    for (const isClosed of [true, false]) {
      const state = isClosed ? "closed well" : "killed";
      test(`one that is ${what}, of a log that was ${state}, is made anew, and no record is lost`, async () => {
        const disk = new TrickDisk();
        await fillLog(disk, { isClosed });
        const before = bytesOf(disk, MANIFEST);
        spoil(disk);
        const spoilt = filesIn(disk, FOLDER);
        const error = await rejectsWith("corrupt", () => Log.open(FOLDER, { disk }));
        assert.ok(error.message.includes(`\`seglog repair ${FOLDER}\``), error.message);
        assert.deepEqual(filesIn(disk, FOLDER), spoilt);
        const report = await repair(FOLDER, { disk });
        assert.deepEqual([report.isDamaged, report.lost, report.records], [true, [], COUNT]);
        assert.match(report.notes[0]!, /truncations removed may be back/);
        if (what === "missing") assert.deepEqual(report.quarantined, []);
        else {
          assert.deepEqual(report.quarantined, [join(FOLDER, "quarantine", "partition.json")]);
          assert.deepEqual(bytesOf(disk, report.quarantined[0]!), spoilt.get(MANIFEST));
        }
        assert.equal(idAndEpoch(bytesOf(disk, MANIFEST)).logId, idAndEpoch(before).logId);
        assert.equal((await repair(FOLDER, { disk })).isDamaged, false);
        await checkReads(disk, { lost: [], next: COUNT });
        assert.ok(verify(FOLDER, { disk }).ok);
      });
    }
  }

  test("offsets between segments are lost with it, and have to be accepted", async () => {
    const disk = new TrickDisk();
    await fillLog(disk);
    disk.removeFile(MANIFEST);
    disk.removeFile(segmentOf(4));
    flipPayload(disk, 14);
    const error = await rejectsWith("corrupt", () => repair(FOLDER, { disk }));
    assert.match(error.message, /Offsets 4 to 7, 14 cannot be read/);
    const lost = [{ start: 4, end: 8 }, { start: 14, end: 15 }];
    const report = await repair(FOLDER, { disk, acceptLoss: { start: 4, end: 15 } });
    assert.deepEqual([report.lost, report.records], [lost, 15]);
    await checkReads(disk, { lost, next: COUNT });
  });

  test("its epoch is above every one that was seen, and producers are known from the batches", async () => {
    const disk = new TrickDisk();
    const options = { disk, segmentBytes: SEGMENT_BYTES };
    const producer = (sequence: number) => ({ producer: { id: "p", epoch: 1, sequence } });
    for (let i = 0; i < 10; i++) {
      await using log = await Log.open(FOLDER, options);
      await log.append({ value: valueAt(i) }, producer(i));
    }
    const { epoch } = idAndEpoch(bytesOf(disk, MANIFEST));
    disk.removeFile(MANIFEST);
    await repair(FOLDER, { disk });
    await using log = await Log.open(FOLDER, options);
    assert.ok(idAndEpoch(bytesOf(disk, MANIFEST)).epoch > epoch);
    assert.equal(await log.append({ value: valueAt(8) }, producer(8)), 8);
    assert.equal(await log.append({ value: valueAt(10) }, producer(10)), 10);
  });

  test("a crash at any step leaves it to be made anew again, or made", async () => {
    for (let failAt = 1, isOver = false; !isOver; failAt++) {
      const disk = new TrickDisk();
      await fillLog(disk);
      flip(disk, MANIFEST, 60);
      flip(disk, segmentOf(4), 13);
      await settle(disk);
      let operations = 0;
      disk.onOperation = () => {
        if (++operations >= failAt) throw new SeglogError("io", "the machine is off");
      };
      isOver = await repair(FOLDER, { disk }).then(() => true, () => false);
      disk.onOperation = () => {};
      disk.crash();
      await repair(FOLDER, { disk });
      await checkReads(disk, { lost: [], next: COUNT });
    }
  });

  test("segments of different logs are not put together, and none at all make no log", async () => {
    const disk = new TrickDisk();
    await fillLog(disk);
    const other = await Log.open("/data/other", { disk });
    await other.close();
    disk.removeFile(MANIFEST);
    disk.rename("/data/other/00000000000000000000.log", segmentOf(0));
    const before = filesIn(disk, FOLDER);
    const error = await rejectsWith("corrupt", () => repair(FOLDER, { disk }));
    assert.match(error.message, /belong to different logs/);
    assert.deepEqual(filesIn(disk, FOLDER), before);
    flip(disk, "/data/other/partition.json", 60);
    await rejectsWith("not-found", () => repair("/data/other", { disk }));
  });
});

describe("repair() of a catalogue", () => {
  async function filledStore(disk: MemoryDisk): Promise<void> {
    await using store = await Store.open("/store", { disk });
    await store.ensureTopic("users", { partitions: 2, retentionRecords: 5 });
    await store.append("users", [{ value: "u" }], { partition: 1 });
    await store.append("Orders/ä", [{ value: "o" }]);
  }

  test("one that is damaged or missing is made anew from the folders, and says what is lost", async () => {
    for (const isMissing of [true, false]) {
      const disk = new TrickDisk();
      await filledStore(disk);
      const path = "/store/store.json";
      if (isMissing) disk.removeFile(path);
      else flip(disk, path, 70);
      const error = await rejectsWith("corrupt", () => Store.open("/store", { disk }));
      assert.ok(error.message.includes("`seglog repair /store`"), error.message);
      const before = filesIn(disk, "/store");
      assert.ok((await repair("/store", { disk, dryRun: true })).isDamaged);
      assert.deepEqual(filesIn(disk, "/store"), before);
      const report = await repair("/store", { disk });
      assert.match(report.notes[0]!, /2 topics: their settings are the defaults/);
      assert.deepEqual(report.quarantined, isMissing ? [] : ["/store/quarantine/store.json"]);
      assert.ok(verify("/store", { disk }).ok);
      await using store = await Store.open("/store", { disk });
      const topics = await store.listTopics();
      assert.deepEqual(topics.map(({ name }) => name), ["Orders/ä", "users"]);
      assert.deepEqual(topics.map(({ config }) => config.partitions), [1, 2]);
      assert.equal((await store.append("users", [{ value: "v" }], { partition: 1 })).start, 1);
      await store.append("new", [{ value: "n" }]);
    }
  });

  test("a folder that does not tell its topic is refused by name", async () => {
    const disk = new TrickDisk();
    await filledStore(disk);
    {
      await using store = await Store.open("/store", { disk });
      await store.append("Ä".repeat(100), [{ value: "long" }]);
    }
    flip(disk, "/store/store.json", 70);
    const before = filesIn(disk, "/store");
    const error = await rejectsWith("corrupt", () => repair("/store", { disk }));
    assert.match(error.message, /the name of the folder %C3%84.*~[0-9a-f]{32}-0 does not tell/);
    assert.deepEqual(filesIn(disk, "/store"), before);
  });

  test("a store's folder is no place to give up offsets: each damaged partition is named", async () => {
    const disk = new TrickDisk();
    await filledStore(disk);
    assert.equal((await repair("/store", { disk })).isDamaged, false);
    overwrite(disk, "/store/users-1/00000000000000000000.log", {
      at: 64 + 66,
      bytes: Uint8Array.of(1, 2, 3),
    });
    const error = await rejectsWith("corrupt", () => repair("/store", { disk }));
    assert.match(error.message, /`seglog repair \/store\/users-1 --accept-loss 0:1`/);
    await repair("/store/users-1", { disk, acceptLoss: { start: 0, end: 1 } });
    await using store = await Store.open("/store", { disk });
    assert.equal((await store.append("users", [{ value: "v" }], { partition: 1 })).start, 1);
    const log = await Log.open("/store/users-1", { disk, readOnly: true });
    assert.deepEqual(await shown(log.records({ from: 1 })), ["1:v"]);
    await log.close();
  });
});

function idAndEpoch(bytes: Uint8Array): { logId: string; epoch: number } {
  return JSON.parse(new TextDecoder().decode(bytes)).body;
}
