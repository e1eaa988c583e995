import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../core/base/bytes.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../core/kv/checkpoint.ts";
import { KeyIndex } from "../../core/kv/key_index.ts";

const ABOUT = {
  topicId: "0123456789abcdef".repeat(2),
  position: 2 ** 40 + 7,
  witness: 0xfedcba98,
  truncations: 3,
};

function filled(count: number): KeyIndex {
  const index = new KeyIndex();
  for (let i = 0; i < count; i++) {
    index.apply(encodeUtf8(`key-${i}`), { revision: 2 ** 33 + i, valueBytes: i % 100 });
  }
  for (let i = 0; i < count; i += 5) {
    index.apply(encodeUtf8(`key-${i}`), { revision: 2 ** 34 + i, valueBytes: undefined });
  }
  return index;
}

function bytesOf(index: KeyIndex): Uint8Array {
  return concatBytes(encodeCheckpoint({ index, ...ABOUT }));
}

function read(bytes: Uint8Array) {
  return decodeCheckpoint({
    size: () => bytes.length,
    read(target, position) {
      const found = bytes.subarray(position, position + target.length);
      target.set(found);
      return found.length;
    },
  });
}

const listed = (index: KeyIndex) =>
  [...index.list()].map(({ key, revision, valueBytes }) => [decodeUtf8(key), revision, valueBytes]);

describe("a checkpoint", () => {
  for (const count of [0, 1, 5, 100_000]) {
    test(`of ${count} keys is the index that it was made of, and goes on from there`, () => {
      const index = filled(count);
      const { index: again, ...about } = read(bytesOf(index))!;
      assert.deepEqual(about, ABOUT);
      assert.deepEqual(listed(again), listed(index));
      assert.deepEqual([again.keys, again.valueBytes], [index.keys, index.valueBytes]);
      for (const each of [index, again]) {
        for (let i = 0; i < 1000; i++) {
          const revision = 2 ** 35 + i;
          each.apply(encodeUtf8(`new-${i}`), { revision, valueBytes: 1 });
          each.apply(encodeUtf8(`key-${i}`), { revision, valueBytes: i % 2 ? 7 : undefined });
        }
      }
      assert.deepEqual(listed(again), listed(index));
    });
  }

  test("does not have what only a snapshot saw", () => {
    const index = filled(10);
    index.hold(2 ** 35);
    for (let i = 0; i < 10; i++) {
      index.apply(encodeUtf8(`key-${i}`), { revision: 2 ** 36, valueBytes: undefined });
    }
    const { index: again } = read(bytesOf(index))!;
    assert.equal(again.keys, 0);
    assert.deepEqual(listed(again), []);
  });

  test("with any bit flipped, or cut anywhere, is none", () => {
    const bytes = bytesOf(filled(20));
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at % 8);
      assert.equal(read(flipped), undefined, `byte ${at}`);
      assert.equal(read(bytes.subarray(0, at)), undefined, `${at} bytes`);
    }
    assert.equal(read(concatBytes([bytes, new Uint8Array(1)])), undefined);
  });
});
