import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import {
  ByteReader,
  ByteWriter,
  concatBytes,
  dataViewOf,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  getUint64,
  isValidUtf8,
  setUint64,
  unzigzag,
  utf8Length,
  varintLength,
  zigzag,
} from "../../core/base/bytes.ts";

const offset = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(...edges()));
const text = fc.string({ unit: "binary" });

test("a varint comes back, and takes as many bytes as varintLength() says", () => {
  fc.assert(fc.property(offset, (value) => {
    const writer = new ByteWriter(1);
    writer.varint(value);
    assert.equal(writer.length, varintLength(value));
    const reader = new ByteReader(writer.subarray(0, writer.length));
    assert.equal(reader.varint(), value);
    assert.ok(reader.done);
  }));
});

test("a varint has the bytes that Protocol Buffers gives it", () => {
  fc.assert(fc.property(offset, (value) => {
    const expected: number[] = [];
    let rest = BigInt(value);
    for (; rest > 127n; rest >>= 7n) expected.push(Number(rest & 127n) | 128);
    expected.push(Number(rest));
    const writer = new ByteWriter(1);
    writer.varint(value);
    assert.deepEqual([...writer.subarray(0, writer.length)], expected);
  }));
});

test("a varint that is cut off or past 2^53 - 1 is refused", () => {
  const refusals: [number[], RegExp][] = [
    [[], /cut off/],
    [[0x80], /cut off/],
    [[0xff, 0xff, 0xff], /cut off/],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], /past 2\^53/],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /past 2\^53/],
  ];
  for (const [bytes, message] of refusals) {
    assert.throws(() => new ByteReader(Uint8Array.from(bytes)).varint(), message);
  }
});

test("zigzag() puts small numbers of either sign first, and unzigzag() undoes it", () => {
  assert.deepEqual([0, -1, 1, -2, 2].map(zigzag), [0, 1, 2, 3, 4]);
  const half = Math.floor(Number.MAX_SAFE_INTEGER / 2);
  fc.assert(fc.property(fc.integer({ min: -half, max: half }), (value) => {
    assert.equal(unzigzag(zigzag(value)), value);
  }));
});

test("a 64-bit integer comes back, and is little-endian", () => {
  fc.assert(fc.property(offset, (value) => {
    const view = new DataView(new ArrayBuffer(12));
    setUint64(view, 4, value);
    assert.equal(getUint64(view, 4), value);
    assert.equal(view.getBigUint64(4, true), BigInt(value));
    assert.equal(view.getUint32(0), 0);
  }));
});

test("text is written as its UTF-8, with the length that utf8Length() says", () => {
  fc.assert(fc.property(text, (value) => {
    const length = utf8Length(value);
    assert.equal(length, Buffer.from(value, "utf8").length);
    const writer = new ByteWriter(1);
    writer.byte(7);
    writer.utf8(value, length);
    writer.byte(9);
    const bytes = writer.subarray(0, writer.length);
    assert.ok(equalBytes(bytes.subarray(1, -1), encodeUtf8(value)));
    assert.deepEqual([bytes[0], bytes.at(-1)], [7, 9]);
    assert.ok(isValidUtf8(bytes.subarray(1, -1)));
    if (value.isWellFormed()) assert.equal(decodeUtf8(bytes.subarray(1, -1)), value);
  }));
});

test("decodeUtf8() keeps a byte order mark", () => {
  assert.equal(decodeUtf8(encodeUtf8("\ufeffa")), "\ufeffa");
});

test("isValidUtf8() refuses what is not UTF-8", () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    assert.equal(isValidUtf8(Uint8Array.from(bytes)), false);
  }
});

test("a writer keeps what was written while it grows, and zeros what it reuses", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (parts) => {
    const writer = new ByteWriter(1);
    for (const part of parts) writer.bytes(part);
    assert.ok(equalBytes(writer.subarray(0, writer.length), concatBytes(parts)));
    writer.truncate(0);
    const start = writer.zeros(50);
    assert.equal(start, 0);
    assert.ok(writer.subarray(0, 50).every((byte) => byte === 0));
  }));
});

test("a writer gives memory back only when nothing is written", () => {
  const writer = new ByteWriter(4);
  writer.zeros(100);
  writer.shrink(10);
  assert.equal(writer.subarray(0, 100).length, 100);
  writer.truncate(0);
  writer.shrink(10);
  writer.byte(1);
  assert.deepEqual([...writer.subarray(0, 1)], [1]);
});

test("a reader does not pass its end", () => {
  const reader = new ByteReader(Uint8Array.of(1, 2, 3, 4), 1, 3);
  assert.equal(reader.skip(2), 1);
  assert.ok(reader.done);
  assert.throws(() => reader.skip(1), /runs past/);
  assert.throws(() => reader.varint(), /cut off/);
});

test("dataViewOf() sees a part of a buffer at its place", () => {
  const part = Uint8Array.of(9, 9, 1, 0, 0, 0).subarray(2);
  assert.equal(dataViewOf(part).getUint32(0, true), 1);
});

function edges(): number[] {
  const around = [2 ** 7, 2 ** 14, 2 ** 21, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 42, 2 ** 49];
  return [...around.flatMap((n) => [n - 1, n, n + 1]), 0, Number.MAX_SAFE_INTEGER];
}
