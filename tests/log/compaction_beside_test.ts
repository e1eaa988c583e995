/** Compaction beside failures, truncations, other owners and readers, each of which once went wrong. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers";
import { ByteWriter } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import { BatchView } from "../../core/format/batch.ts";
import {
  BATCH_HEADER_BYTES,
  encodeBatchHeader,
  WIRE_SALT,
} from "../../core/format/batch_header.ts";
import { encodeMessage } from "../../core/format/batch_records.ts";
import { repairLog } from "../../core/log/repair.ts";
import {
  type DiskFile,
  Log,
  type LogOptions,
  type LogRecord,
  MemoryDisk,
  SeglogError,
} from "../../mod.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const FOLDER = "/log";
const VALUE = "x".repeat(100);

function open(disk: MemoryDisk, options: LogOptions = {}): Promise<Log> {
  return Log.open(FOLDER, { disk, segmentBytes: 4096, ...options });
}
async function fill(log: Log, keys: readonly string[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const key of keys) await log.append({ key, value: `${key}${round}${VALUE}` });
  }
}
const names = (count: number, prefix = "k") =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const keysOf = async (records: AsyncIterable<LogRecord>) =>
  (await collect(records)).map(({ offset, keyText }) => `${offset}:${keyText}`);

/** Lets everything run that waits for nothing else. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** All files of a log but its manifest, as they are. */
function withoutManifest(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  copy.makeFolder(FOLDER);
  for (const { name } of disk.list(FOLDER) ?? []) {
    if (name === "partition.json" || name === "LOCK") continue;
    const from = disk.open(`${FOLDER}/${name}`, "read");
    const bytes = new Uint8Array(from.size());
    from.read(bytes, 0);
    copy.create(`${FOLDER}/${name}`).write(bytes, 0);
  }
  return copy;
}

/** Counts files that are open. */
class CountingDisk extends TrickDisk {
  readonly opened = new Map<DiskFile, string>();
  most = 0;
  override open(path: string, mode: "read" | "write"): DiskFile {
    return this.#counted(path, super.open(path, mode));
  }
  override create(path: string): DiskFile {
    return this.#counted(path, super.create(path));
  }
  get left(): string[] {
    return [...this.opened.values()].map((path) => basename(path)).sort();
  }
  #counted(path: string, file: DiskFile): DiskFile {
    const counted: DiskFile = {
      ...file,
      close: () => {
        this.opened.delete(counted);
        file.close();
      },
    };
    this.opened.set(counted, path);
    this.most = Math.max(this.most, this.opened.size);
    return counted;
  }
}

describe("data loss", () => {
  test("an old segment that cannot be removed does not take the new one with it", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await fill(log, names(40), 3);
    let failed = false;
    disk.onOperation = (operation, path) => {
      if (operation !== "removeFile" || failed || !/\d{20}\.log$/.test(path)) return;
      failed = true;
      throw new SeglogError("io", `EIO: cannot remove ${path}`);
    };
    await log.compact().catch(() => {});
    disk.onOperation = () => {};
    assert.ok(failed);
    await log.close();
    await using again = await open(disk);
    const last = (await collect(again.records())).filter(({ offset }) => offset >= 80);
    assert.equal(last.length, 40);
  });

  test("what a truncation made the last record again is not removed", async () => {
    const disk = new TrickDisk();
    await using log = await open(disk);
    await fill(log, names(40), 2);
    await fill(log, names(40), 1); // replaces 40 to 79
    let truncating: Promise<string[]> | undefined;
    const truncate = async () => {
      await log.truncate({ after: 79 });
      return (await collect(log.records({ from: 40 }))).map(({ keyText }) => keyText!);
    };
    disk.onOperation = (operation, path) => {
      if (operation === "create" && path.endsWith(".log.tmp")) truncating ??= truncate();
    };
    disk.holdSync = async (path) => { // the truncation is over, and was looked at, before
      if (path.endsWith(".log.tmp")) await truncating;
    };
    await log.compact().catch(() => {});
    assert.deepEqual(await truncating, names(40)); // all of them were there after it
    const left = (await collect(log.records({ from: 40 }))).map(({ keyText }) => keyText);
    assert.deepEqual(names(40).filter((name) => !left.includes(name)), []);
  });
});

describe("a deleted key", () => {
  test("does not come back when a snapshot was opened and closed during a compaction", async () => {
    const clock = new FakeClock();
    const disk = new TrickDisk();
    await using log = await open(disk, { clock, tombstoneMs: 0 });
    await log.append({ key: "gone", value: "secret" }); // 0
    await fill(log, names(60), 2);
    await log.append({ key: "gone", value: null }); // 121
    clock.advance(1);
    let outputs = 0;
    let asked = 0;
    disk.onOperation = (operation, path) => {
      if (operation === "create" && path.endsWith(".log.tmp")) outputs++;
    };
    await log.compact({
      held: () => { // asked at the start, and for each batch that is copied
        const isCopying = asked++ > 0;
        return isCopying && asked < 10 ? [50] : [];
      },
    });
    assert.ok(outputs > 0);
    const gone = async () => (await keysOf(log.records())).filter((key) => key.endsWith(":gone"));
    assert.deepEqual(await gone(), ["0:gone", "121:gone"]); // what was kept is hidden still
    await log.compact();
    assert.deepEqual(await gone(), []);
  });
});

describe("records that were accepted", () => {
  test("a record of the largest size is written anew whatever is before it", async () => {
    const clock = new FakeClock();
    await using log = await Log.open(FOLDER, { disk: new MemoryDisk(), clock });
    await log.append({ key: "a", value: "1" });
    await log.append({ key: "b", value: "1" });
    clock.advance(1000);
    const value = new Uint8Array(16 * 1024 * 1024 - 3 - 5);
    await log.append({ key: "x", value }); // exactly as large as may be
    await log.append({ key: "a", value: "2" });
    const { records } = await log.compact();
    assert.equal(records, 1);
  });

  test("a batch that was taken encoded is written anew, however large its headers", async () => {
    await using log = await Log.open(FOLDER, { disk: new MemoryDisk() });
    const text = new Uint8Array(17 * 1024 * 1024).fill(65);
    const header = new ByteWriter();
    header.field(0x0a, 1);
    header.bytes(new TextEncoder().encode("h"));
    header.field(0x12, text.length);
    header.bytes(text);
    const { TAG_HEADER, TAG_KEY, TAG_VALUE } = await import("../../core/format/record_fields.ts");
    const message = new ByteWriter();
    message.field(TAG_KEY, 1);
    message.bytes(new TextEncoder().encode("x"));
    message.field(TAG_VALUE, 1);
    message.bytes(new TextEncoder().encode("v"));
    message.field(TAG_HEADER, header.length);
    message.bytes(header.subarray(0, header.length));
    const writer = new ByteWriter();
    writer.zeros(BATCH_HEADER_BYTES);
    encodeMessage(writer, message.subarray(0, message.length));
    const payload = writer.subarray(BATCH_HEADER_BYTES, writer.length);
    const headerFields = {
      payloadCrc: crc32(payload),
      payloadLength: payload.length,
      baseOffset: 0,
      recordCount: 1,
      lastOffsetDelta: 0,
      baseTimestampMs: 5,
      maxTimestampMs: 5,
      durableUpTo: 0,
      epoch: 0,
      codec: "none" as const,
      hasProducer: false,
      uncompressedLength: payload.length,
    };
    while (writer.length % 8 !== 0) writer.zeros(1);
    const bytes = writer.subarray(0, writer.length);
    encodeBatchHeader(bytes, 0, headerFields, WIRE_SALT);
    await log.append({ key: "a", value: "1" });
    await log.appendBatch(new BatchView(headerFields, bytes));
    await log.append({ key: "a", value: "2" });
    assert.equal((await log.compact()).records, 1);
  });
});

describe("files left open", () => {
  test("when the disk is full at the first write of a new segment", async () => {
    const disk = new CountingDisk();
    const log = await open(disk);
    await fill(log, names(40), 3);
    disk.onOperation = (operation, path) => {
      if (operation === "write" && path.endsWith(".1.log.tmp")) {
        throw new SeglogError("disk-full", "ENOSPC");
      }
    };
    await assert.rejects(() => log.compact());
    disk.onOperation = () => {};
    const left = (disk.list(FOLDER) ?? []).filter(({ name }) => name.endsWith(".tmp"));
    await log.close();
    assert.deepEqual([disk.left, left], [[], []]);
  });

  test("when the log is poisoned meanwhile", async () => {
    const disk = new CountingDisk();
    const log = await open(disk);
    await fill(log, names(40), 3);
    let appending: Promise<unknown> | undefined;
    disk.onOperation = (operation, path) => {
      if (operation === "create" && path.endsWith(".log.tmp")) {
        appending ??= log.append({ value: "a" }).catch(() => {});
      }
      if (appending !== undefined && operation === "sync" && /120\.log$/.test(path)) {
        throw new SeglogError("io", "EIO");
      }
    };
    disk.holdSync = async (path) => {
      if (path.endsWith(".log.tmp")) await appending;
    };
    await rejectsWith("poisoned", () => log.compact());
    disk.onOperation = () => {};
    await log.close().catch(() => {});
    assert.deepEqual(disk.left, []);
  });

  test("when the log is closed while it is looked after", async () => {
    const disk = new CountingDisk();
    const log = await open(disk, { segmentBytes: 3 * 2 ** 20 });
    for (let i = 0; i < 12; i++) await log.append({ key: `k${i}`, value: "x".repeat(2 ** 20) });
    await log.append({ key: "last", value: "" });
    log.configure({ compaction: "keys", retentionRecords: 10 });
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    let isFirst = true;
    disk.holdSync = (path) => { // what retention writes
      if (!isFirst || !path.includes("partition.json")) return Promise.resolve();
      isFirst = false;
      return held;
    };
    const maintaining = log.maintain();
    while (isFirst) await turns(1);
    const closing = log.close();
    await turns(5); // it waits for what holds the log
    release();
    await maintaining;
    await closing;
    await turns(50); // whatever was set off has begun
    assert.deepEqual(disk.left, []);
  });

  test("at a time, no more than a few", async () => {
    const disk = new CountingDisk();
    const log = await open(disk);
    await log.append({ key: "k0", value: "old" });
    const records = names(28_000).map((key) => ({ key, value: "x".repeat(1000) }));
    await log.appendAll([{ key: "k1", value: "old" }, ...records]);
    await log.compact();
    await log.close();
    assert.ok(disk.most < 200, `${disk.most} files were open`);
  });
});

describe("readers", () => {
  /** Records 0 and 30 of a batch that reaches to 100, of which a truncation took what is from 50. */
  async function cutBatch() {
    const disk = new MemoryDisk();
    const log = await open(disk, { segmentBytes: 65_536 });
    await log.append({ key: "first", value: "0" });
    for (let i = 1; i < 30; i++) await log.append({ key: "a", value: "x" });
    await log.append({ key: "second", value: "30" });
    for (let i = 31; i < 100; i++) await log.append({ key: "a", value: "x" });
    await log.compact();
    await log.truncate({ after: 49 });
    await log.append({ key: "later", value: "100" });
    return log;
  }

  test("a batch that is handed out holds a record that is wanted", async () => {
    await using log = await cutBatch();
    for await (const batch of log.batches({ from: 31 })) {
      assert.ok(
        batch.nextOffset > 31,
        `a batch up to ${batch.nextOffset} for one who reads from 31`,
      );
    }
  });

  test("one beside the owner who reads in reverse sees each record once, in order", async () => {
    const disk = new MemoryDisk();
    await using log = await open(disk, { segmentBytes: 4096 });
    await fill(log, names(60), 1);
    await fill(log, ["a", "b"], 30);
    log.configure({ segmentBytes: 65_536 });
    await using outside = await Log.open(FOLDER, { disk, readOnly: true });
    const seen: number[] = [];
    for await (const { offset } of outside.records({ reverse: true })) {
      seen.push(offset);
      if (seen.length === 50) await log.compact();
    }
    assert.deepEqual(seen, [...new Set(seen)].toSorted((a, b) => b - a));
  });

  test("whoever reads page by page comes to the end", async () => {
    await using log = await cutBatch();
    let from = 0;
    let pages = 0;
    while (from < log.nextOffset) { // as server/read_batches.ts with maxBytes=1
      for await (const batch of log.batches({ from })) {
        from = Math.min(log.nextOffset, batch.nextOffset);
        break;
      }
      if (++pages > 10) assert.fail(`still at ${from} after ${pages} pages`);
    }
  });
});

describe("garbage", () => {
  test("compact() finds what compactIfDue() left", async () => {
    await using log = await open(new MemoryDisk(), {
      compaction: "keys",
      garbageRatio: 0.3,
      segmentBytes: 131_072,
    });
    await fill(log, names(600), 1);
    await log.compact();
    await fill(log, ["k7"], 1); // one key of the old segment
    await fill(log, ["busy"], 500); // and much garbage elsewhere
    for (let i = 0; i < 150; i++) await log.append({ key: `new${i}`, value: VALUE });
    await log.append({ key: "end", value: "x".repeat(131_072) });
    const due = await log.compactIfDue();
    assert.ok(due!.records > 400);
    await log.compact();
    const left = (await keysOf(log.records())).filter((key) => key.endsWith(":k7"));
    assert.equal(left.length, 1, left.join());
  });

  test("tombstones go where segments have no filter", async () => {
    const clock = new FakeClock();
    await using log = await open(new MemoryDisk(), { clock, tombstoneMs: 0 });
    await fill(log, names(200), 1);
    await log.compact(); // nothing to do
    await log.append({ key: "k0", value: null });
    for (let i = 0; i < 5; i++) {
      clock.advance(10);
      await log.compact();
    }
    assert.deepEqual((await keysOf(log.records())).filter((key) => key.endsWith(":k0")), []);
  });

  test("tombstones go in a log of many segments", async () => {
    const clock = new FakeClock();
    await using log = await open(new MemoryDisk(), {
      clock,
      tombstoneMs: 0,
      compaction: "keys",
      segmentBytes: 65_536,
      sync: "os",
    });
    for (let i = 0; i < 300; i++) {
      const value = "x".repeat(1000);
      await log.appendAll(names(60, `s${i}-`).map((key) => ({ key, value })));
    }
    await log.compact();
    const segments = log.segmentCount;
    await log.appendAll(names(500, "never").map((key) => ({ key, value: null })));
    for (let i = 0; i < 5; i++) {
      clock.advance(10);
      await log.compact();
    }
    const left = (await keysOf(log.records())).filter((key) => key.includes("never"));
    assert.equal(left.length, 0, `${left.length} of 500 are there, beside ${segments} segments`);
  });

  test("segments without garbage are not written", async () => {
    const disk = new TrickDisk();
    await using log = await open(disk, { compaction: "keys", segmentBytes: 32_768 });
    for (let i = 0; i < 80; i++) {
      await log.appendAll(names(250, `s${i}-`).map((key) => ({ key, value: "" })));
    }
    await log.compact();
    const segments = log.segmentCount;
    await log.appendAll(names(800, "other").map((key) => ({ key, value: "" })));
    const written: string[] = [];
    disk.onOperation = (operation, path) => {
      if (operation === "create" && path.endsWith(".log.tmp")) written.push(basename(path));
    };
    const { records } = await log.compact();
    assert.equal(records, 0);
    assert.equal(
      written.length,
      0,
      `${written.length} of ${segments} segments were written for nothing`,
    );
  });
});

describe("crashes", () => {
  test("half a new segment is removed at the next opening", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await fill(log, names(40), 3);
    const isSyncing = Promise.withResolvers<void>();
    disk.holdSync = (path) => {
      if (!path.endsWith(".1.log.tmp")) return Promise.resolve();
      isSyncing.resolve();
      return new Promise<void>(() => {});
    };
    void log.compact();
    await isSyncing.promise;
    const folder = (disk.list(FOLDER) ?? []).map(({ name }) => name);
    assert.ok(folder.some((name) => name.endsWith(".log.tmp")));
    disk.holdSync = () => Promise.resolve();
    const after = new MemoryDisk();
    after.makeFolder(FOLDER);
    for (const name of folder) { // the process died
      const from = disk.open(`${FOLDER}/${name}`, "read");
      const bytes = new Uint8Array(from.size());
      from.read(bytes, 0);
      after.create(`${FOLDER}/${name}`).write(bytes, 0);
    }
    await (await open(after)).close();
    assert.deepEqual(
      (after.list(FOLDER) ?? []).map(({ name }) => name).filter((name) => name.endsWith(".tmp")),
      [],
    );
  });

  test("a log without its manifest is whole where a compaction was cut short", async () => {
    const disk = new TrickDisk();
    const log = await open(disk, { segmentBytes: 131_072 });
    await log.append({ key: "k0", value: "old" });
    await fill(log, names(2000), 1); // two sealed segments and more
    log.configure({ segmentBytes: 65_536 }); // so that one becomes several
    const images: MemoryDisk[] = [];
    disk.onOperation = (operation, path) => {
      const isStep = ["rename", "removeFile"].includes(operation);
      if (isStep && path.endsWith(".log")) images.push(withoutManifest(disk));
    };
    await log.compact();
    disk.onOperation = () => {};
    await log.close();
    assert.ok(images.length >= 3, `${images.length} steps`);
    for (const image of images) {
      const options = { disk: image, acceptLoss: { start: 0, end: 0 }, nowMs: 0 };
      const report = await repairLog(FOLDER, options);
      assert.deepEqual(report.lost, []);
    }
  });
});

test("a log that is not ours any more is not touched by a compaction that waited", async () => {
  const disk = new TrickDisk();
  const first = await open(disk, { segmentBytes: 131_072 });
  await fill(first, names(2000), 1);
  await fill(first, ["k0"], 1);
  first.configure({ segmentBytes: 32_768 }); // so that one becomes several
  let syncs = 0;
  let release = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  let isHeld = false;
  disk.holdSync = (path) => {
    if (isHeld || !path.endsWith(".1.log.tmp") || ++syncs < 2) return Promise.resolve();
    isHeld = true;
    return held;
  };
  const compacting = first.compact().catch((error) => error);
  while (!isHeld) await turns(1);
  disk.removeFile(`${FOLDER}/LOCK`);
  const second = await open(disk, { segmentBytes: 32_768 }); // who finds no lock
  await second.compact();
  const before = await keysOf(second.records());
  release();
  await compacting;
  await second.close();
  await first.close().catch(() => {});
  const third = await open(disk);
  assert.deepEqual(await keysOf(third.records()), before);
  await third.close();
});
