import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, encodeUtf8 } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import { type BatchView, decodeBatch } from "../../core/format/batch.ts";
import { encodeBatch } from "../../core/format/batch_builder.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  encodeBatchHeader,
  WIRE_SALT,
} from "../../core/format/batch_header.ts";
import { encodeMessage, recordMessages } from "../../core/format/batch_records.ts";
import { encodeRecord } from "../../core/format/encode_record.ts";
import { recordsOf } from "../../core/format/records_of.ts";
import { trimBatch } from "../../core/format/trim_batch.ts";

const PRODUCER = { id: "p", epoch: 1, sequence: 2 };
const RECORDS = ["a", "b", "c", "d"].map((value, i) => ({
  key: value,
  value,
  headers: { place: String(i) },
  timestamp: 100 - i,
}));

test("trimBatch() takes records off the ends, and keeps all that is said of the others", () => {
  const trimmed = trimBatch(batchAt(10), { from: 11, until: 13 })!;
  assert.deepEqual([trimmed.baseOffset, trimmed.nextOffset], [11, 13]);
  const records = [...trimmed.records()];
  assert.deepEqual(
    records.map(({ offset, timestamp, text, keyText, headers }) => ({
      offset,
      timestamp,
      text,
      keyText,
      headers,
    })),
    [
      { offset: 11, timestamp: 99, text: "b", keyText: "b", headers: { place: "1" } },
      { offset: 12, timestamp: 98, text: "c", keyText: "c", headers: { place: "2" } },
    ],
  );
  assert.deepEqual(trimmed.producer(), PRODUCER);
});

test("trimBatch() hands on a batch that lies in the range", () => {
  const batch = batchAt(10);
  assert.equal(trimBatch(batch, { from: 10, until: 14 }), batch);
  assert.equal(trimBatch(batch, { from: 0, until: Infinity }), batch);
});

test("trimBatch() leaves records the bytes that they have", () => {
  // A header of 300 bytes, and a type that a tombstone does not have: nobody could append these.
  const name = "n".repeat(300);
  const odd = [
    ...[0x1a, 0xb1, 0x02, 0x0a, 0xac, 0x02],
    ...encodeUtf8(name),
    0x12,
    0x00,
    0x30,
    0x02,
  ];
  const message = Uint8Array.from(odd);
  const writer = new ByteWriter();
  writer.zeros(BATCH_HEADER_BYTES);
  for (const content of [new Uint8Array(0), message]) encodeMessage(writer, content);
  const batch = batchAround(writer, { recordCount: 2, lastOffsetDelta: 1 });
  const trimmed = trimBatch(batch, { from: 11, until: 12 })!;
  assert.deepEqual(recordMessages(trimmed.payload()), [message]);
  assert.deepEqual([...trimmed.records()], [...batch.records()].slice(1));
});

test("trimBatch() keeps the offsets of a batch that compaction has thinned", () => {
  const writer = new ByteWriter();
  writer.zeros(BATCH_HEADER_BYTES);
  for (const [value, delta] of [["a", 0], ["b", 4], ["c", 9]] as const) {
    encodeRecord(writer, { value }, 0, delta);
  }
  const batch = batchAround(writer, { recordCount: 3, lastOffsetDelta: 11 });
  const shown = (from: number, until: number) =>
    [...trimBatch(batch, { from, until })?.records() ?? []].map(({ offset, text }) =>
      `${offset}:${text}`
    );
  assert.deepEqual(shown(10, 22), ["10:a", "14:b", "19:c"]);
  assert.deepEqual(shown(11, 22), ["14:b", "19:c"]);
  assert.deepEqual(shown(10, 19), ["10:a", "14:b"]);
  assert.deepEqual(shown(15, 22), ["19:c"]);
  assert.deepEqual(shown(20, 22), []);
});

test("recordsOf() cuts a batch to a range, in either direction", () => {
  const texts = (from: number, until: number, reverse = false) =>
    [...recordsOf(batchAt(10), { from, until, reverse })].map((record) => record.text).join("");
  assert.equal(texts(0, Infinity), "abcd");
  assert.equal(texts(10, 14), "abcd");
  assert.equal(texts(11, 13), "bc");
  assert.equal(texts(11, 13, true), "cb");
  assert.equal(texts(0, Infinity, true), "dcba");
  assert.equal(texts(14, 20), "");
  assert.equal(texts(0, 10), "");
});

function batchAt(baseOffset: number): BatchView {
  const bytes = encodeBatch(RECORDS, { nowMs: 0, baseOffset, producer: PRODUCER });
  return decodeBatch(bytes, 0, WIRE_SALT) as BatchView;
}

/** A batch at offset 10 around a payload that lies behind room for its header. */
function batchAround(writer: ByteWriter, counts: Partial<BatchHeader>): BatchView {
  const payloadLength = writer.length - BATCH_HEADER_BYTES;
  const header: BatchHeader = {
    ...batchAt(10).header,
    payloadCrc: crc32(writer.subarray(BATCH_HEADER_BYTES, writer.length)),
    payloadLength,
    uncompressedLength: payloadLength,
    hasProducer: false,
    ...counts,
  };
  writer.zeros(7);
  const bytes = writer.subarray(0, writer.length);
  encodeBatchHeader(bytes, 0, header, WIRE_SALT);
  return decodeBatch(bytes, 0, WIRE_SALT) as BatchView;
}
