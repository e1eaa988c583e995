import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../core/base/bytes.ts";
import { commonPartition, partitionOf } from "../core/partitioner.ts";

test("a key is in one partition, as text and as bytes", () => {
  const key = fc.string({ unit: "binary" });
  fc.assert(fc.property(key, fc.integer({ min: 1, max: 1024 }), (text, partitions) => {
    const partition = partitionOf(text, partitions);
    assert.ok(partition >= 0 && partition < partitions);
    assert.equal(partitionOf(encodeUtf8(text), partitions), partition);
  }));
});

test("a key stays where it is from one version to the next", () => {
  assert.deepEqual(["u1", "u2", "", "😀"].map((key) => partitionOf(key, 16)), [6, 12, 0, 4]);
});

test("keys spread over all partitions", () => {
  const seen = new Set(Array.from({ length: 1000 }, (_, i) => partitionOf(`user-${i}`, 16)));
  assert.equal(seen.size, 16);
});

test("records of one batch must belong to one partition", () => {
  const at = (partition: number) => {
    for (let i = 0;; i++) if (partitionOf(`k${i}`, 4) === partition) return `k${i}`;
  };
  assert.equal(commonPartition([{ value: "" }, { key: null, value: "" }], 4), undefined);
  assert.equal(commonPartition([{ value: "" }, { key: at(3), value: "" }], 4), 3);
  assert.equal(commonPartition([{ key: at(1), value: "" }, { key: at(2), value: "" }], 1), 0);
  assert.throws(
    () => commonPartition([{ key: at(1), value: "" }, { key: at(2), value: "" }], 4),
    { code: "invalid-argument", message: /partitions 1 and 2/ },
  );
});
