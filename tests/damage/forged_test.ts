/**
 * Values that hold what looks like batches and segments, and lengths that promise too much.
 *
 * What is promised: the checksum of a batch header is seeded with 32 random bits that only the
 * segment file holds. Bytes that were made elsewhere (encoded batches as they travel, other segments,
 * a copy of another store) pass for a batch of the file as seldom as random bytes do, once in 2^32,
 * even right behind damage, where every eighth byte is looked at. A copy of the file itself, in a
 * value, is not taken for later batches, since its offsets do not fit. Whoever reads the file can
 * make a batch that would fit: checksums guard against accidents, not against them, and it would
 * still be found only where damage had destroyed the header of the batch that carries it.
 */
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, test } from "node:test";
import { encodeBatch, Log, MemoryDisk, type RecordInput, verify } from "../../mod.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  decodeBatchHeader,
  encodeBatchHeader,
} from "../../core/format/batch_header.ts";
import { decodeSegmentHeader, encodeSegmentHeader } from "../../core/format/segment_header.ts";
import { crc32 } from "../../core/base/crc32.ts";
import { rejectsWith } from "../support/collect.ts";
import { examine } from "./examine.ts";
import { type Files, MapDisk } from "./map_disk.ts";
import { filesOf, truthOf } from "./small_store.ts";

const SEGMENT = "/log/00000000000000000000.log";
const ALIGNMENT = 8;

/** The bytes once at each place that a batch could start at, however the value comes to lie. */
function atEveryAlignment(bytes: Uint8Array): Uint8Array {
  const stride = Math.ceil((bytes.length + 1) / ALIGNMENT) * ALIGNMENT + 1;
  const all = new Uint8Array(stride * ALIGNMENT);
  for (let i = 0; i < ALIGNMENT; i++) all.set(bytes, i * stride);
  return all;
}

/** Batches as they travel, one for each of some offsets. */
function wireBatches(): Uint8Array {
  const batches = [0, 1, 2, 3, 4, 50].map((baseOffset) =>
    encodeBatch([{ value: "forged" }], { nowMs: 1, baseOffset })
  );
  return new Uint8Array(batches.flatMap((batch) => [...batch]));
}

/** The same with the salt of another segment. */
function batchesOfAnotherSegment(): Uint8Array {
  const bytes = wireBatches();
  let at = 0;
  while (at < bytes.length) {
    const header = decodeBatchHeader(bytes, at, 0) as BatchHeader;
    encodeBatchHeader(bytes, at, header, 0x5eed5eed);
    at += BATCH_HEADER_BYTES + Math.ceil(header.payloadLength / 8) * 8;
  }
  return bytes;
}

function segmentHeader(): Uint8Array {
  const header = { salt: 0x5eed5eed, baseOffset: 0, logId: "ab".repeat(16), createdMs: 1 };
  return encodeSegmentHeader(header);
}

/** A log with these values, closed well. */
async function filesWith(records: readonly RecordInput[]): Promise<Files> {
  const disk = new MemoryDisk();
  const log = await Log.open("/log", { disk });
  for (const record of records) await log.append(record);
  await log.close();
  return filesOf(disk, "/log");
}

function saltOf(files: Files): number {
  const header = decodeSegmentHeader(files.get(SEGMENT)!);
  assert.ok(typeof header !== "string");
  return header.salt;
}

/** Where the batches of the segment start. */
function positionsIn(files: Files): number[] {
  const bytes = files.get(SEGMENT)!;
  const salt = saltOf(files);
  const positions: number[] = [];
  for (let at = 64; at < bytes.length;) {
    const header = decodeBatchHeader(bytes, at, salt);
    assert.ok(typeof header !== "string", String(header));
    positions.push(at);
    at += BATCH_HEADER_BYTES + Math.ceil(header.payloadLength / 8) * 8;
  }
  return positions;
}

test("the segments of a log have salts of their own", async () => {
  const disk = new MemoryDisk();
  await using log = await Log.open("/log", { disk, segmentBytes: 4096 });
  for (let i = 0; i < 20; i++) await log.append({ value: "x".repeat(3000) });
  const salts = disk.list("/log")!.filter(({ name }) => name.endsWith(".log")).map(({ name }) => {
    const header = new Uint8Array(64);
    disk.open(`/log/${name}`, "read").read(header, 0);
    const decoded = decodeSegmentHeader(header);
    assert.ok(typeof decoded !== "string");
    return decoded.salt;
  });
  assert.equal(new Set(salts).size, 20);
});

describe("a value that holds", () => {
  for (
    const [what, forged] of [
      ["batches as they travel", wireBatches()],
      ["batches of another segment", batchesOfAnotherSegment()],
      ["a segment header and its batches", joined(segmentHeader(), batchesOfAnotherSegment())],
      ["a segment header and batches as they travel", joined(segmentHeader(), wireBatches())],
    ] as const
  ) {
    test(`${what} is a value, also where damage has it searched for batches`, async () => {
      const value = atEveryAlignment(forged);
      const files = await filesWith([{ value: "a" }, { value }, { value: "b" }, { value }]);
      const truth = await truthOf(new MapDisk(files), "/log");
      const allowed = { changed: [SEGMENT], mayVanish: false, isCut: false };
      assert.equal(await examine(files, "/log", truth, allowed), "harmless");
      for (const [offset, position] of positionsIn(files).entries()) {
        for (const at of [0, 10, 20, BATCH_HEADER_BYTES]) { // header and payload
          const bytes = files.get(SEGMENT)!.slice();
          bytes[position + at]! ^= 0xff;
          const damaged = new Map(files).set(SEGMENT, bytes);
          assert.equal(await examine(damaged, "/log", truth, allowed), "told");
          const { problems } = verify("/log", { disk: new MapDisk(damaged) });
          assert.deepEqual(problems.map(({ start, end }) => [start, end]), [[offset, offset + 1]]);
        }
      }
    });
  }

  test("the file of its own log is a value, also where damage has it searched", async () => {
    const disk = new MemoryDisk();
    const log = await Log.open("/log", { disk });
    for (const value of ["a", "b", "c"]) await log.append({ value });
    const value = atEveryAlignment(filesOf(disk, "/log").get(SEGMENT)!);
    await log.append({ value });
    await log.append({ value: "d" });
    await log.close();
    const files = filesOf(disk, "/log");
    const truth = await truthOf(new MapDisk(files), "/log");
    const bytes = files.get(SEGMENT)!.slice();
    bytes[positionsIn(files)[3]! + 20]! ^= 0xff;
    const damaged = new Map(files).set(SEGMENT, bytes);
    const allowed = { changed: [SEGMENT], mayVanish: false, isCut: false };
    assert.equal(await examine(damaged, "/log", truth, allowed), "told");
    const { problems } = verify("/log", { disk: new MapDisk(damaged) });
    assert.deepEqual(problems.map(({ start, end }) => [start, end]), [[3, 4]]);
  });
});

describe("a batch whose header was made to promise too much", () => {
  /** Replaces the header of the middle one of three batches, checksum and all. */
  async function withHeader(
    changes: Partial<BatchHeader>,
    payload?: Uint8Array,
  ): Promise<MapDisk> {
    const files = await filesWith([{ value: "a" }, { value: "x".repeat(400) }, { value: "b" }]);
    const bytes = files.get(SEGMENT)!.slice();
    const [, position] = positionsIn(files);
    const salt = saltOf(files);
    const header = decodeBatchHeader(bytes, position!, salt) as BatchHeader;
    if (payload !== undefined) bytes.set(payload, position! + BATCH_HEADER_BYTES);
    const stored = bytes.subarray(position! + BATCH_HEADER_BYTES).subarray(0, header.payloadLength);
    encodeBatchHeader(bytes, position!, { ...header, payloadCrc: crc32(stored), ...changes }, salt);
    return new MapDisk(new Map(files).set(SEGMENT, bytes));
  }

  for (
    const [what, changes] of [
      ["4 GiB of payload", { payloadLength: 0xffffffff, uncompressedLength: 0xffffffff }],
      ["32 MiB of payload", { payloadLength: 32 << 20, uncompressedLength: 32 << 20 }],
      ["4 GiB when unpacked", { codec: "gzip", uncompressedLength: 0xffffffff }],
      ["a thousand million records", { recordCount: 1e9, lastOffsetDelta: 1e9 - 1 }],
      ["a million offsets", { lastOffsetDelta: 999_999 }],
      ["an offset past all numbers", { baseOffset: Number.MAX_SAFE_INTEGER }],
    ] as const
  ) {
    test(`${what}: is damage, and nothing is allocated for it`, async () => {
      const disk = await withHeader(changes as Partial<BatchHeader>); // a read that asks for too much throws
      await using log = await Log.open("/log", { disk, readOnly: true });
      const error = await rejectsWith("corrupt", () => log.read(1));
      assert.deepEqual([error.details.start, error.details.end], [1, 2]);
      assert.equal((await log.read(0)).text, "a");
      assert.equal((await log.read(2)).text, "b");
    });
  }

  for (const [codec, pack] of [["gzip", gzipSync], ["zstd", zstdCompressSync]] as const) {
    test(`${codec} that unpacks to more, or to less, than it promised is damage`, async () => {
      const bomb = pack(new Uint8Array(200_000));
      for (const uncompressedLength of [100, 64 << 20]) {
        const payload = new Uint8Array(400);
        payload.set(bomb);
        const disk = await withHeader({ codec, uncompressedLength }, payload);
        await using log = await Log.open("/log", { disk, readOnly: true });
        const error = await rejectsWith("corrupt", () => log.read(1));
        assert.deepEqual([error.details.start, error.details.end], [1, 2]);
        assert.equal((await log.read(2)).text, "b");
      }
    });
  }
});

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return new Uint8Array([...a, ...b]);
}
