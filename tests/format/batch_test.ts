import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter, concatBytes } from "../../core/base/bytes.ts";
import { BATCH_STORED_BYTES_MAX, TIMESTAMP_MS_MAX } from "../../core/base/limits.ts";
import { type BatchView, decodeBatch, rehead } from "../../core/format/batch.ts";
import { BatchBuilder, encodeBatch } from "../../core/format/batch_builder.ts";
import {
  BATCH_ALIGNMENT,
  batchLength,
  decodeBatchHeader,
  WIRE_SALT,
} from "../../core/format/batch_header.ts";
import { codecs, producers, recordLists } from "./arbitraries.ts";
import { expectedRecord, plainRecord } from "./expected_record.ts";

const offsets = fc.oneof(
  fc.nat(1000),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 100 }),
);

test("a batch gives back its records, its offsets, its times and its producer", () => {
  const cases = fc.tuple(recordLists, offsets, codecs, fc.option(producers, { nil: undefined }));
  fc.assert(fc.property(cases, ([records, baseOffset, codec, producer]) => {
    const bytes = encodeBatch(records, { nowMs: 5, baseOffset, codec, producer });
    const batch = decoded(bytes);
    assert.equal(batch.baseOffset, baseOffset);
    assert.equal(batch.nextOffset, baseOffset + records.length);
    assert.equal(batch.header.maxTimestampMs, Math.max(...records.map((r) => r.timestamp)));
    assert.deepEqual(batch.producer(), producer);
    assert.deepEqual(
      [...batch.records()].map(plainRecord),
      records.map((record, i) => expectedRecord(record, baseOffset + i)),
    );
  }));
});

test("a batch starts at a multiple of 8 and is padded with zeros", () => {
  for (let length = 0; length < 17; length++) {
    const bytes = encodeBatch([{ value: "x".repeat(length) }], { nowMs: 0 });
    const { header } = decoded(bytes);
    assert.equal(bytes.length % BATCH_ALIGNMENT, 0);
    assert.equal(bytes.length, batchLength(header));
    assert.ok(bytes.subarray(64 + header.payloadLength).every((byte) => byte === 0));
  }
});

test("batches lie behind one another in the writer that builds them", () => {
  const writer = new ByteWriter(16);
  const starts: number[] = [];
  for (const baseOffset of [10, 11, 13]) {
    const builder = new BatchBuilder(writer, baseOffset);
    builder.add(baseOffset === 11 ? [{ value: "a" }, { value: "b" }] : [{ value: "c" }], 1);
    const { start, end } = builder.finish("none");
    starts.push(start);
    assert.equal(end, writer.length);
  }
  assert.equal(starts[0], 0);
  assert.ok(starts.every((start) => start % BATCH_ALIGNMENT === 0));
});

test("timestamps as far apart as can be stay exact", () => {
  const records = [0, TIMESTAMP_MS_MAX, 1, TIMESTAMP_MS_MAX - 1, 0].map((timestamp) => ({
    value: "",
    timestamp,
  }));
  for (const list of [records, records.slice(1)]) {
    const batch = decoded(encodeBatch(list, { nowMs: 0 }));
    assert.deepEqual(
      [...batch.records()].map((record) => record.timestamp),
      list.map((record) => record.timestamp),
    );
  }
});

test("a batch that does not get smaller by compression is stored as it is", () => {
  const batch = decoded(encodeBatch([{ value: "x" }], { nowMs: 0, codec: "gzip" }));
  assert.equal(batch.header.codec, "none");
});

test("add() adds all of the records or none", () => {
  const writer = new ByteWriter();
  const builder = new BatchBuilder(writer, 0);
  builder.add([{ value: "first", timestamp: 10 }], 0);
  const before = builder.payloadBytes;
  assert.throws(
    () => builder.add([{ value: "good", timestamp: 99 }, { value: "bad", timestamp: -1 }], 0),
    { code: "invalid-record" },
  );
  assert.deepEqual([builder.payloadBytes, builder.recordCount, builder.nextOffset], [before, 1, 1]);
  const { header } = builder.finish("none");
  assert.equal(header.maxTimestampMs, 10);
});

test("a batch past its limit is refused, and names the limit", () => {
  const value = new Uint8Array(12 * 1024 * 1024);
  assert.throws(
    () => encodeBatch([{ value }, { value }, { value }], { nowMs: 0 }),
    { code: "too-large", details: { bytes: 37748766, limit: BATCH_STORED_BYTES_MAX } },
  );
});

test("a producer that cannot be written down is refused", () => {
  const good = { id: "p", epoch: 0, sequence: 0 };
  const bad = [{ id: "" }, { id: "x".repeat(201) }, { epoch: -1 }, { epoch: 0.5 }, {
    sequence: NaN,
  }];
  for (const part of bad) {
    assert.throws(
      () => encodeBatch([{ value: "" }], { nowMs: 0, producer: { ...good, ...part } }),
      { code: "invalid-argument" },
    );
  }
});

test("rehead() gives a batch another place and leaves its payload alone", () => {
  const batch = decoded(encodeBatch([{ value: "a" }, { value: "b" }], { nowMs: 7 }));
  const moved = rehead(batch, { baseOffset: 500, epoch: 9 }, 1234);
  assert.equal(typeof decodeBatch(moved, 0, WIRE_SALT), "string");
  const there = decodeBatch(moved, 0, 1234) as BatchView;
  assert.deepEqual([...there.records()].map((record) => record.offset), [500, 501]);
  assert.deepEqual(there.payload(), batch.payload());
  assert.equal(there.header.epoch, 9);
  assert.equal(decoded(batch.bytes).baseOffset, 0);
});

test("a batch is read where it lies, with what is before and behind it", () => {
  const first = encodeBatch([{ value: "first" }], { nowMs: 1 });
  const second = encodeBatch([{ value: "second" }], { nowMs: 1, baseOffset: 1 });
  const bytes = concatBytes([Uint8Array.of(1, 2, 3), first, second, Uint8Array.of(9)]);
  const view = decodeBatch(bytes, 3 + first.length, WIRE_SALT) as BatchView;
  assert.equal([...view.records()][0]!.text, "second");
  assert.equal(view.bytes.length, second.length);
});

test("a header says in words why it is not believed", () => {
  const bytes = encodeBatch([{ value: "a" }], { nowMs: 1 });
  const shorter = bytes.subarray(0, 63);
  assert.equal(decodeBatchHeader(shorter, 0, WIRE_SALT), "header is cut off");
  assert.equal(decodeBatchHeader(bytes, 1, WIRE_SALT), "magic is missing");
  assert.equal(decodeBatch(bytes.subarray(0, -1), 0, WIRE_SALT), "payload is cut off");
  assert.equal(decodeBatch(bytes, 0, 1), "header checksum does not match");
});

function decoded(bytes: Uint8Array): BatchView {
  const batch = decodeBatch(bytes, 0, WIRE_SALT);
  if (typeof batch === "string") throw new Error(batch);
  return batch;
}

test("rehead() leaves the batch as it was, also one that lies in a Buffer", () => {
  const bytes = Buffer.from(encodeBatch([{ value: "v" }], { nowMs: 1 }));
  const batch = decodeBatch(bytes, 0, WIRE_SALT) as BatchView;
  const before = Uint8Array.from(bytes);
  rehead(batch, { baseOffset: 7 }, 5);
  assert.ok(bytes.equals(before));
});
