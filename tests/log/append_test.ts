import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clearInterval, setImmediate, setInterval } from "node:timers";
import { Log, SeglogError } from "../../mod.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ShortWrite, TrickDisk } from "../support/trick_disk.ts";

const open = (disk: TrickDisk, options = {}) => Log.open("/log", { disk, ...options });

/** Holds syncs up until it is released. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { wait: () => promise, release: resolve };
}

describe("group commit", () => {
  test("callers who wait at the same time share one write and one sync", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    let writes = 0;
    disk.onOperation = (operation) => {
      if (operation === "write") writes++;
    };
    disk.synced.length = 0;
    const offsets = await Promise.all(
      Array.from({ length: 64 }, (_, i) => log.append({ value: `${i}` })),
    );
    assert.deepEqual(offsets, Array.from({ length: 64 }, (_, i) => i));
    assert.equal(writes, 1);
    assert.equal(disk.synced.length, 1);
    await log.close();
  });

  test("appends that come during a sync are taken together by the next one", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    const first = gate();
    disk.holdSync = first.wait;
    disk.synced.length = 0;
    const started = log.append({ value: "first" });
    await new Promise((resolve) => setImmediate(resolve)); // the first one is being synced
    const later = Array.from({ length: 10 }, (_, i) => log.append({ value: `${i}` }));
    disk.holdSync = () => Promise.resolve();
    first.release();
    await started;
    await Promise.all(later);
    assert.equal(disk.synced.length, 2);
    await log.close();
  });

  test("a record is not shown to readers before it is acknowledged", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    const held = gate();
    disk.holdSync = held.wait;
    const appended = log.append({ value: "a" });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(log.nextOffset, 0);
    assert.deepEqual(await shown(log.records()), []);
    held.release();
    await appended;
    assert.equal(log.nextOffset, 1);
    assert.equal(log.durableOffset, 1);
    await log.close();
  });

  test("what a caller changes after append() is called is not stored", async () => {
    const log = await Log.memory();
    const value = Uint8Array.of(1, 2, 3);
    const appended = log.append({ value });
    value.fill(9);
    assert.deepEqual([...(await log.read(await appended)).value!], [1, 2, 3]);
    await log.close();
  });

  test("a failed record among others that wait takes only its own append down", async () => {
    const log = await Log.memory();
    const good = log.append({ value: "good" });
    const bad = rejectsWith("invalid-record", () => log.append({ value: "x", timestamp: -1 }));
    const after = log.append({ value: "after" });
    await bad;
    assert.deepEqual([await good, await after], [0, 1]);
    assert.deepEqual(await shown(log.records()), ["0:good", "1:after"]);
    await log.close();
  });

  test("too much that waits for the disk is turned away, and later taken again", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    const held = gate();
    disk.holdSync = held.wait;
    const value = new Uint8Array(15 * 1024 * 1024);
    const first = log.append({ value });
    await new Promise((resolve) => setImmediate(resolve));
    const waiting = Array.from({ length: 20 }, () => log.append({ value }));
    const results = Promise.allSettled(waiting);
    await rejectsWith("overloaded", () => log.append({ value: "one more" }));
    disk.holdSync = () => Promise.resolve();
    held.release();
    await first;
    const stored = (await results).filter((result) => result.status === "fulfilled").length;
    assert.ok(stored >= 8 && stored < 20, `${stored} were taken`);
    assert.equal(await log.append({ value: "again" }), stored + 1);
    await log.close();
  });
});

describe("sync modes", () => {
  test("always: nothing is acknowledged before a sync returns", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await log.append({ value: "a" });
    disk.crash();
    const again = await open(disk);
    assert.deepEqual(await shown(again.records()), ["0:a"]);
    await again.close();
  });

  test("os: an append is acknowledged without a sync; flush() syncs", async () => {
    const disk = new TrickDisk();
    const log = await open(disk, { sync: "os" });
    disk.synced.length = 0;
    await log.append({ value: "a" });
    assert.equal(disk.synced.length, 0);
    assert.deepEqual([log.durableOffset, log.nextOffset], [0, 1]);
    await log.flush();
    assert.equal(disk.synced.length, 1);
    assert.equal(log.durableOffset, 1);
    await log.close();
  });

  test("os: what a loss of power leaves is a prefix", async () => {
    const disk = new TrickDisk();
    const log = await open(disk, { sync: "os" });
    await log.append({ value: "a" });
    await log.flush();
    await log.append({ value: "b" });
    disk.crash();
    const again = await open(disk);
    assert.deepEqual(await shown(again.records()), ["0:a"]);
    assert.equal(await again.append({ value: "c" }), 1);
    await again.close();
  });

  test("interval: acknowledged at once, and a sync starts within the interval", async () => {
    const disk = new TrickDisk();
    const clock = new FakeClock();
    const log = await open(disk, { sync: "interval:200ms", clock });
    await log.append({ value: "a" });
    await log.append({ value: "b" });
    assert.deepEqual([log.durableOffset, log.nextOffset], [0, 2]);
    disk.synced.length = 0;
    clock.advance(199);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(disk.synced.length, 0);
    clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(disk.synced.length, 1);
    assert.equal(log.durableOffset, 2);
    assert.equal(clock.waiting, 0, "an idle log needs no timer");
    await log.append({ value: "c" });
    assert.equal(clock.waiting, 1);
    await log.close();
  });

  test("interval: one append can ask for a shorter one than its log's mode", async () => {
    const disk = new TrickDisk();
    const clock = new FakeClock();
    const log = await open(disk, { sync: "os", clock });
    await log.append({ value: "a" }, { sync: "interval:500ms" });
    await log.append({ value: "b" }, { sync: "interval:100ms" });
    await log.append({ value: "c" }, { sync: "interval:300ms" });
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(log.durableOffset, 3);
    assert.equal(clock.waiting, 0);
    await log.close();
  });

  test("interval: a failed sync is noticed by the next append", async () => {
    const disk = new TrickDisk();
    const clock = new FakeClock();
    const log = await open(disk, { sync: "interval:1s", clock });
    await log.append({ value: "a" });
    disk.onOperation = (operation) => {
      if (operation === "sync") throw new Error("EIO");
    };
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
    await rejectsWith("poisoned", () => log.append({ value: "b" }));
    assert.equal(log.nextOffset, 0);
    await log.close();
  });

  test("an interval of nothing is refused", async () => {
    for (const sync of ["interval:0ms", "interval:", "interval:5", "never"]) {
      await rejectsWith("invalid-argument", () => open(new TrickDisk(), { sync }));
    }
  });

  test("one append can ask for a sync in any mode", async () => {
    const disk = new TrickDisk();
    const log = await open(disk, { sync: "os" });
    await log.append({ value: "a" });
    await log.append({ value: "b" }, { sync: "always" });
    assert.equal(log.durableOffset, 2);
    await log.close();
  });
});

describe("failing disks", () => {
  test("a failed write that can be taken back rejects its append, and the log goes on", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await log.append({ value: "a" });
    disk.onOperation = (operation) => {
      if (operation === "write") throw diskFull();
    };
    const failed = [log.append({ value: "b" }), log.append({ value: "c" })];
    for (const append of failed) await rejectsWith("disk-full", () => append);
    disk.onOperation = () => {};
    assert.equal(await log.append({ value: "d" }), 1);
    assert.deepEqual(await shown(log.records()), ["0:a", "1:d"]);
    await log.close();
    const again = await open(disk);
    assert.deepEqual(await shown(again.records()), ["0:a", "1:d"]);
    await again.close();
  });

  test("a write that failed with all of its bytes in the file is taken back: nobody sees it", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await log.append({ value: "a" });
    disk.onOperation = (operation) => {
      if (operation === "write") throw new ShortWrite(1);
    };
    await rejectsWith("disk-full", () => log.append({ value: "b" }));
    disk.onOperation = () => {};
    await using reader = await open(disk, { readOnly: true });
    assert.deepEqual(await shown(reader.records()), ["0:a"]);
    await log.close();
  });

  test("a failed write that cannot be taken back poisons the log", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await log.append({ value: "a" });
    disk.onOperation = (operation) => {
      if (operation === "write" || operation === "truncate") throw diskFull();
    };
    await rejectsWith("outcome-unknown", () => log.append({ value: "b" }));
    disk.onOperation = () => {};
    await rejectsWith("poisoned", () => log.append({ value: "c" }));
    assert.deepEqual(await shown(log.records()), ["0:a"]);
    await log.close();
  });

  test("after a failed sync nothing is acknowledged, and no sync is tried again", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await log.append({ value: "a" });
    let syncs = 0;
    disk.onOperation = (operation) => {
      if (operation !== "sync") return;
      syncs++;
      throw new Error("EIO");
    };
    await rejectsWith("outcome-unknown", () => log.append({ value: "b" }));
    disk.onOperation = (operation) => {
      if (operation === "sync") syncs++;
    };
    for (const value of ["c", "d"]) await rejectsWith("poisoned", () => log.append({ value }));
    await rejectsWith("poisoned", () => log.flush());
    assert.equal(syncs, 1);
    assert.deepEqual(await shown(log.records()), ["0:a"]);
    assert.deepEqual([log.durableOffset, log.nextOffset], [1, 1]);
    await log.close();
    assert.equal(syncs, 1);
    const again = await open(disk);
    const read = await shown(again.records());
    assert.deepEqual(read.slice(0, 1), ["0:a"]);
    assert.ok(read.length <= 2);
    await again.close();
  });

  test("a follower learns that the log was given up", async () => {
    const disk = new TrickDisk();
    const log = await open(disk);
    await log.append({ value: "a" });
    const following = collect(log.records({ follow: true }));
    disk.onOperation = (operation) => {
      if (operation === "sync") throw new Error("EIO");
    };
    await rejectsWith("outcome-unknown", () => log.append({ value: "b" }));
    await rejectsWith("poisoned", () => following);
    await log.close();
  });

  test("a roll that fails for want of space leaves a log that goes on", async () => {
    const disk = new TrickDisk();
    const log = await open(disk, { segmentBytes: 4096 });
    const value = "x".repeat(3000);
    await log.append({ value });
    disk.onOperation = (operation) => {
      if (operation === "create") throw diskFull();
    };
    await rejectsWith("disk-full", () => log.append({ value }));
    disk.onOperation = () => {};
    assert.equal(await log.append({ value }), 1);
    assert.equal(log.segmentCount, 2);
    await log.close();
    const again = await open(disk);
    assert.equal((await collect(again.records())).length, 2);
    await again.close();
  });
});

test("long before a roll, what is written is synced by itself, and others get their turn", async () => {
  const disk = new TrickDisk();
  await using log = await Log.open("/log", { disk, sync: "os" });
  const value = new Uint8Array(1024 * 1024);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  for (let i = 0; i < 40; i++) await log.append({ value });
  clearInterval(timer);
  assert.equal(log.segmentCount, 1);
  assert.ok(log.nextOffset - log.durableOffset <= 20, `${log.durableOffset} of ${log.nextOffset}`);
  assert.ok(turns > 0, "a loop of appends does not keep timers from running");
});

function diskFull(): Error {
  return new SeglogError("disk-full", "Cannot write: the disk is full");
}
