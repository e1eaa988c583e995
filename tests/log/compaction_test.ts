import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { equalBytes } from "../../core/base/bytes.ts";
import { Log, type LogOptions, type LogRecord, MemoryDisk, type RecordInput } from "../../mod.ts";
import { collect, rejectsWith, shown, take } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const FOLDER = "/log";
const DAY_MS = 24 * 3600 * 1000;
const VALUE = "x".repeat(100);

function open(disk: MemoryDisk, options: LogOptions = {}): Promise<Log> {
  return Log.open(FOLDER, { disk, segmentBytes: 4096, ...options });
}

/** Sets keys in turn, `rounds` times. */
async function fill(log: Log, keys: readonly string[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const key of keys) await log.append({ key, value: `${key}${round}${VALUE}` });
  }
}

const names = (count: number, prefix = "k") =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const keysOf = async (records: AsyncIterable<LogRecord>) =>
  (await collect(records)).map(({ offset, keyText }) => `${offset}:${keyText}`);

describe("compact()", () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`keeps what a model keeps, whatever happened before (seed ${seed})`, async () => {
      await new Campaign(seed).run();
    });
  }

  test("keeps the last record of each key at its offset, and tells what it won", async () => {
    await using log = await open(new MemoryDisk());
    await fill(log, names(5), 20);
    const before = { bytes: log.bytes, records: log.recordCount };
    const report = await log.compact();
    assert.deepEqual(await keysOf(log.records()), ["95:k0", "96:k1", "97:k2", "98:k3", "99:k4"]);
    assert.equal(report.records, 95);
    assert.equal(before.records - log.recordCount, 95);
    assert.equal(report.bytes, before.bytes - log.bytes + 64); // the new active segment's header
    assert.deepEqual([log.logStartOffset, log.nextOffset, log.compactedTo], [0, 100, 100]);
    assert.equal(await log.append({ key: "k0", value: "new" }), 100);
  });

  test("keeps what has no key, or a very long one", async () => {
    await using log = await open(new MemoryDisk());
    const long = "k".repeat(1025);
    for (let i = 0; i < 3; i++) {
      await log.appendAll([{ value: `none${i}` }, { key: long, value: "a" }, {
        key: "",
        value: "b",
      }]);
    }
    await log.compact();
    assert.deepEqual(
      (await collect(log.records())).map(({ offset }) => offset),
      [0, 1, 3, 4, 6, 7, 8],
    );
  });

  test("what a removed record was asked for is said to be gone", async () => {
    await using log = await open(new MemoryDisk());
    await fill(log, names(2), 3);
    await log.compact();
    await rejectsWith("not-found", () => log.read(1));
    assert.equal((await log.read(5)).keyText, "k1");
  });

  test("a log that is all garbage but one record is one segment", async () => {
    await using log = await open(new MemoryDisk());
    await fill(log, ["only"], 500);
    assert.ok(log.segmentCount > 10);
    await log.compact();
    assert.equal(log.segmentCount, 2);
  });

  test("a segment of which nothing stays goes", async () => {
    await using log = await open(new MemoryDisk());
    await fill(log, ["a"], 1);
    await log.compact(); // seals it
    await log.append({ key: "a", value: "again" });
    await log.compact();
    assert.deepEqual(await shown(log.records()), ["1:again"]);
    assert.deepEqual(await shown(log.records({ from: 0, reverse: true })), ["1:again"]);
    assert.equal(log.segmentCount, 2);
  });

  test("more than a segment holds becomes several, read across as ever", async () => {
    const disk = new MemoryDisk();
    await using log = await open(disk);
    await fill(log, names(300), 2);
    log.configure({ segmentBytes: 16_384 });
    await log.compact();
    assert.ok(log.segmentCount >= 3, `${log.segmentCount} segments`);
    assert.deepEqual(await keysOf(log.records()), names(300).map((key, i) => `${300 + i}:${key}`));
    for (let i = 0; i < 300; i++) assert.equal((await log.read(300 + i)).keyText, `k${i}`);
  });

  test("goes through more keys than it has memory for, part by part", async () => {
    const disk = new MemoryDisk();
    await using log = await open(disk);
    await fill(log, names(200), 3);
    await log.compact({ keysBytes: 1 });
    assert.deepEqual(await keysOf(log.records()), names(200).map((key, i) => `${400 + i}:${key}`));
  });

  test("compressed batches stay compressed", async () => {
    await using log = await open(new MemoryDisk(), { compression: "zstd" });
    await fill(log, ["one", "two"], 1);
    await fill(log, names(200), 3);
    await fill(log, ["one"], 1);
    await log.compact();
    const codecs = (await collect(log.batches())).map(({ header }) => header.codec);
    assert.equal(codecs[0], "zstd");
    assert.equal((await log.read(1)).keyText, "two");
  });

  test("a second time it reads nothing that it need not", async () => {
    const disk = new TrickDisk();
    await using log = await open(disk);
    await fill(log, names(100), 3);
    await log.compact();
    const files = (disk.list(FOLDER) ?? []).map(({ name }) => name).filter((name) =>
      name.endsWith(".log")
    );
    const read = new Set<string>();
    disk.onQuestion = (operation, path) => void (operation === "read" && read.add(path));
    const report = await log.compact();
    assert.deepEqual([report.segments, report.records], [0, 0]);
    for (const name of files) assert.ok(!read.has(`${FOLDER}/${name}`), `${name} was read`);
  });
});

describe("filters", () => {
  /** Three compacted segments of different keys, and how often each file is read afterwards. */
  async function threeGroups() {
    const disk = new TrickDisk();
    const log = await open(disk, { compaction: "keys", segmentBytes: 32_768 });
    for (const prefix of ["a", "b", "c"]) {
      await fill(log, names(100, prefix), 1);
      await log.compact();
    }
    const read = new Map<string, number>();
    disk.onQuestion = (operation, path) => {
      if (operation === "read") read.set(path, (read.get(path) ?? 0) + 1);
    };
    const segments = () => [...read.keys()].filter((path) => path.endsWith(".log"));
    return { disk, log, read, segments };
  }

  test("compaction does not read segments that hold none of the new keys", async () => {
    const { log, segments } = await threeGroups();
    await fill(log, ["b7", "new"], 1);
    const report = await log.compact();
    assert.equal(report.records, 1);
    assert.deepEqual([report.segments, report.skipped], [1, 3]);
    const old = segments().filter((path) => !/0300\.log|\.1\.log/.test(path));
    assert.deepEqual(old, [`${FOLDER}/00000000000000000100.log`]);
    await log.close();
  });

  test("reading by key does not read segments without it, in either direction", async () => {
    const { log, segments, read } = await threeGroups();
    const key = new TextEncoder().encode("b7");
    for (const reverse of [false, true]) {
      read.clear();
      assert.deepEqual(await keysOf(log.records({ key, reverse })), ["107:b7"]);
      assert.equal(segments().filter((path) => !path.includes("00000000000000000300")).length, 1);
    }
    await log.close();
  });

  test("a segment whose filter is gone or damaged is read", async () => {
    for (const harm of ["remove", "damage"]) {
      const { disk, log } = await threeGroups();
      for (const { name } of disk.list(FOLDER) ?? []) {
        if (!name.endsWith(".filter")) continue;
        const path = `${FOLDER}/${name}`;
        if (harm === "remove") disk.removeFile(path);
        else disk.open(path, "write").write(Uint8Array.of(1, 2, 3), 50);
      }
      const key = new TextEncoder().encode("c99");
      assert.deepEqual(await keysOf(log.records({ key })), ["299:c99"]);
      await fill(log, names(100, "a"), 1);
      assert.equal((await log.compact()).records, 100);
      await log.close();
    }
  });

  test("are built when a segment is sealed, where the log is one to be compacted", async () => {
    for (const compaction of ["keys", "none"] as const) {
      const disk = new MemoryDisk();
      const log = await open(disk, { compaction });
      await fill(log, names(60), 2);
      await log.close();
      const filters = (disk.list(FOLDER) ?? []).filter(({ name }) => name.endsWith(".filter"));
      assert.equal(filters.length > 0, compaction === "keys", compaction);
    }
  });
});

describe("snapshots and tombstones", () => {
  test("what a snapshot sees stays until it is closed", async () => {
    await using log = await open(new MemoryDisk());
    await fill(log, names(2), 4); // k0 at 0 2 4 6, k1 at 1 3 5 7
    await log.compact({ held: () => [4] });
    assert.deepEqual(await keysOf(log.records()), ["3:k1", "4:k0", "6:k0", "7:k1"]);
    await log.compact();
    assert.deepEqual(await keysOf(log.records()), ["6:k0", "7:k1"]);
  });

  test("a snapshot that is opened during a compaction is seen from then on", async () => {
    await using log = await open(new MemoryDisk());
    await fill(log, names(50), 4);
    let asked = 0;
    await log.compact({ held: () => asked++ === 0 ? [] : [120] });
    assert.equal((await log.read(120)).keyText, "k20");
    await log.compact();
    await rejectsWith("not-found", () => log.read(120));
  });

  test("what a snapshot saw goes when it is closed, also where nothing else is to be done", async () => {
    await using log = await open(new MemoryDisk());
    for (const value of ["1", "2"]) {
      await log.append({ key: "a", value });
      await log.compact({ held: () => [0] });
    }
    assert.deepEqual(await shown(log.records()), ["0:1", "1:2"]);
    await log.compact();
    assert.deepEqual(await shown(log.records()), ["1:2"]);
    const offsets = async () => (await collect(log.records())).map(({ offset }) => offset);
    for (let i = 0; i < 2; i++) await log.append({ key: "b", value: "x".repeat(5000) }); // a segment each
    await log.compact({ held: () => [2] });
    assert.deepEqual(await offsets(), [1, 2, 3]);
    await log.compact();
    assert.deepEqual(await offsets(), [1, 3]);
  });

  test("a tombstone stays for its time, and then goes", async () => {
    const clock = new FakeClock();
    await using log = await open(new MemoryDisk(), { clock });
    await fill(log, ["a", "b"], 2);
    await log.append({ key: "a", value: null });
    await log.compact();
    assert.deepEqual(await keysOf(log.records()), ["3:b", "4:a"]);
    clock.advance(DAY_MS);
    await log.compact();
    assert.deepEqual(await keysOf(log.records()), ["3:b", "4:a"]);
    clock.advance(1);
    await log.compact();
    assert.deepEqual(await keysOf(log.records()), ["3:b"]);
    assert.equal(log.nextOffset, 5);
  });

  test("a tombstone stays while it hides what a snapshot sees", async () => {
    const clock = new FakeClock();
    await using log = await open(new MemoryDisk(), { clock, tombstoneMs: 0 });
    await log.append({ key: "a", value: "1" });
    await log.append({ key: "a", value: null });
    clock.advance(1);
    await log.compact({ held: () => [0] });
    assert.deepEqual(await keysOf(log.records()), ["0:a", "1:a"]);
    await log.compact();
    assert.deepEqual(await keysOf(log.records()), []);
  });

  test("a deleted key does not come back from a segment that is not looked at", async () => {
    const clock = new FakeClock();
    const disk = new MemoryDisk();
    await using log = await open(disk, {
      clock,
      tombstoneMs: 0,
      compaction: "keys",
      garbageRatio: 0.3,
    });
    await fill(log, names(30, "old"), 1);
    await fill(log, ["gone"], 1);
    await log.compact();
    await log.append({ key: "gone", value: null });
    await fill(log, ["busy"], 30);
    clock.advance(1);
    await log.compactIfDue();
    await log.compact();
    assert.ok(!(await keysOf(log.records())).some((key) => key.endsWith(":gone")));
    await fill(log, ["busy"], 30);
    await log.compact();
    assert.ok(!(await keysOf(log.records())).some((key) => key.endsWith(":gone")));
  });
});

describe("compactIfDue()", () => {
  test("waits until there may be enough garbage, and looks again when more has come", async () => {
    await using log = await open(new MemoryDisk(), { compaction: "keys", garbageRatio: 0.5 });
    assert.equal(await log.compactIfDue(), undefined);
    await fill(log, names(300), 1);
    const first = await log.compactIfDue(); // all is new, and nothing of it garbage
    assert.deepEqual([first?.segments, first?.records], [0, 0]);
    await fill(log, names(60), 1);
    assert.equal(await log.compactIfDue(), undefined);
    await fill(log, names(300), 2);
    assert.ok((await log.compactIfDue())!.records > 300);
  });

  test("leaves a log alone that has less garbage than its ratio", async () => {
    await using log = await open(new MemoryDisk(), { compaction: "keys", garbageRatio: 0.2 });
    await fill(log, names(300), 1);
    await fill(log, names(30), 1);
    assert.equal((await log.compactIfDue())!.segments, 0);
    log.configure({ garbageRatio: 0.05 });
    await fill(log, names(30), 1);
    const { records } = (await log.compactIfDue())!;
    assert.ok(records >= 30 && records <= 60, `${records} records`);
  });

  test("removes large values that were deleted, and their tombstones when they are old", async () => {
    const clock = new FakeClock();
    const options = { clock, compaction: "keys", tombstoneMs: 1000 } as const;
    await using log = await open(new MemoryDisk(), options);
    for (const key of names(60)) await log.append({ key, value: "x".repeat(3000) });
    assert.equal((await log.compactIfDue())!.records, 0);
    for (const key of names(60)) await log.append({ key, value: null });
    await log.append({ key: "last", value: "x".repeat(4000) }); // rolls
    assert.equal((await log.compactIfDue())!.records, 60);
    assert.ok(log.bytes < 20_000, `${log.bytes} bytes`);
    assert.equal(await log.compactIfDue(), undefined);
    clock.advance(1001);
    assert.equal((await log.compactIfDue())!.records, 60);
  });

  test("looks again at a quiet log only for what was left", async () => {
    const clock = new FakeClock();
    const options = { clock, compaction: "keys", garbageRatio: 0.2, tombstoneMs: 0 } as const;
    await using log = await open(new MemoryDisk(), options);
    await fill(log, names(300), 1);
    await fill(log, names(30), 1); // too little to be removed
    assert.equal((await log.compactIfDue())!.segments, 0);
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(60_000);
      assert.equal(await log.compactIfDue(), undefined);
    }
    await fill(log, names(300), 1);
    const held = () => [149]; // a snapshot that sees the first half
    assert.ok((await log.compactIfDue({ held }))!.records > 100);
    assert.equal(await log.compactIfDue(), undefined);
    clock.advance(10 * 60_000);
    assert.ok((await log.compactIfDue())!.records > 100, "the snapshot is closed");
    clock.advance(10 * 60_000);
    assert.equal(await log.compactIfDue(), undefined);
  });

  test("looks again when it is opened at what was left before", async () => {
    const clock = new FakeClock();
    const disk = new MemoryDisk();
    const options = { clock, compaction: "keys", tombstoneMs: 60_000 } as const;
    {
      await using log = await open(disk, options);
      for (const key of names(60)) await log.append({ key, value: "x".repeat(3000) });
      for (const key of names(60)) await log.append({ key, value: null });
      await log.append({ key: "last", value: "x".repeat(4000) }); // rolls
      assert.equal((await log.compactIfDue())!.records, 60);
    }
    await using log = await open(disk, options);
    assert.equal(await log.compactIfDue(), undefined);
    clock.advance(10 * 60_000);
    assert.equal((await log.compactIfDue())!.records, 60);
  });

  test("does nothing to a log that is not to be compacted", async () => {
    await using log = await open(new MemoryDisk());
    await fill(log, names(2), 100);
    assert.equal(await log.compactIfDue(), undefined);
  });

  test("keeps to its budget", async () => {
    const clock = new FakeClock();
    await using log = await open(new MemoryDisk(), {
      clock,
      compaction: "keys",
      segmentBytes: 2 ** 20,
    });
    await log.appendAll(
      Array.from({ length: 3000 }, (_, i) => ({ key: `k${i % 10}`, value: "x".repeat(1000) })),
    );
    await log.appendAll([{ key: "last", value: "x".repeat(2 ** 20) }]);
    const compacting = log.compactIfDue({ bytesPerSecond: 2 ** 20 });
    let rests = 0;
    let isDone = false;
    void compacting.then(() => isDone = true);
    while (!isDone) {
      await new Promise((resolve) => setTimeout(resolve));
      if (clock.waiting === 0) continue;
      rests++;
      clock.advance(1000);
    }
    assert.ok(rests >= 5, `${rests} rests for 6 MiB, read twice`);
    assert.ok((await compacting)!.records >= 2990);
  });
});

describe("while a log is compacted", () => {
  test("a reader on its way sees every record that stays once, in either direction", async () => {
    for (const reverse of [false, true]) {
      for (const at of [1, 7, 30, 55, 90, 119]) {
        await using log = await open(new MemoryDisk());
        for (let i = 0; i < 60; i++) await fill(log, [`u${i}`, "again"], 1);
        const seen: number[] = [];
        for await (const { offset } of log.records({ reverse })) {
          seen.push(offset);
          if (seen.length === at) await log.compact();
        }
        const sorted = seen.toSorted((a, b) => reverse ? b - a : a - b);
        assert.deepEqual(seen, sorted);
        assert.equal(new Set(seen).size, seen.length, "a record came twice");
        for (let offset = 0; offset < 120; offset += 2) {
          assert.ok(seen.includes(offset), `${offset}`);
        }
      }
    }
  });

  test("a follower goes on, and appends are taken", async () => {
    await using log = await open(new MemoryDisk());
    await fill(log, names(10), 10);
    const following = take(log.records({ follow: true, from: 95 }), 10);
    const compacting = log.compact();
    await fill(log, ["new"], 5);
    await compacting;
    assert.deepEqual(
      (await following).map(({ offset }) => offset),
      [95, 96, 97, 98, 99, 100, 101, 102, 103, 104],
    );
  });

  test("a reader beside the owner goes on", async () => {
    const disk = new MemoryDisk();
    await using log = await open(disk);
    await fill(log, names(40), 3);
    await using outside = await Log.open(FOLDER, { disk, readOnly: true });
    const seen: number[] = [];
    for await (const { offset } of outside.records()) {
      seen.push(offset);
      if (seen.length === 50) await log.compact();
    }
    assert.deepEqual(seen.slice(-40), Array.from({ length: 40 }, (_, i) => 80 + i));
    assert.equal(outside.recordCount, 40);
    assert.equal(outside.compactedTo, 120);
  });

  test("a truncation that takes its segments ends it, and leaves nothing behind", async () => {
    const disk = new TrickDisk();
    await using log = await open(disk);
    await fill(log, names(40), 3);
    let truncating: Promise<void> | undefined;
    disk.onOperation = (operation, path) => {
      if (operation === "create" && path.endsWith(".log.tmp")) {
        truncating ??= log.truncate({ before: 118 });
      }
    };
    await rejectsWith("condition-failed", () => log.compact());
    await truncating;
    assert.deepEqual(await keysOf(log.records()), ["118:k38", "119:k39"]);
    const left = (disk.list(FOLDER) ?? []).filter(({ name }) => /\.tmp$|\.1\./.test(name));
    assert.deepEqual(left, []);
  });

  test("closing ends it, and leaves nothing behind", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await fill(log, names(40), 3);
    let closing: Promise<void> | undefined;
    disk.onOperation = (operation, path) => {
      if (operation === "create" && path.endsWith(".log.tmp")) closing ??= log.close();
    };
    await rejectsWith("closed", () => log.compact());
    await closing;
    const left = (disk.list(FOLDER) ?? []).filter(({ name }) => /\.tmp$|\.1\./.test(name));
    assert.deepEqual(left, []);
    await using again = await open(disk);
    assert.equal(again.recordCount, 120);
  });

  test("a disk that is full ends it, and appends go on", async () => {
    const disk = new TrickDisk();
    await using log = await open(disk);
    await fill(log, names(40), 3);
    disk.onOperation = (operation, path) => {
      if (operation === "write" && path.endsWith(".1.log.tmp")) throw new Error("ENOSPC");
    };
    await assert.rejects(() => log.compact(), /ENOSPC/);
    assert.equal(await log.append({ key: "a", value: "b" }), 120);
    assert.equal(log.recordCount, 121);
  });
});

test("a segment that is damaged stays as it is, and compact() says where", async () => {
  const disk = new MemoryDisk();
  await using log = await open(disk);
  await fill(log, names(40), 3);
  const path = `${FOLDER}/00000000000000000000.log`;
  const file = disk.open(path, "write");
  file.write(Uint8Array.of(255), 200);
  const before = disk.sizeOf(path);
  const error = await rejectsWith("corrupt", () => log.compact());
  assert.equal(error.details.start, 0);
  assert.equal(disk.sizeOf(path), before);
  assert.deepEqual((await keysOf(log.records({ from: 80 }))).length, 40);
});

test("a truncation within a compacted segment leaves the right number of records", async () => {
  const disk = new MemoryDisk();
  const log = await open(disk);
  await fill(log, names(40), 3);
  await log.compact();
  await log.truncate({ before: 100 });
  assert.equal(log.recordCount, 20);
  await log.truncate({ after: 109 });
  assert.equal(log.recordCount, 10);
  await log.close();
  await using again = await open(disk);
  assert.deepEqual([again.recordCount, again.nextOffset], [10, 120]);
});

/** Random changes of a log, and a plain model of what compaction leaves of it. */
class Campaign {
  readonly #random: Random;
  readonly #disk = new MemoryDisk();
  readonly #clock = new FakeClock();
  /** By offset, those that are there. */
  readonly #model = new Map<
    number,
    { key: string | undefined; value: string | null; atMs: number }
  >();

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async run(): Promise<void> {
    let log = await this.#open();
    for (let step = 0; step < 400; step++) {
      const draw = this.#random.below(100);
      if (draw < 75) await this.#append(log);
      else if (draw < 80) this.#clock.advance(this.#random.below(30));
      else if (draw < 88) await this.#compact(log);
      else if (draw < 91) await this.#truncateBefore(log);
      else if (draw < 94) await this.#truncateAfter(log);
      else if (draw < 97) {
        await log.close();
        log = await this.#open();
      } else log.configure({ compression: this.#random.pick(["none", "gzip", "zstd"]) });
      if (step % 20 === 0) await this.#check(log);
    }
    await this.#compact(log);
    await this.#check(log);
    await log.close();
  }

  #open(): Promise<Log> {
    return open(this.#disk, { clock: this.#clock, tombstoneMs: 50, compaction: "keys" });
  }

  async #append(log: Log): Promise<void> {
    const count = this.#random.chance(0.8) ? 1 : 1 + this.#random.below(30);
    const records = Array.from({ length: count }, (): RecordInput => {
      const key = this.#random.chance(0.05) ? undefined : `k${this.#random.below(25)}`;
      const value = this.#random.chance(0.15) ? null : "v".repeat(this.#random.below(300));
      return { key, value, headers: this.#random.chance(0.1) ? { a: "b" } : undefined };
    });
    const { start } = await log.appendAll(records);
    records.forEach(({ key, value }, i) => {
      const atMs = this.#clock.now();
      this.#model.set(start + i, { key: key as string, value: value as string | null, atMs });
    });
  }

  async #compact(log: Log): Promise<void> {
    const held = this.#random.chance(0.3) ? [this.#random.below(log.nextOffset + 1)] : [];
    await log.compact({ held: () => held, keysBytes: this.#random.chance(0.3) ? 1 : undefined });
    const next = new Map<number, number>(); // which record replaces which
    const latest = new Map<string, number>();
    for (const offset of [...this.#model.keys()].sort((a, b) => a - b)) {
      const { key } = this.#model.get(offset)!;
      if (key === undefined) continue;
      if (latest.has(key)) next.set(latest.get(key)!, offset);
      latest.set(key, offset);
    }
    const there = await collect(log.records());
    for (const { offset } of there) assert.ok(this.#model.has(offset), `${offset} is back`);
    const left = new Set(there.map(({ offset }) => offset));
    for (const [offset, { key, value, atMs }] of [...this.#model]) {
      const last = key === undefined ? offset : latest.get(key)!;
      const isHeld = held.some((at) => at >= offset && at < (next.get(offset) ?? offset));
      const isYoung = value !== null || atMs >= this.#clock.now() - 50;
      // An old tombstone that hides nothing tells a snapshot no more than its absence.
      if (isYoung && (isHeld || last === offset)) assert.ok(left.has(offset), `${offset} is gone`);
      if (!isHeld && last !== offset) assert.ok(!left.has(offset), `${offset} is there`);
      if (!left.has(offset)) this.#model.delete(offset);
    }
  }

  async #truncateBefore(log: Log): Promise<void> {
    const before = log.logStartOffset +
      this.#random.below((log.nextOffset - log.logStartOffset) / 4 + 1);
    await log.truncate({ before });
    for (const offset of this.#model.keys()) if (offset < before) this.#model.delete(offset);
  }

  async #truncateAfter(log: Log): Promise<void> {
    const after = Math.max(log.logStartOffset - 1, log.nextOffset - 1 - this.#random.below(30));
    await log.truncate({ after });
    for (const offset of this.#model.keys()) if (offset > after) this.#model.delete(offset);
  }

  async #check(log: Log): Promise<void> {
    const expected = [...this.#model.keys()].sort((a, b) => a - b);
    const offsets = async (reverse: boolean) =>
      (await collect(log.records({ reverse }))).map(({ offset }) => offset);
    assert.deepEqual(await offsets(false), expected);
    assert.deepEqual(await offsets(true), expected.toReversed());
    assert.equal(log.recordCount, expected.length);
    for (const offset of expected) {
      const record = await log.read(offset);
      const { key, value } = this.#model.get(offset)!;
      assert.deepEqual([record.offset, record.keyText], [offset, key ?? null]);
      assert.equal(record.value === null ? null : record.text, value);
    }
    const key = new TextEncoder().encode("k3");
    const byKey = await collect(log.records({ key }));
    assert.ok(byKey.every((record) => equalBytes(record.key!, key)));
    assert.deepEqual(
      byKey.map(({ offset }) => offset),
      expected.filter((offset) => this.#model.get(offset)!.key === "k3"),
    );
  }
}
