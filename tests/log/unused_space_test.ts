import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SPACE_AHEAD_BYTES_MAX } from "../../core/base/limits.ts";
import { backup, dumpSegment, Log, type LogOptions, Store, verify } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { ShortWrite, TrickDisk } from "../support/trick_disk.ts";

const FOLDER = "/log";
const SEGMENT = `${FOLDER}/00000000000000000000.log`;
const COUNT = 100;

/** A log of 100 records, each synced by itself, in segments of about half of them. */
async function filled(disk: TrickDisk, options: LogOptions = {}): Promise<Log> {
  const log = await Log.open(FOLDER, { disk, ...options });
  for (let i = 0; i < COUNT; i++) await log.append({ value: `${i}` });
  return log;
}

function sizeOf(disk: TrickDisk, path = SEGMENT): number {
  return disk.sizeOf(path)!;
}

describe("space that is taken ahead", () => {
  test("makes most syncs ones that leave the file as long as it was", async () => {
    const disk = new TrickDisk();
    const sizes = new Set<number>();
    const sync = disk.holdSync;
    disk.holdSync = (path) => {
      if (path === SEGMENT) sizes.add(sizeOf(disk));
      return sync(path);
    };
    const log = await filled(disk);
    assert.ok(sizes.size < COUNT / 5, `${sizes.size} sizes`);
    await log.close();
  });

  test("is bounded, and none is taken for records that are not synced one by one", async () => {
    const disk = new TrickDisk();
    await using log = await Log.open(FOLDER, { disk });
    let mostAhead = 0;
    for (let i = 0; i < 20; i++) {
      await log.append({ value: new Uint8Array(50_000) });
      const ahead = sizeOf(disk) - log.bytes;
      assert.ok(ahead >= 0 && ahead <= SPACE_AHEAD_BYTES_MAX, `${ahead} bytes`);
      mostAhead = Math.max(mostAhead, ahead);
    }
    assert.ok(mostAhead > 100_000);
    await using other = await Log.open("/other", { disk, sync: "os" });
    for (let i = 0; i < COUNT; i++) await other.append({ value: `${i}` });
    assert.equal(sizeOf(disk, "/other/00000000000000000000.log"), other.bytes);
  });

  test("is not taken for commits so large that hardly any more would fit", async () => {
    const disk = new TrickDisk();
    await using log = await Log.open(FOLDER, { disk });
    for (let i = 0; i < 5; i++) {
      await log.append({ value: new Uint8Array(100_000) });
      await log.flush();
      assert.equal(sizeOf(disk), log.bytes);
    }
  });

  test("is given back when the log is closed", async () => {
    const disk = new TrickDisk();
    const log = await filled(disk);
    const { bytes } = log;
    assert.ok(sizeOf(disk) > bytes);
    await log.close();
    assert.equal(sizeOf(disk), bytes);
    disk.crash();
    assert.equal(sizeOf(disk), bytes, "that is durable");
  });

  test("is given back when the segment is sealed, durably and before the manifest says so", async () => {
    const disk = new TrickDisk();
    const log = await filled(disk, { segmentBytes: 4096 });
    assert.ok(log.segmentCount > 1);
    disk.crash(); // it is not closed
    const { sealed } = JSON.parse(textOf(disk, `${FOLDER}/partition.json`)).body;
    for (const { baseOffset, bytes } of sealed) {
      assert.equal(sizeOf(disk, `${FOLDER}/${String(baseOffset).padStart(20, "0")}.log`), bytes);
    }
  });

  test("is no torn tail after a kill, and is cut", async () => {
    const disk = new TrickDisk();
    const { bytes } = await filled(disk);
    assert.ok(sizeOf(disk) > bytes);
    disk.crash();
    assert.deepEqual(verify(FOLDER, { disk }).problems, []);
    await using log = await Log.open(FOLDER, { disk });
    assert.deepEqual(log.recovery, { tornBytes: 0, quarantinePath: undefined });
    assert.equal(log.nextOffset, COUNT);
    assert.equal(sizeOf(disk), bytes);
  });

  test("does not hide what a crash left in it: that is kept, and no more", async () => {
    const disk = new TrickDisk();
    const { bytes } = await filled(disk);
    disk.crash();
    const file = disk.open(SEGMENT, "write");
    file.write(new Uint8Array(24).fill(7), bytes);
    file.write(new Uint8Array(16), bytes + 40); // zeros are what is left of a record
    file.close();
    await using log = await Log.open(FOLDER, { disk });
    assert.equal(log.recovery.tornBytes, 56);
    assert.equal(sizeOf(disk, log.recovery.quarantinePath), 56);
  });

  test("is not seen by a reader beside the owner, who sees what is written into it", async () => {
    const disk = new TrickDisk();
    await using log = await filled(disk);
    await using reader = await Log.open(FOLDER, { disk, readOnly: true });
    assert.equal(reader.nextOffset, COUNT);
    const size = sizeOf(disk);
    for (let i = COUNT; i < COUNT + 5; i++) {
      await log.append({ value: `${i}` });
      assert.equal((await reader.read(i)).text, `${i}`);
    }
    assert.equal(sizeOf(disk), size, "the file did not grow meanwhile");
  });

  test("does not keep a reader beside the owner from hearing of damage", async () => {
    const disk = new TrickDisk();
    await using log = await filled(disk);
    await using reader = await Log.open(FOLDER, { disk, readOnly: true });
    assert.equal(reader.nextOffset, COUNT);
    const { bytes } = log;
    for (let i = 0; i < 3; i++) await log.append({ value: "more" });
    const file = disk.open(SEGMENT, "write");
    file.write(Uint8Array.of(0xff), bytes + 20);
    file.close();
    assert.equal(reader.nextOffset, COUNT, "it may still be being written");
    assert.equal(reader.nextOffset, COUNT + 3, "it was not");
    await rejectsWith("corrupt", () => reader.read(COUNT));
    assert.equal((await reader.read(COUNT + 1)).text, "more");
  });

  test("is not taken for damage by verify when the owner fills it meanwhile", async () => {
    for (let reads = 1; reads <= 4; reads++) {
      const disk = new TrickDisk();
      await using log = await filled(disk);
      const before = bytesOf(disk, SEGMENT);
      for (let i = 0; i < 3; i++) await log.append({ value: "more" });
      const after = bytesOf(disk, SEGMENT);
      assert.equal(after.length, before.length, "the file did not grow meanwhile");
      overwrite(disk, before);
      let left = reads;
      disk.onQuestion = (operation, path) => {
        if (operation === "read" && path === SEGMENT && --left === 0) overwrite(disk, after);
      };
      const damage = verify(FOLDER, { disk }).problems.filter((p) => p.severity === "damage");
      assert.deepEqual(damage, [], `before read ${reads}`);
    }
  });

  test("is not taken for damage by dump when the owner fills it meanwhile", async () => {
    const disk = new TrickDisk();
    await using log = await filled(disk);
    const lines = dumpSegment(disk, SEGMENT, {});
    let step = lines.next();
    for (let i = 0; i < COUNT; i++) step = lines.next(); // the block with the end was read
    for (let i = 0; i < 3; i++) await log.append({ value: "more" });
    while (!step.done) step = lines.next();
    assert.deepEqual(step.value, {
      batches: COUNT + 3,
      records: COUNT + 3,
      damaged: 0,
      complaints: [],
    });
  });

  test("is not needed: without room for it, appends go on", async () => {
    const disk = new TrickDisk();
    let refused = 0;
    disk.onOperation = (operation, path) => {
      if (operation !== "write" || path !== SEGMENT) return;
      if (isFiller(new Error().stack!)) {
        refused++;
        throw new ShortWrite(0.3);
      }
    };
    const log = await filled(disk);
    assert.ok(refused > 0);
    disk.crash();
    await using again = await Log.open(FOLDER, { disk });
    assert.equal((await shown(again.records())).length, COUNT);
    assert.equal(again.recovery.tornBytes, 0);
    await log.close().catch(() => {});
  });

  test("is shown by dump as what it is, and is no damage", async () => {
    const disk = new TrickDisk();
    const { bytes } = await filled(disk);
    const lines = dumpSegment(disk, SEGMENT, { headersOnly: true });
    const all: string[] = [];
    let step = lines.next();
    for (; !step.done; step = lines.next()) all.push(step.value);
    assert.equal(all.at(-1), `unused: position: ${bytes} size: ${sizeOf(disk) - bytes}`);
    assert.equal(step.value.damaged, 0);
  });

  test("is not in a backup", async () => {
    const disk = new TrickDisk();
    await using store = await Store.open("/data", { disk });
    for (let i = 0; i < COUNT; i++) await store.append("orders", [{ value: `${i}` }]);
    const path = "orders-0/00000000000000000000.log";
    const { bytes } = (await store.describeTopic("orders")).partitions[0]!;
    assert.ok(sizeOf(disk, `/data/${path}`) > bytes);
    const { snapshot } = await backup("/data", "/backups", { disk });
    assert.equal(sizeOf(disk, `/backups/${snapshot.name}/${path}`), bytes);
    assert.deepEqual(verify(`/backups/${snapshot.name}`, { disk }).problems, []);
  });
});

function isFiller(stack: string): boolean {
  return stack.includes("takeSpace");
}

function textOf(disk: TrickDisk, path: string): string {
  return new TextDecoder().decode(bytesOf(disk, path));
}

function bytesOf(disk: TrickDisk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  file.close();
  return bytes;
}

function overwrite(disk: TrickDisk, bytes: Uint8Array): void {
  const file = disk.open(SEGMENT, "write");
  file.write(bytes, 0);
  file.close();
}
