import assert from "node:assert/strict";
import { test } from "node:test";
import { type BatchView, decodeBatch } from "../../core/format/batch.ts";
import { encodeBatch } from "../../core/format/batch_builder.ts";
import { WIRE_SALT } from "../../core/format/batch_header.ts";
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
  const trimmed = trimBatch(batchAt(10), { from: 11, until: 13 });
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
