import assert from "node:assert/strict";
import { test } from "node:test";
import { type BatchView, decodeBatch } from "../../core/format/batch.ts";
import { encodeBatch } from "../../core/format/batch_builder.ts";
import { WIRE_SALT } from "../../core/format/batch_header.ts";
import { mayHaveHeader } from "../../core/format/find_header.ts";
import type { RecordInput } from "../../core/format/record.ts";

function batchOf(
  records: readonly RecordInput[],
  options: Partial<Parameters<typeof encodeBatch>[1]> = {},
): BatchView {
  const batch = decodeBatch(encodeBatch(records, { nowMs: 5, ...options }), 0, WIRE_SALT);
  assert.ok(typeof batch !== "string");
  return batch;
}

const producer = { id: "p", epoch: 1, sequence: 2 };

test("a header is found in any record of a batch, packed or not", () => {
  const plain = { key: "k", value: "mark", type: "json" as const, timestamp: 9 };
  const marked = { ...plain, headers: { a: "b", mark: "1", c: "d" } };
  for (const options of [{}, { codec: "gzip" as const }, { producer }]) {
    for (const at of [0, 1, 2]) {
      const records = [plain, plain, plain].map((each, i) => i === at ? marked : each);
      assert.equal(mayHaveHeader(batchOf(records, options), "mark"), true);
      assert.equal(mayHaveHeader(batchOf(records, options), "other"), false);
    }
    assert.equal(mayHaveHeader(batchOf([plain, { value: null }], options), "mark"), false);
  }
});

test("what only looks like it may be taken for it, and is never overlooked", () => {
  const of = (headers: Record<string, string>) =>
    mayHaveHeader(batchOf([{ value: "", headers }]), "mark");
  assert.equal(of({ "bookmark": "" }), true);
  assert.equal(of({ a: "mark" }), true);
  assert.equal(of({ a: "mar" }), false);
});
