import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers";
import { Log, SeglogError, Store } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const producer = (sequence: number, epoch = 0, id = "p") => ({
  producer: { id, epoch, sequence },
});

/** Makes every write fail, as on a full disk, and can be taken back. */
function fillUp(disk: TrickDisk): void {
  disk.onOperation = (operation) => {
    if (operation === "write") throw new SeglogError("disk-full", "Cannot write: full");
  };
}

describe("retries of a producer", () => {
  test("an acknowledged append is still known after many that were turned away", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk });
    for (let sequence = 0; sequence < 5; sequence++) {
      await log.append({ value: `v${sequence}` }, producer(sequence));
    }
    fillUp(disk);
    const failing = Array.from(
      { length: 5 },
      (_, i) => log.append({ value: "no" }, producer(5 + i)),
    );
    for (const append of failing) await rejectsWith("disk-full", () => append);
    disk.onOperation = () => {};
    assert.equal(await log.append({ value: "v4" }, producer(4)), 4);
    assert.equal(await log.append({ value: "v5" }, producer(5)), 5);
    assert.equal(log.nextOffset, 6);
    await log.close();
  });

  test("an epoch whose only append was turned away has not replaced the one before", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk });
    await log.append({ value: "old" }, producer(0, 1));
    fillUp(disk);
    await rejectsWith("disk-full", () => log.append({ value: "new" }, producer(0, 2)));
    disk.onOperation = () => {};
    assert.equal(await log.append({ value: "old" }, producer(0, 1)), 0);
    assert.deepEqual(await shown(log.records()), ["0:old"]);
    await log.close();
  });

  test("an append that is on its way is found by its retry, and fails with it", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk });
    fillUp(disk);
    const first = rejectsWith("disk-full", () => log.append({ value: "a" }, producer(0)));
    const retry = rejectsWith("disk-full", () => log.append({ value: "a" }, producer(0)));
    await Promise.all([first, retry]);
    disk.onOperation = () => {};
    const both = [
      log.append({ value: "a" }, producer(0)),
      log.append({ value: "a" }, producer(0)),
    ];
    assert.deepEqual(await Promise.all(both), [0, 0]);
    await log.close();
  });

  test("a retry of an acknowledged append does not fail with an unrelated one", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk });
    await log.append({ value: "a" }, producer(0));
    fillUp(disk);
    const other = rejectsWith("disk-full", () => log.append({ value: "x" }));
    assert.equal(await log.append({ value: "a" }, producer(0)), 0);
    await other;
    disk.onOperation = () => {};
    await log.close();
  });

  test("a crash at a roll, with many on their way, forgets no acknowledged append", async () => {
    const disk = new TrickDisk();
    const options = { disk, segmentBytes: 4096 };
    const log = await Log.open("/log", options);
    const value = "x".repeat(3000);
    assert.equal(await log.append({ value }, producer(0)), 0);
    let isOff = false;
    let isRolling = false;
    disk.onOperation = (operation, path) => {
      if (isOff) throw new SeglogError("io", "the machine is off");
      if (operation === "rename" && path.endsWith("partition.json")) isRolling = true;
      else if (operation === "syncFolder" && isRolling) isOff = true;
    };
    await Promise.allSettled(
      [1, 2, 3, 4, 5].map((sequence) => log.append({ value }, producer(sequence))),
    );
    disk.onOperation = () => {};
    disk.crash();
    const again = await Log.open("/log", options);
    assert.equal(await again.append({ value }, producer(0)), 0);
    await again.close();
  });

  test("without a key, a retry goes to the partition of the first try", async () => {
    await using store = await Store.memory();
    await store.ensureTopic("orders", { partitions: 8 });
    const first = await store.append("orders", [{ value: "a" }], producer(0));
    for (let i = 0; i < 8; i++) {
      assert.deepEqual(await store.append("orders", [{ value: "a" }], producer(0)), first);
    }
  });

  test("a batch that only its producer's name makes too large is refused", async () => {
    const log = await Log.memory();
    const id = "p".repeat(200);
    const value = new Uint8Array(16 * 1024 * 1024 - 16);
    const records = [{ value }, { value }];
    await rejectsWith("too-large", () => log.appendAll(records, producer(0, 0, id)));
    await log.appendAll(records);
    await log.append({ value: "x" });
    assert.deepEqual(await shown(log.records({ from: 2 })), ["2:x"]);
    await log.close();
  });

  test("an append with a sync mode that is none is refused before anything is stored", async () => {
    const log = await Log.memory();
    const sync = "sometimes" as "always";
    await rejectsWith("invalid-argument", () => log.append({ value: "ghost" }, { sync }));
    await log.append({ value: "a" });
    assert.deepEqual(await shown(log.records()), ["0:a"]);
    await log.close();
  });

  test("turning away waits for nothing: the log goes on at once", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk });
    fillUp(disk);
    await rejectsWith("disk-full", () => log.append({ value: "a" }, producer(0)));
    disk.onOperation = () => {};
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await log.append({ value: "b" }, producer(0)), 0);
    await log.close();
  });
});
