/** What one process sees and may do while another changes a store under it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DiskFile, Log, repair, Store, verify } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const SMALL = { segmentBytes: 4096 };
const VALUE = "x".repeat(1500);

test("a log of a store that has lost its catalogue is still the store's", async () => {
  const disk = new TrickDisk();
  await using store = await Store.open("/data", { disk });
  await store.append("t", [{ value: "a" }]);
  disk.removeFile("/data/store.json");
  await rejectsWith("locked", () => Log.open("/data/t-0", { disk }));
  await rejectsWith("locked", () => repair("/data/t-0", { disk }));
});

test("a log whose records are all removed is refused, not begun anew, when its manifest is lost", async () => {
  const disk = new TrickDisk();
  const log = await Log.open("/log", { disk, ...SMALL });
  for (let i = 0; i < 3; i++) await log.append({ value: VALUE });
  await log.truncate({ after: -1 });
  await log.append({ value: VALUE });
  await log.append({ value: VALUE });
  await log.append({ value: VALUE });
  await log.truncate({ before: 6 });
  await log.maintain();
  await log.close();
  disk.removeFile("/log/partition.json");
  for (const { name } of disk.list("/log")!) {
    const isData = name.endsWith(".log") && disk.sizeOf(`/log/${name}`)! > 64;
    if (isData) disk.removeFile(`/log/${name}`);
  }
  disk.create("/log/00000000000000000006.log").write(new Uint8Array(64), 0);
  await rejectsWith("corrupt", () => Log.open("/log", { disk }));
});

test("verify takes no truncation of the owner for damage", async () => {
  const disk = new TrickDisk();
  await using log = await Log.open("/log", { disk, ...SMALL });
  for (let i = 0; i < 12; i++) await log.append({ value: VALUE });
  const before = contentOf(disk.open("/log/partition.json", "read"));
  await log.truncate({ before: 10 });
  // The first look sees the manifest as it was before the truncation.
  const open = disk.open.bind(disk);
  let looks = 0;
  disk.open = (path, mode) => {
    const isStale = path.endsWith("partition.json") && looks++ < 2;
    return isStale ? fileOf(before) : open(path, mode);
  };
  assert.deepEqual(verify("/log", { disk }).problems, []);
  assert.ok(looks > 2);
});

test("a follower goes on when a repair has replaced the active segment's file", async () => {
  const disk = new TrickDisk();
  const owner = await Log.open("/log", { disk });
  for (const value of ["a", "b", "c"]) await owner.append({ value });
  await using reader = await Log.open("/log", { disk, readOnly: true });
  assert.equal(reader.nextOffset, 3);
  await owner.close();
  const segment = disk.open("/log/00000000000000000000.log", "write");
  segment.write(Uint8Array.of(0), 0); // the magic of its header
  const report = await repair("/log", { disk });
  assert.deepEqual(report.lost, []);
  await using again = await Log.open("/log", { disk });
  await again.append({ value: "d" });
  assert.equal(reader.nextOffset, 4);
  assert.equal((await reader.read(3)).text, "d");
});

test("a repair whose LOCK is removed changes no manifest", async () => {
  const disk = new TrickDisk();
  const log = await Log.open("/log", { disk, ...SMALL });
  for (let i = 0; i < 6; i++) await log.append({ value: VALUE });
  await log.close();
  const segment = disk.open("/log/00000000000000000000.log", "write");
  segment.write(new Uint8Array(8).fill(0xee), 200);
  const before = contentOf(disk.open("/log/partition.json", "read"));
  disk.onOperation = (operation) => {
    if (operation === "syncFolder" && disk.sizeOf("/log/LOCK") !== undefined) {
      disk.removeFile("/log/LOCK");
    }
  };
  const acceptLoss = { start: 0, end: 6 };
  await rejectsWith("poisoned", () => repair("/log", { disk, acceptLoss }));
  assert.deepEqual(contentOf(disk.open("/log/partition.json", "read")), before);
});

function contentOf(file: DiskFile): Uint8Array {
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  return bytes;
}

/** A file in memory with this content. */
function fileOf(bytes: Uint8Array): DiskFile {
  const disk = new TrickDisk();
  disk.makeFolder("/");
  const file = disk.create("/file");
  file.write(bytes, 0);
  return file;
}

test("a log that damage keeps from being written is read all the same", async () => {
  const disk = new TrickDisk();
  const store = await Store.open("/data", { disk, defaults: SMALL });
  await store.ensureTopic("t", { partitions: 2 });
  for (let i = 0; i < 8; i++) await store.append("t", [{ value: VALUE }], { partition: 0 });
  await store.append("t", [{ value: "b" }], { partition: 1 });
  await store.close();
  const lost = "/data/t-0/00000000000000000002.log";
  const content = contentOf(disk.open(lost, "read"));
  disk.removeFile(lost);
  await using damaged = await Store.open("/data", { disk });
  assert.deepEqual((await damaged.describeTopic("t")).partitions.map((p) => p.nextOffset), [8, 1]);
  const offsets: number[] = [];
  const error = await rejectsWith("corrupt", async () => {
    for await (const batch of damaged.batches("t", { partition: 0 })) {
      offsets.push(batch.baseOffset);
    }
  });
  assert.deepEqual([offsets, error.details.start, error.details.end], [[0, 1], 2, 4]);
  for await (const batch of damaged.batches("t", { partition: 0, from: 4 })) {
    offsets.push(batch.baseOffset);
  }
  assert.deepEqual(offsets, [0, 1, 4, 5, 6, 7]);
  const refused = await rejectsWith(
    "corrupt",
    () => damaged.append("t", [{ value: "c" }], { partition: 0 }),
  );
  assert.match(refused.message, /segment .*02\.log with offsets 2 to 3 is missing/);
  disk.create(lost).write(content, 0); // put back
  const { start } = await damaged.append("t", [{ value: "c" }], { partition: 0 });
  assert.equal(start, 8);
  assert.equal((await damaged.bounds("t", 0)).nextOffset, 9);
});

test("a topic that is deleted while it is verified is no damage", async () => {
  const disk = new TrickDisk();
  await using store = await Store.open("/data", { disk });
  await store.append("t", [{ value: "a" }]);
  await store.append("u", [{ value: "a" }]);
  const before = contentOf(disk.open("/data/store.json", "read"));
  await store.deleteTopic("t");
  const open = disk.open.bind(disk);
  let looks = 0;
  disk.open = (path, mode) => {
    const isStale = path.endsWith("store.json") && looks++ === 0;
    return isStale ? fileOf(before) : open(path, mode);
  };
  const report = verify("/data", { disk });
  assert.deepEqual(report.problems, []);
  assert.equal(report.partitions.length, 1);
});
