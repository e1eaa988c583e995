import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { concatBytes, dataViewOf, equalBytes } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import { SeglogError } from "../../core/base/errors.ts";
import {
  BATCH_RECORDS_MAX,
  BATCH_STORED_BYTES_MAX,
  BATCH_UNCOMPRESSED_BYTES_MAX,
  TIMESTAMP_MS_MAX,
} from "../../core/base/limits.ts";
import { BatchView, decodeBatch } from "../../core/format/batch.ts";
import { encodeBatch } from "../../core/format/batch_builder.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  decodeBatchHeader,
  encodeBatchHeader,
  WIRE_SALT,
} from "../../core/format/batch_header.ts";
import { type Codec, CODECS, compress } from "../../core/format/compression.ts";

const SALT = 0x12345678;
const RECORDS = [{ key: "k", value: "value", headers: { a: "b" } }, { key: "k", value: null }];

for (const codec of CODECS) {
  test(`every flipped bit of a ${codec} batch is noticed`, () => {
    const value = codec === "none" ? "v" : "a long value that repeats ".repeat(20);
    const bytes = encodeBatch([{ value }, ...RECORDS], { nowMs: 1000, codec });
    const batch = decodeBatch(bytes, 0, WIRE_SALT) as BatchView;
    assert.equal(batch.header.codec, codec);
    const covered = BATCH_HEADER_BYTES + batch.header.payloadLength;
    for (let bit = 0; bit < covered * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const outcome = decodeBatch(damaged, 0, WIRE_SALT);
      if (bit < BATCH_HEADER_BYTES * 8) {
        assert.equal(typeof outcome, "string", `bit ${bit} of the header`);
      } else {
        assert.equal((outcome as BatchView).isIntact(), false, `bit ${bit}`);
        assert.throws(() => [...(outcome as BatchView).records()], { code: "corrupt" });
      }
    }
  });
}

test("a batch that is cut off anywhere is noticed", () => {
  const bytes = encodeBatch(RECORDS, { nowMs: 1000 });
  for (let length = 0; length < bytes.length; length++) {
    assert.match(decodeBatch(bytes.subarray(0, length), 0, WIRE_SALT) as string, /cut off/);
  }
});

test("zeros, as a file system leaves them behind a crash, are not a batch", () => {
  assert.equal(decodeBatchHeader(new Uint8Array(4096), 0, SALT), "magic is missing");
});

test("a batch forged inside a value is not taken for one of the segment", () => {
  const forged = encodeBatch([{ value: "forged" }], { nowMs: 1 });
  // However it is aligned inside the value, a search at multiples of 8 meets its header.
  for (let shift = 0; shift < 8; shift++) {
    const value = concatBytes([new Uint8Array(shift), forged, new Uint8Array(8)]);
    const outer = encodeBatch([{ value }], { nowMs: 1 });
    encodeBatchHeader(outer, 0, headerOf(outer), SALT);
    const found: number[] = [];
    for (let at = 0; at < outer.length; at += 8) {
      if (typeof decodeBatchHeader(outer, at, SALT) !== "string") found.push(at);
    }
    assert.deepEqual(found, [0]);
  }
});

test("lengths of 4 GiB are refused before anything is allocated for them", () => {
  const claims: [Partial<BatchHeader>, RegExp][] = [
    [{ payloadLength: 0xffffffff }, /payload length 4294967295 is too large/],
    [{ payloadLength: BATCH_STORED_BYTES_MAX + 1 }, /payload length/],
    [{ codec: "gzip", uncompressedLength: 0xffffffff }, /uncompressed length 4294967295/],
    [{ codec: "zstd", uncompressedLength: BATCH_UNCOMPRESSED_BYTES_MAX + 1 }, /uncompressed/],
    [{ uncompressedLength: 3 }, /lengths of an uncompressed payload differ/],
    [{ recordCount: 0 }, /record count is 0/],
    [{ recordCount: 0xffffffff, lastOffsetDelta: 0xffffffff }, /record count/],
    [{ recordCount: BATCH_RECORDS_MAX + 1, lastOffsetDelta: BATCH_RECORDS_MAX }, /record count/],
    [{ lastOffsetDelta: 0 }, /below the record count/],
    [{ baseOffset: Number.MAX_SAFE_INTEGER - 1 }, /offset is too large/],
    [{ baseTimestampMs: TIMESTAMP_MS_MAX + 1 }, /timestamp/],
    [{ maxTimestampMs: Number.MAX_SAFE_INTEGER }, /timestamp/],
  ];
  for (const [claim, complaint] of claims) {
    const bytes = encodeBatch(RECORDS, { nowMs: 1 });
    encodeBatchHeader(bytes, 0, { ...headerOf(bytes), ...claim }, WIRE_SALT);
    assert.match(decodeBatch(bytes, 0, WIRE_SALT) as string, complaint);
  }
});

test("attributes and reserved bits of a later version are refused", () => {
  for (const [at, value] of [[56, 3], [56, 7], [56, 16], [57, 1], [58, 1], [59, 128]] as const) {
    const bytes = encodeBatch(RECORDS, { nowMs: 1 });
    bytes[at] = value;
    dataViewOf(bytes).setUint32(4, crc32(bytes.subarray(8, 64), WIRE_SALT), true);
    assert.match(decodeBatchHeader(bytes, 0, WIRE_SALT) as string, /not known to this version/);
  }
});

test("a payload that lies is corrupt, and the error names the offsets", () => {
  const lies: [Uint8Array, Partial<BatchHeader>][] = [
    [Uint8Array.of(0x0a, 0), { recordCount: 2, lastOffsetDelta: 1 }], // fewer records
    [Uint8Array.of(0x0a, 0, 0x0a, 0), {}], // more records
    [Uint8Array.of(0x0a, 9), {}], // cut off
    [Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f), {}], // 4 GiB
    [Uint8Array.of(0x0b), {}], // a wire type that does not exist
    [Uint8Array.of(0x0a, 2, 0x28, 9), { lastOffsetDelta: 3 }], // an offset past the last
    [Uint8Array.of(0x0a, 2, 0x28, 1, 0x0a, 2, 0x28, 1), { recordCount: 2, lastOffsetDelta: 3 }],
    [Uint8Array.of(0x0a, 2, 0x20, 1), {}], // a timestamp below 0
    [Uint8Array.of(0x0a, 2, 0x20, 2), { baseTimestampMs: TIMESTAMP_MS_MAX }], // one too large
    [Uint8Array.of(0x0a, 5, 0x1a, 3, 0x0a, 1, 0xff), {}], // a header that is not UTF-8
    [Uint8Array.of(0x0a, 2, 0x08, 0), {}], // a key that is a number
    [Uint8Array.of(0x0a, 0, 0x10, 0), {}], // a producer that is a number
    [Uint8Array.of(0x0a, 2, 0x02, 0), {}], // field 0
    [Uint8Array.of(0x0a, 7, 0x82, 0x80, 0x80, 0x80, 0x10, 0, 0), {}], // field 2^29
    [Uint8Array.of(0x0a, 8, 0xfa, 0x80, 0x80, 0x80, 0x80, 0, 1, 0), {}], // a tag of 6 bytes
    [Uint8Array.of(0x0a, 0, 0x12, 3, 0x0a, 1, 0x70), {}], // a producer that the header does not tell
  ];
  for (const [payload, changes] of lies) {
    const batch = batchWith(payload, changes);
    assert.throws(() => [...batch.records()], (error: SeglogError) => {
      assert.equal(error.code, "corrupt");
      assert.deepEqual(error.details, { start: 70, end: batch.nextOffset });
      return true;
    });
  }
  const producer = [0x12, 3, 0x0a, 1, 0x70];
  assert.equal(producerOf([...producer])?.id, "p");
  assert.throws(() => producerOf([]), { code: "corrupt" });
  assert.throws(() => producerOf([...producer, ...producer]), { code: "corrupt" }); // two of them
  assert.throws(() => producerOf([0x12, 3, 0x0a, 1, 0xff]), { code: "corrupt" }); // not UTF-8
});

for (const codec of ["gzip", "zstd"] as const) {
  test(`a ${codec} payload that unpacks to another length is corrupt`, () => {
    const message = encodeBatch([{ value: "x".repeat(1000) }], { nowMs: 1 }).subarray(64, -2);
    const packed = compress(message, codec)!;
    const right = message.length;
    for (const uncompressedLength of [0, 1, right - 1, right + 1, BATCH_UNCOMPRESSED_BYTES_MAX]) {
      const batch = batchWith(packed, { codec, uncompressedLength });
      assert.throws(() => batch.payload(), { code: "corrupt" }, String(uncompressedLength));
    }
    const batch = batchWith(packed, { codec, uncompressedLength: right });
    assert.ok(equalBytes(batch.payload(), message));
  });

  test(`a ${codec} payload of something else is corrupt`, () => {
    const other: Codec = codec === "gzip" ? "zstd" : "gzip";
    const packed = compress(new Uint8Array(500), other)!;
    const batch = batchWith(packed, { codec, uncompressedLength: 500 });
    assert.throws(() => batch.payload(), { code: "corrupt" });
  });
}

test("a compression bomb is not unpacked past its promise", () => {
  const bomb = gzipSync(new Uint8Array(BATCH_UNCOMPRESSED_BYTES_MAX));
  const batch = batchWith(bomb, { codec: "gzip", uncompressedLength: 100 });
  assert.throws(() => batch.payload(), { code: "corrupt" });
});

function producerOf(field: readonly number[]) {
  return batchWith(Uint8Array.of(0x0a, 0, ...field), { hasProducer: true }).producer();
}

function headerOf(bytes: Uint8Array): BatchHeader {
  return decodeBatchHeader(bytes, 0, WIRE_SALT) as BatchHeader;
}

/** A batch whose checksums are right, around a payload that is not. */
function batchWith(payload: Uint8Array, changes: Partial<BatchHeader>): BatchView {
  const header: BatchHeader = {
    payloadCrc: crc32(payload),
    payloadLength: payload.length,
    baseOffset: 70,
    recordCount: 1,
    lastOffsetDelta: 0,
    baseTimestampMs: 0,
    maxTimestampMs: 0,
    durableUpTo: 0,
    epoch: 0,
    codec: "none",
    hasProducer: false,
    uncompressedLength: payload.length,
    ...changes,
  };
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + payload.length + 7);
  bytes.set(payload, BATCH_HEADER_BYTES);
  encodeBatchHeader(bytes, 0, header, WIRE_SALT);
  const batch = decodeBatch(bytes, 0, WIRE_SALT);
  if (typeof batch === "string") throw new Error(batch);
  return batch;
}
