import assert from "node:assert/strict";
import { test } from "node:test";
import { LogCaches } from "../../core/log/caches.ts";
import { type DiskFile, Log, MemoryDisk } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";

/** Counts the files that are open. */
class CountingDisk extends MemoryDisk {
  readonly open_ = new Set<DiskFile>();

  override open(path: string, mode: "read" | "write"): DiskFile {
    const file = super.open(path, mode);
    const counted: DiskFile = {
      size: () => file.size(),
      read: (target, position) => {
        assert.ok(this.open_.has(counted), "a file is read only while it is open");
        return file.read(target, position);
      },
      write: (bytes, position) => file.write(bytes, position),
      truncate: (size) => file.truncate(size),
      sync: () => file.sync(),
      close: () => {
        assert.ok(this.open_.delete(counted), "a file is closed once");
      },
    };
    this.open_.add(counted);
    return counted;
  }
}

const FILES = 8;

async function longLog(disk: MemoryDisk, segments: number): Promise<Log> {
  const lock = { isHeld: () => true, release: () => {} };
  const caches = new LogCaches({ files: FILES });
  const log = await Log.openLocked("/log", { disk, lock, caches, segmentBytes: 4096 });
  while (log.segmentCount < segments) {
    await log.appendAll(Array.from({ length: 10 }, (_, i) => ({ value: `${i}`.padEnd(300) })));
  }
  return log;
}

test("however many segments are read, few files are open", async () => {
  const disk = new CountingDisk();
  const log = await longLog(disk, 40);
  const writing = disk.open_.size;
  const texts = await shown(log.records());
  assert.equal(texts.length, log.nextOffset);
  assert.ok(disk.open_.size <= writing + FILES, `${disk.open_.size} open`);
  const walks = Array.from({ length: 20 }, (_, i) => log.batches({ from: 20 * i }));
  for (let step = 0; step < 10; step++) {
    for (const walk of walks) await walk.next();
    assert.ok(disk.open_.size <= writing + FILES, `${disk.open_.size} open`);
  }
  for (let i = 0, offset = 0; i < 500; i++, offset = (offset + 97) % log.nextOffset) {
    assert.equal((await log.read(offset)).offset, offset);
  }
  assert.ok(disk.open_.size <= writing + FILES, `${disk.open_.size} open`);
  await log.close();
  assert.equal(disk.open_.size, 0);
});

test("a segment that had to give way, and is another one since, is not read", async () => {
  const disk = new CountingDisk();
  const log = await longLog(disk, 40);
  await shown(log.records());
  const path = "/log/00000000000000000000.log";
  const file = disk.open(path, "write");
  const byte = new Uint8Array(1);
  file.read(byte, 30);
  byte[0]! ^= 0xff; // its header, while it is not open: of the log's id, which is random
  file.write(byte, 30);
  file.close();
  const error = await rejectsWith("corrupt", () => log.read(0));
  assert.match(error.message, /offsets 0 to \d+: segment header checksum/);
  assert.equal((await log.read(100)).offset, 100);
  await log.close();
});
