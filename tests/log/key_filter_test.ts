import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../../core/base/bytes.ts";
import { type FilterFile, KeyFilter, KeyFilterBuilder } from "../../core/log/key_filter.ts";

const BINDING = { salt: 7, baseOffset: 42, segmentBytes: 4096 };

/** A file of these bytes, which counts what is read of it. */
function fileOf(bytes: Uint8Array): FilterFile & { reads: number; bytesRead: number } {
  const file = {
    reads: 0,
    bytesRead: 0,
    read(target: Uint8Array, position: number) {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      file.reads++;
      file.bytesRead += part.length;
      return part.length;
    },
  };
  return file;
}

function filterOf(keys: Iterable<Uint8Array>): Uint8Array {
  const builder = new KeyFilterBuilder();
  for (const key of keys) builder.add(key);
  return builder.encode(BINDING);
}

const userKeys = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => encodeUtf8(`user:${from + i}`));

describe("a filter of keys", () => {
  test("never denies a key that is there", () => {
    const keys = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 300 });
    fc.assert(fc.property(keys, (keys) => {
      const filter = KeyFilter.open(fileOf(filterOf(keys)), BINDING)!;
      for (const key of keys) assert.ok(filter.mayHold(key));
      for (const key of keys) assert.ok(filter.loaded().mayHold(key));
    }));
  });

  for (const count of [100, 5_000, 200_000]) {
    test(`of ${count} keys lets one other key in a hundred through, at most`, () => {
      const bytes = filterOf(userKeys(0, count));
      const filter = KeyFilter.open(fileOf(bytes), BINDING)!.loaded();
      const others = userKeys(count, 100_000);
      const passed = others.filter((key) => filter.mayHold(key)).length;
      assert.ok(passed <= others.length / 100, `${passed} of ${others.length}`);
      assert.ok(bytes.length <= 40 + 64 + count * 64 / 44, `${bytes.length} bytes`);
    });
  }

  test("a lookup reads one block, however many keys there are", () => {
    const file = fileOf(filterOf(userKeys(0, 100_000)));
    const filter = KeyFilter.open(file, BINDING)!;
    file.bytesRead = 0;
    filter.mayHold(encodeUtf8("user:5"));
    assert.equal(file.bytesRead, 64);
  });

  test("keys that come again take no room", () => {
    const once = filterOf(userKeys(0, 1000));
    const often = filterOf(Array.from({ length: 20 }, () => userKeys(0, 1000)).flat());
    assert.deepEqual(often, once);
  });

  test("of another segment, or of one that has grown, is not believed", () => {
    const bytes = filterOf(userKeys(0, 10));
    for (const other of [{ salt: 8 }, { baseOffset: 43 }, { segmentBytes: 4104 }]) {
      assert.equal(KeyFilter.open(fileOf(bytes), { ...BINDING, ...other }), undefined);
    }
  });

  test("damage makes it deny less, never more", () => {
    const keys = userKeys(0, 200);
    const bytes = filterOf(keys);
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 128]) {
        const damaged = bytes.slice();
        damaged[at]! ^= bit;
        const filter = KeyFilter.open(fileOf(damaged), BINDING);
        for (const key of filter === undefined ? [] : keys) assert.ok(filter!.mayHold(key));
      }
    }
    for (let length = 0; length < bytes.length; length++) {
      const filter = KeyFilter.open(fileOf(bytes.subarray(0, length)), BINDING);
      for (const key of filter === undefined ? [] : keys) assert.ok(filter!.mayHold(key));
    }
  });
});
