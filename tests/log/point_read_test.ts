import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PAGE_BYTES } from "../../core/base/limits.ts";
import { BATCH_HEADER_BYTES } from "../../core/format/batch_header.ts";
import { LogCaches } from "../../core/log/caches.ts";
import { type Disk, Log, type LogRecord, MemoryDisk, type RecordInput } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const FOLDER = "/log";

/** Opens a log whose lock nobody else asks for, with caches that the test can look into. */
function open(disk: Disk, caches: LogCaches, options: { segmentBytes?: number } = {}) {
  const lock = { isHeld: () => true, release: () => {} };
  return Log.openLocked(FOLDER, { disk, lock, caches, ...options });
}

function recordsLike(count: number, length: (i: number) => number): RecordInput[] {
  return Array.from({ length: count }, (_, i) => ({
    key: i % 3 === 0 ? `k${i}` : undefined,
    value: String(i).padStart(length(i), "."),
    ...i % 7 === 0 ? { headers: { number: String(i) } } : {},
    timestamp: 1000 + i,
  }));
}

function plain({ offset, timestamp, keyText, text, headers }: LogRecord) {
  return { offset, timestamp, keyText, text, headers };
}

describe("read()", () => {
  const shapes: [name: string, batches: RecordInput[][]][] = [
    ["batches of one", recordsLike(300, () => 100).map((record) => [record])],
    ["batches of one page", [recordsLike(30, () => 100), recordsLike(30, () => 120)]],
    ["batches of many pages", [recordsLike(1000, () => 128), recordsLike(700, (i) => i % 300)]],
    ["records of no bytes, by the thousand", [recordsLike(5000, () => 0)]],
    ["records larger than a page among small ones", [
      recordsLike(100, (i) => i % 10 === 5 ? 3 * PAGE_BYTES : 50),
    ]],
    ["one record larger than many pages", [recordsLike(1, () => 100_000)]],
  ];
  for (const compression of ["none", "zstd"] as const) {
    for (const [name, batches] of shapes) {
      test(`finds every record of ${name} (${compression}), twice, in any order`, async () => {
        await using log = await Log.memory({ compression, segmentBytes: 64 * 1024 });
        for (const batch of batches) await log.appendAll(batch);
        const expected: LogRecord[] = [];
        for await (const record of log.records()) expected.push(record);
        for (const order of [expected, expected.toReversed()]) {
          for (const record of order) {
            assert.deepEqual(plain(await log.read(record.offset)), plain(record));
          }
        }
      });
    }
  }

  test("finds a producer's records, the last page included", async () => {
    await using log = await Log.memory();
    const producer = { id: "p".repeat(150), epoch: 0, sequence: 0 };
    await log.appendAll(recordsLike(500, () => 100), { producer });
    for (const offset of [0, 250, 499]) {
      assert.equal((await log.read(offset)).text, String(offset).padStart(100, "."));
    }
  });

  test("finds a producer's records, wherever the last page ends", async () => {
    const producer = { id: "p".repeat(150), epoch: 0, sequence: 0 };
    for (let count = 80; count < 120; count++) {
      await using log = await Log.memory();
      await log.appendAll(recordsLike(count, () => 100), { producer });
      for (let offset = 0; offset < count; offset++) {
        assert.equal((await log.read(offset)).text, String(offset).padStart(100, "."));
      }
    }
  });

  test("finds what was appended a moment ago, again and again", async () => {
    await using log = await Log.memory();
    for (let i = 0; i < 200; i++) {
      await log.append({ value: `v${i}` });
      assert.equal((await log.read(i)).text, `v${i}`);
      assert.equal((await log.read(i >> 1)).text, `v${i >> 1}`);
    }
  });

  test("goes to the disk for one page, not for all of a large batch", async () => {
    const disk = new TrickDisk();
    await using log = await open(disk, new LogCaches());
    await log.appendAll(recordsLike(1000, () => 128));
    await log.read(0);
    let reads = 0;
    disk.onQuestion = (operation) => void (reads += Number(operation === "read"));
    for (let offset = 0; offset < 1000; offset++) await log.read(offset);
    assert.ok(reads >= 30 && reads <= 40, `${reads} reads`);
    for (let offset = 0; offset < 1000; offset++) await log.read(offset);
    assert.ok(reads <= 40, "nothing is read twice");
  });

  test("holds what was removed for absent, in memory or not", async () => {
    await using log = await Log.memory();
    await log.appendAll(recordsLike(1000, () => 128));
    await log.read(900);
    await log.read(10);
    await log.truncate({ after: 899 });
    await log.append({ value: "next" });
    await rejectsWith("not-found", () => log.read(900));
    await log.truncate({ before: 20 });
    await rejectsWith("offset-out-of-range", () => log.read(10));
    assert.equal((await log.read(1000)).text, "next");
    assert.equal((await log.read(20)).text, "20".padStart(128, "."));
  });

  for (const [count, others] of [[1000, 0], [20, 60]] as const) {
    test(`never returns bytes that changed on disk since (${count} a batch)`, async () => {
      const disk = new MemoryDisk();
      await using log = await open(disk, new LogCaches({ blockBytes: 8192 }));
      await log.appendAll(recordsLike(count, () => 128));
      for (let i = 0; i < others; i++) await log.appendAll(recordsLike(count, () => 128));
      await log.read(0); // the batch is found intact
      flipBit(disk, log, count * 100);
      for (let i = 1; i <= others; i++) await log.read(count * i); // take the room in memory
      let corrupt = 0;
      for (let offset = 0; offset < count; offset++) {
        const record = await log.read(offset).catch((error) => {
          assert.equal(error.code, "corrupt", error.message);
          return undefined;
        });
        if (record === undefined) corrupt++;
        else assert.equal(record.text, String(offset).padStart(128, "."));
      }
      assert.ok(corrupt > 0 && corrupt <= 32, `${corrupt} of ${count}`);
    });
  }

  test("keeps no more in memory than the bound, whatever is read", async () => {
    const caches = new LogCaches({ blockBytes: 256 * 1024 });
    await using log = await open(new MemoryDisk(), caches);
    for (let i = 0; i < 20; i++) await log.appendAll(recordsLike(1000, () => 128));
    for (let i = 0; i < 2000; i++) await log.append({ value: `v${i}` });
    const count = log.nextOffset;
    for (let i = 0, offset = 0; i < 20_000; i++, offset = (offset + 7919) % count) {
      assert.equal((await log.read(offset)).offset, offset);
      assert.ok(caches.blocks.cost <= 256 * 1024, `${caches.blocks.cost}`);
    }
  });
});

function flipBit(disk: MemoryDisk, log: Log, at: number): void {
  const file = disk.open(`${FOLDER}/00000000000000000000.log`, "write");
  const position = 64 + BATCH_HEADER_BYTES + at;
  assert.ok(position < log.bytes);
  const byte = new Uint8Array(1);
  file.read(byte, position);
  byte[0]! ^= 1;
  file.write(byte, position);
  file.close();
}
