/** Readers, verify, repair, recovery and backup believe the same bytes, and name the same loss. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  backup,
  Log,
  MemoryDisk,
  repair,
  restore,
  SeglogError,
  Store,
  verify,
  type VerifyProblem,
} from "../../mod.ts";
import {
  batchLength,
  decodeBatchHeader,
  encodeBatchHeader,
} from "../../core/format/batch_header.ts";
import type { BatchHeader } from "../../core/format/batch_header.ts";
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../../core/format/segment_header.ts";
import { addGap, type Gap } from "../../core/log/gaps.ts";
import { rejectsWith } from "../support/collect.ts";

const STORE = "/store";
const FOLDER = "/store/t-0";
const SEGMENT = `${FOLDER}/00000000000000000000.log`;
const RECORDS = 10;

interface Place {
  readonly at: number;
  readonly length: number;
  readonly header: BatchHeader;
}

function bytesOf(disk: MemoryDisk): Uint8Array {
  const file = disk.open(SEGMENT, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  return bytes;
}

/** Where the batches of the first segment are. */
function batchesOf(disk: MemoryDisk): { batches: Place[]; salt: number } {
  const bytes = bytesOf(disk);
  const { salt } = decodeSegmentHeader(bytes) as { salt: number };
  const batches: Place[] = [];
  for (let at = SEGMENT_HEADER_BYTES; at < bytes.length;) {
    const header = decodeBatchHeader(bytes, at, salt) as BatchHeader;
    const length = batchLength(header);
    batches.push({ at, length, header });
    at += length;
  }
  return { batches, salt };
}

function overwrite(disk: MemoryDisk, at: number, bytes: Uint8Array): void {
  disk.open(SEGMENT, "write").write(bytes, at);
}

function garble(disk: MemoryDisk, at: number): void {
  overwrite(disk, at, bytesOf(disk).subarray(at, at + 4).map((byte) => byte ^ 0xff));
}

/** A store of ten records in batches of their own, three openings long. */
async function fill(disk: MemoryDisk): Promise<void> {
  const store = await Store.open(STORE, { disk });
  await store.append("t", [{ value: "0" }]);
  await store.close();
  for (let epoch = 0, next = 1; epoch < 3; epoch++) {
    const log = await Log.open(FOLDER, { disk });
    for (let i = 0; i < 3; i++) await log.append({ value: String(next++).repeat(50) });
    await log.close();
  }
}

/** Puts one more record into a second segment, so that the first is sealed. */
async function seal(disk: MemoryDisk): Promise<void> {
  const log = await Log.open(FOLDER, { disk, segmentBytes: 65536 });
  await log.append({ value: "y".repeat(70_000) });
  await log.close();
}

/** The damage in a report, as ranges of offsets. */
function damaged({ problems }: { problems: readonly VerifyProblem[] }): Gap[] {
  return joined(
    problems.filter(({ severity }) => severity === "damage")
      .map(({ start, end }) => ({ start: start!, end: end! })),
  );
}

function joined(ranges: Gap[]): Gap[] {
  return ranges.reduce<Gap[]>(addGap, []);
}

/** The offsets that reading forwards finds, and the ranges that it is told are lost. */
async function readThrough(disk: MemoryDisk) {
  await using log = await Log.open(FOLDER, { disk, readOnly: true });
  const offsets: number[] = [];
  const lost: Gap[] = [];
  let from = log.logStartOffset;
  while (from < log.nextOffset) {
    try {
      for await (const { offset } of log.records({ from })) offsets.push(offset);
      break;
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      const [start, end] = [Number(error.details.start), Number(error.details.end)];
      lost.push({ start, end });
      from = end;
    }
  }
  return { offsets, lost: joined(lost) };
}

/** That all name the same loss `[start, end)` of the sealed first segment, and repair takes it. */
async function assertLost(disk: MemoryDisk, start: number, end: number): Promise<void> {
  assert.deepEqual((await readThrough(disk)).lost, [{ start, end }]);
  assert.deepEqual(damaged(verify(STORE, { disk })), [{ start, end }]);
  assert.deepEqual(damaged(await backup(STORE, "/backup", { disk })), [{ start, end }]);
  const refused = await rejectsWith("corrupt", () => repair(FOLDER, { disk }));
  assert.match(refused.message, new RegExp(`--accept-loss ${start}:${end}`));
  const report = await repair(FOLDER, { disk, acceptLoss: { start, end } });
  assert.deepEqual(report.lost, [{ start, end }]);
  assert.equal(verify(STORE, { disk }).ok, true);
  const after = await readThrough(disk);
  assert.equal(after.offsets.length, RECORDS + 1 - (end - start));
}

describe("one rule of belief", () => {
  test("a torn tail behind damage is not lost: it goes to quarantine", async () => {
    const disk = new MemoryDisk();
    const log = await Log.open(FOLDER, { disk });
    for (let i = 0; i < 6; i++) await log.append({ value: `v${i}` });
    const { batches } = batchesOf(disk);
    disk.crash();
    garble(disk, batches[2]!.at + 64);
    garble(disk, batches[5]!.at + 64);
    const torn = bytesOf(disk).subarray(batches[5]!.at);
    const report = verify(FOLDER, { disk });
    assert.deepEqual(damaged(report), [{ start: 2, end: 3 }]);
    assert.ok(report.problems.some(({ message }) => /a torn tail/.test(message)));
    assert.deepEqual(await readThrough(disk), {
      offsets: [0, 1, 3, 4],
      lost: [{ start: 2, end: 3 }],
    });
    const refused = await rejectsWith("corrupt", () => Log.open(FOLDER, { disk }));
    assert.match(refused.message, /Offset 2 cannot be read.* --accept-loss 2:3`/);
    const repaired = await repair(FOLDER, { disk, acceptLoss: { start: 2, end: 3 } });
    assert.deepEqual(repaired.lost, [{ start: 2, end: 3 }]);
    const [kept] = repaired.quarantined;
    const file = disk.open(kept!, "read");
    const bytes = new Uint8Array(file.size());
    file.read(bytes, 0);
    assert.deepEqual(bytes.subarray(bytes.length - torn.length), torn);
    await using again = await Log.open(FOLDER, { disk });
    assert.equal(again.nextOffset, 5);
  });

  test("a backup tells no damage where verify says that no record is lost", async () => {
    const disk = new MemoryDisk();
    await fill(disk);
    await seal(disk);
    const log = await Log.open(FOLDER, { disk });
    await log.truncate({ before: 5 });
    await log.close();
    const { batches } = batchesOf(disk);
    garble(disk, batches[2]!.at + 64);
    const report = verify(STORE, { disk });
    assert.equal(report.ok, true);
    assert.match(report.problems[0]!.message, /no record is lost/);
    for (let i = 0; i < 2; i++) {
      const { ok, problems } = await backup(STORE, "/backup", { disk });
      assert.deepEqual([ok, problems], [true, []]);
    }
    assert.equal((await restore("/backup", "/restored", { disk })).ok, true);
    garble(disk, batches[6]!.at + 64);
    assert.deepEqual(damaged(verify(STORE, { disk })), [{ start: 6, end: 7 }]);
    assert.deepEqual(damaged(await backup(STORE, "/backup", { disk })), [{ start: 6, end: 7 }]);
  });

  for (const isBehindDamage of [false, true]) {
    const where = isBehindDamage ? " behind damage" : "";
    test(`an epoch that falls${where} is damage to all of them`, async () => {
      const disk = new MemoryDisk();
      await fill(disk);
      await seal(disk);
      const { batches, salt } = batchesOf(disk);
      const bytes = bytesOf(disk);
      encodeBatchHeader(bytes, batches[5]!.at, { ...batches[5]!.header, epoch: 1 }, salt);
      overwrite(disk, 0, bytes);
      if (isBehindDamage) garble(disk, batches[4]!.at);
      await assertLost(disk, isBehindDamage ? 4 : 5, 6);
    });
  }

  test("a copy of a later batch over an earlier one costs that one only", async () => {
    const disk = new MemoryDisk();
    await fill(disk);
    await seal(disk);
    const { batches: { 2: early, 6: late } } = batchesOf(disk);
    overwrite(disk, early!.at, bytesOf(disk).slice(late!.at, late!.at + late!.length));
    await assertLost(disk, 2, 3);
  });

  test("a copy of a later batch over the end of two earlier ones costs those", async () => {
    const disk = new MemoryDisk();
    await fill(disk);
    await seal(disk);
    const { batches: { 2: early, 6: late } } = batchesOf(disk);
    overwrite(disk, early!.at + 64, bytesOf(disk).slice(late!.at, late!.at + late!.length));
    await assertLost(disk, 2, 4);
  });

  test("a copy of the first batch further on is not taken for it", async () => {
    const disk = new MemoryDisk();
    await fill(disk);
    await seal(disk);
    const { batches: { 0: first, 1: second } } = batchesOf(disk);
    overwrite(disk, second!.at, bytesOf(disk).slice(first!.at, first!.at + first!.length));
    garble(disk, first!.at);
    await assertLost(disk, 0, 2);
  });
});

test("damage in a log that was closed well costs its own records, whatever no batch says was synced", async () => {
  const disk = new MemoryDisk();
  const store = await Store.open(STORE, { disk, defaults: { sync: "os" } });
  for (let i = 0; i < RECORDS; i++) await store.append("t", [{ value: `${i}` }]);
  await store.close();
  const { batches } = batchesOf(disk);
  assert.ok(batches.every(({ header }) => header.durableUpTo === SEGMENT_HEADER_BYTES));
  overwrite(disk, batches[4]!.at + 66, Uint8Array.of(0xee));
  const damages = verify(STORE, { disk }).problems.filter(({ severity }) => severity === "damage");
  assert.deepEqual(damages.map(({ start, end }) => [start, end]), [[4, 5]]);
  const report = await repair(FOLDER, { disk, acceptLoss: { start: 4, end: 5 } });
  assert.deepEqual(report.lost, [{ start: 4, end: 5 }]);
  assert.equal(report.records, RECORDS - 1);
});
