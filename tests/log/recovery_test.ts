import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { decodeBatchHeader, encodeBatchHeader } from "../../core/format/batch_header.ts";
import { decodeSegmentHeader } from "../../core/format/segment_header.ts";
import { readManifest } from "../../core/log/manifest.ts";
import { scanActive } from "../../core/log/scan_active.ts";
import { Log, MemoryDisk, SeglogError } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const FIRST_SEGMENT = "00000000000000000000.log";

/** A log on disk whose process dies: the folder as it is, without the lock. */
async function killedLog(dir: string, values: string[], options = {}): Promise<string> {
  const live = join(dir, "live");
  const log = await Log.open(live, options);
  for (const value of values) await log.append({ value });
  const copy = join(dir, "killed");
  fs.cpSync(live, copy, { recursive: true });
  await log.close();
  return copy;
}

describe("recovery on open", () => {
  test("a log that was killed has everything that was acknowledged", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a", "b", "c"]);
    const log = await Log.open(folder);
    assert.deepEqual(log.recovery, { tornBytes: 0, quarantinePath: undefined });
    assert.deepEqual(await shown(log.records()), ["0:a", "1:b", "2:c"]);
    assert.equal(await log.append({ value: "d" }), 3);
    await log.close();
  });

  for (
    const [what, tail] of [
      ["garbage", Buffer.from("garbage that is no batch")],
      ["zeros", Buffer.alloc(5000)],
      ["half a header", Buffer.from("534c4201aabbccdd", "hex")],
    ] as const
  ) {
    test(`a tail of ${what} is cut off and kept in quarantine`, async () => {
      await using dir = tempDir();
      const folder = await killedLog(dir.path, ["a", "b"]);
      fs.appendFileSync(join(folder, FIRST_SEGMENT), tail);
      const log = await Log.open(folder);
      assert.equal(log.recovery.tornBytes, tail.length);
      assert.ok(fs.readFileSync(log.recovery.quarantinePath!).equals(tail));
      assert.equal(fs.statSync(join(folder, FIRST_SEGMENT)).size, 64 + 72 + 72);
      assert.deepEqual(await shown(log.records()), ["0:a", "1:b"]);
      assert.equal(await log.append({ value: "c" }), 2);
      await log.close();
      const again = await Log.open(folder);
      assert.deepEqual(await shown(again.records()), ["0:a", "1:b", "2:c"]);
      await again.close();
    });
  }

  test("a batch cut short at any byte is absent, and the ones before it are whole", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a", "b"]);
    const whole = fs.readFileSync(join(folder, FIRST_SEGMENT));
    const lastBatch = 64 + 72;
    for (let length = lastBatch; length < whole.length; length++) {
      const copy = join(dir.path, `cut-${length}`);
      fs.cpSync(folder, copy, { recursive: true });
      fs.truncateSync(join(copy, FIRST_SEGMENT), length);
      await using log = await Log.open(copy);
      assert.deepEqual(await shown(log.records()), ["0:a"], `cut at ${length}`);
    }
  });

  test("damage before what a sync is known to have covered is refused, and changes nothing", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a", "b", "c"]);
    const path = join(folder, FIRST_SEGMENT);
    const bytes = fs.readFileSync(path);
    bytes[64 + 64 + 2]! ^= 1; // in the payload of the first batch
    fs.writeFileSync(path, bytes);
    const before = snapshot(folder);
    const error = await rejectsWith("corrupt", () => Log.open(folder));
    assert.equal(error.exitCode, 5);
    assert.equal(error.details.position, 64);
    assert.equal(error.details.offset, 0);
    assert.match(error.message, /position 64, .* Offset 0 cannot be read/);
    assert.ok(error.message.includes(`\`seglog repair ${folder} --accept-loss 0:1\``));
    assert.deepEqual(snapshot(folder), before);
  });

  test("reading around damage stays possible", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a", "b", "c"]);
    const path = join(folder, FIRST_SEGMENT);
    const bytes = fs.readFileSync(path);
    bytes[64 + 72 + 64 + 2]! ^= 1; // in the payload of the second batch
    fs.writeFileSync(path, bytes);
    await using log = await Log.open(folder, { readOnly: true });
    assert.equal((await log.read(0)).text, "a");
  });

  test("an index that is stale, torn or made up is built again", async () => {
    await using dir = tempDir();
    const folder = join(dir.path, "log");
    const options = { segmentBytes: 4096 };
    const log = await Log.open(folder, options);
    const value = "x".repeat(300);
    for (let i = 0; i < 50; i++) await log.append({ value });
    await log.close();
    const indexes = fs.readdirSync(folder).filter((name) => name.endsWith(".index"));
    assert.ok(indexes.length > 3);
    for (const [i, name] of indexes.entries()) {
      const path = join(folder, name);
      const bytes = fs.readFileSync(path);
      if (i % 4 === 0) fs.truncateSync(path, bytes.length - 3);
      if (i % 4 === 1) fs.appendFileSync(path, Buffer.alloc(100_000));
      if (i % 4 === 2) fs.writeFileSync(path, Buffer.alloc(bytes.length));
      if (i % 4 === 3) fs.copyFileSync(join(folder, indexes[0]!), path);
    }
    await using again = await Log.open(folder, options);
    for (let offset = 0; offset < 50; offset++) {
      assert.equal((await again.read(offset)).offset, offset);
    }
  });

  test("a crash at any step of a roll loses nothing, and offsets go on", async () => {
    const value = "x".repeat(3000);
    for (let failAt = 1;; failAt++) {
      const disk = new TrickDisk();
      const log = await Log.open("/log", { disk, segmentBytes: 4096 });
      await log.append({ value });
      let operations = 0;
      disk.onOperation = () => {
        if (++operations >= failAt) throw new SeglogError("io", "the machine is off");
      };
      let isAcknowledged = false;
      await log.append({ value }).then(() => isAcknowledged = true, () => {});
      disk.onOperation = () => {};
      disk.crash();
      const again = await Log.open("/log", { disk, segmentBytes: 4096 });
      const offsets = (await shown(again.records())).map((line) => Number(line.split(":")[0]));
      assert.ok(offsets.length >= (isAcknowledged ? 2 : 1), `after ${failAt} operations`);
      assert.deepEqual(offsets, offsets.map((_, i) => i));
      const next = await again.append({ value });
      assert.equal(next, offsets.length);
      await again.close();
      if (isAcknowledged) break;
    }
  });

  test("segments are ordered by number, not by name", async () => {
    await using dir = tempDir();
    const folder = join(dir.path, "log");
    const value = "x".repeat(2500);
    for (let round = 0; round < 6; round++) {
      await using log = await Log.open(folder, { segmentBytes: 4096 });
      for (let i = 0; i < 2; i++) await log.append({ value });
    }
    await using log = await Log.open(folder);
    assert.equal(log.nextOffset, 12);
    const offsets = (await shown(log.records())).map((line) => Number(line.split(":")[0]));
    assert.deepEqual(offsets, Array.from({ length: 12 }, (_, i) => i));
  });

  test("a missing or short sealed segment is refused, first, middle or last", async () => {
    await using dir = tempDir();
    const value = "x".repeat(2500);
    const folder = await killedLog(dir.path, Array.from({ length: 8 }, () => value), {
      segmentBytes: 4096,
    });
    const segments = fs.readdirSync(folder).filter((name) => name.endsWith(".log")).toSorted();
    for (const name of segments) {
      const path = join(folder, name);
      const bytes = fs.readFileSync(path);
      fs.rmSync(path);
      await rejectsWith("corrupt", () => Log.open(folder));
      fs.writeFileSync(path, bytes.subarray(0, 40));
      await rejectsWith("corrupt", () => Log.open(folder));
      fs.writeFileSync(path, bytes);
    }
    await (await Log.open(folder)).close();
  });

  test("swapped segments are not taken for each other", async () => {
    await using dir = tempDir();
    const value = "x".repeat(3000);
    const folder = await killedLog(dir.path, [value, value, value], { segmentBytes: 4096 });
    const [a, b] = fs.readdirSync(folder).filter((name) => name.endsWith(".log")).toSorted();
    const [pathA, pathB] = [join(folder, a!), join(folder, b!)];
    const bytes = fs.readFileSync(pathA);
    fs.copyFileSync(pathB, pathA);
    fs.writeFileSync(pathB, bytes);
    await using log = await Log.open(folder, { readOnly: true });
    await rejectsWith("corrupt", () => log.read(0));
  });

  test("an older segment in the place of the active one is refused, not cut", async () => {
    await using dir = tempDir();
    const value = "x".repeat(3000);
    const folder = await killedLog(dir.path, [value, value], { segmentBytes: 4096 });
    const [sealed, active] = fs.readdirSync(folder).filter((name) => name.endsWith(".log"))
      .toSorted();
    fs.copyFileSync(join(folder, sealed!), join(folder, active!));
    const before = snapshot(folder);
    const error = await rejectsWith("corrupt", () => Log.open(folder));
    assert.match(error.message, /its header says base offset 0/);
    assert.deepEqual(snapshot(folder), before);
  });

  test("a segment that a roll left behind is put aside, with what it holds", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a"]);
    const left = "00000000000000000001.log";
    fs.copyFileSync(join(folder, FIRST_SEGMENT), join(folder, left));
    await using log = await Log.open(folder);
    assert.equal(await log.append({ value: "b" }), 1);
    assert.equal(fs.existsSync(join(folder, left)), false);
    const kept = fs.readFileSync(join(folder, "quarantine", left));
    assert.equal(kept.length, 64 + 72);
  });

  test("a damaged or missing manifest beside data is refused, and changes nothing", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a"]);
    const path = join(folder, "partition.json");
    const text = fs.readFileSync(path, "utf8");
    for (const broken of [text.replace('"epoch":1', '"epoch":2'), text.slice(0, 50), "", "null"]) {
      fs.writeFileSync(path, broken);
      const before = snapshot(folder);
      await rejectsWith("corrupt", () => Log.open(folder));
      assert.deepEqual(snapshot(folder), before);
    }
    fs.rmSync(path);
    await rejectsWith("corrupt", () => Log.open(folder));
  });

  test("a log of a later format version is refused", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a"]);
    const path = join(folder, "partition.json");
    fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace('"version":1', '"version":2'));
    const error = await rejectsWith("unsupported", () => Log.open(folder));
    assert.match(error.message, /version 2/);
  });

  test("a stray file in the folder is left alone", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a"]);
    for (const name of ["notes.txt", "0.log", "00000000000000000000.log.bak", ".hidden"]) {
      fs.writeFileSync(join(folder, name), "mine");
    }
    await using log = await Log.open(folder);
    assert.deepEqual(await shown(log.records()), ["0:a"]);
    assert.equal(fs.readFileSync(join(folder, "notes.txt"), "utf8"), "mine");
    assert.equal(fs.readFileSync(join(folder, "0.log"), "utf8"), "mine");
  });

  test("a log closed well opens without a scan: its end is in the manifest", async () => {
    await using dir = tempDir();
    const folder = join(dir.path, "log");
    const log = await Log.open(folder);
    await log.append({ value: "a" });
    await log.close();
    const manifest = JSON.parse(fs.readFileSync(join(folder, "partition.json"), "utf8"));
    assert.deepEqual(manifest.body.clean, { bytes: 136, nextOffset: 1 });
    await using again = await Log.open(folder);
    const reopened = JSON.parse(fs.readFileSync(join(folder, "partition.json"), "utf8"));
    assert.equal(reopened.body.clean, null);
    assert.equal(reopened.body.epoch, manifest.body.epoch + 1);
    assert.deepEqual(await shown(again.records()), ["0:a"]);
  });

  test("a log does not end below its first readable offset: damage there is refused", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk });
    for (const value of ["a", "b", "c"]) await log.append({ value });
    await log.truncate({ before: 3 });
    disk.crash();
    const file = disk.open(`/log/${FIRST_SEGMENT}`, "write");
    file.truncate(64 + 72);
    file.close();
    const error = await rejectsWith("corrupt", () => Log.open("/log", { disk }));
    assert.match(error.message, /--accept-loss 3:B`/);
  });

  test("damage to a log that was closed well is refused up to its known end", async () => {
    await using dir = tempDir();
    const folder = join(dir.path, "log");
    const log = await Log.open(folder);
    for (const value of ["a", "b"]) await log.append({ value });
    await log.close();
    const path = join(folder, FIRST_SEGMENT);
    fs.truncateSync(path, fs.statSync(path).size - 8);
    await rejectsWith("corrupt", () => Log.open(folder));
  });

  test("bytes behind the end of a log that was closed well are cut off, kept, and told", async () => {
    await using dir = tempDir();
    const folder = join(dir.path, "log");
    const log = await Log.open(folder);
    await log.append({ value: "a" });
    await log.close();
    fs.appendFileSync(join(folder, FIRST_SEGMENT), Buffer.alloc(500, 7));
    await using again = await Log.open(folder);
    assert.equal(again.recovery.tornBytes, 500);
    assert.ok(fs.readFileSync(again.recovery.quarantinePath!).equals(Buffer.alloc(500, 7)));
    assert.equal(fs.statSync(join(folder, FIRST_SEGMENT)).size, 136);
    assert.deepEqual(await shown(again.records()), ["0:a"]);
  });

  test("a whole batch of an earlier opening behind one of a later is not taken for the next", async () => {
    await using dir = tempDir();
    const folder = await killedLog(dir.path, ["a", "b", "c"]);
    const path = join(folder, FIRST_SEGMENT);
    const bytes = fs.readFileSync(path);
    const { salt } = decodeSegmentHeader(bytes) as { salt: number };
    const second = 64 + 72;
    const header = decodeBatchHeader(bytes, second, salt);
    assert.ok(typeof header !== "string");
    encodeBatchHeader(bytes, second, { ...header, epoch: 5 }, salt);
    fs.writeFileSync(path, bytes);
    await using log = await Log.open(folder);
    assert.equal(log.recovery.tornBytes, 72);
    assert.deepEqual(await shown(log.records()), ["0:a", "1:b"]);
  });

  test("retries of producers are still known after a crash", async () => {
    const disk = new TrickDisk();
    const log = await Log.open("/log", { disk, segmentBytes: 4096 });
    const producer = (sequence: number) => ({ producer: { id: "p", epoch: 1, sequence } });
    const value = "x".repeat(1500);
    for (let sequence = 0; sequence < 7; sequence++) {
      await log.append({ value }, producer(sequence));
    }
    disk.crash();
    const again = await Log.open("/log", { disk, segmentBytes: 4096 });
    assert.equal(await again.append({ value }, producer(5)), 5);
    assert.equal(await again.append({ value }, producer(6)), 6);
    assert.equal(await again.append({ value }, producer(7)), 7);
    assert.equal(again.nextOffset, 8);
    await again.close();
  });
});

describe("scanActive()", () => {
  test("what lies beyond the watermark is torn, what lies below it is damaged", async () => {
    const disk = new MemoryDisk();
    const log = await Log.open("/log", { disk });
    await log.append({ value: "a" });
    const known = readManifest(disk, "/log")!;
    const file = disk.open(join("/log", FIRST_SEGMENT), "read");
    const bytes = new Uint8Array(200); // one batch, and zeros
    const end = file.read(bytes, 0);
    const { salt } = decodeSegmentHeader(bytes) as { salt: number };
    const source = { file: { read: (target: Uint8Array, at: number) => read(target, at) }, salt };
    const read = (target: Uint8Array, at: number) => {
      const found = bytes.subarray(at, at + target.length);
      target.set(found);
      return found.length;
    };
    const look = (watermark: number, size: number, nextOffset: number) => {
      const damaged: unknown[] = [];
      const manifest = { ...known, clean: { nextOffset, bytes: watermark } };
      const scan = scanActive(source, { manifest, size }, {
        batch() {},
        damage: ({ start, end, position }) => damaged.push([start, end, position]),
      });
      assert.equal(scan.isDamaged, damaged.length > 0);
      return { tornBytes: scan.tornBytes, damaged };
    };
    assert.deepEqual(look(end, end, 1), { tornBytes: 0, damaged: [] });
    assert.deepEqual(look(end, 200, 1), { tornBytes: 200 - end, damaged: [] });
    assert.deepEqual(look(end + 1, 200, 3), { tornBytes: 0, damaged: [[1, 3, end]] });
    assert.deepEqual(look(end + 1, end, 3), { tornBytes: 0, damaged: [[1, 3, end]] });
    assert.deepEqual(look(end, end, 3), { tornBytes: 0, damaged: [[1, 3, end]] });
    await log.close();
  });
});

function snapshot(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of fs.readdirSync(folder).toSorted()) {
    if (name === "LOCK") continue;
    files[name] = fs.readFileSync(join(folder, name)).toString("base64");
  }
  return files;
}
