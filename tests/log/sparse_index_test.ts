import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SparseIndex } from "../../core/log/sparse_index.ts";

const BINDING = { salt: 7, baseOffset: 0, segmentBytes: 9000 };

function encoded(): Uint8Array {
  const index = new SparseIndex(0);
  const header = { baseOffset: 0, maxTimestampMs: 5 } as Parameters<SparseIndex["add"]>[0];
  index.add(header, 64);
  index.add({ ...header, baseOffset: 40 }, 5000);
  return index.encode(BINDING);
}

describe("an index file", () => {
  test("says what the index said", () => {
    const index = SparseIndex.decode(encoded(), BINDING)!;
    assert.deepEqual(index.startOf(39), { position: 64, offset: 0 });
    assert.deepEqual(index.startOf(41), { position: 5000, offset: 40 });
    assert.equal(index.maxTimestampMs, 5);
  });

  for (const other of [{ salt: 8 }, { baseOffset: 1 }, { segmentBytes: 8992 }]) {
    test(`of a segment with another ${Object.keys(other)} is not believed`, () => {
      assert.equal(SparseIndex.decode(encoded(), { ...BINDING, ...other }), undefined);
    });
  }

  test("that does not begin with the first batch is not believed", () => {
    const index = new SparseIndex(0);
    index.add({ baseOffset: 8, maxTimestampMs: 5 } as Parameters<SparseIndex["add"]>[0], 64);
    assert.equal(SparseIndex.decode(index.encode(BINDING), BINDING), undefined);
  });

  test("with one bit changed is not believed", () => {
    const bytes = encoded();
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(SparseIndex.decode(bytes, BINDING), undefined, `bit ${bit}`);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });
});
