import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../core/base/bytes.ts";
import { crc32, crc32Seed } from "../../core/base/crc32.ts";

test("crc32() gives the check value of the IEEE polynomial", () => {
  assert.equal(crc32(encodeUtf8("123456789")), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test("crc32() goes on from an earlier result", () => {
  assert.equal(crc32(encodeUtf8("6789"), crc32(encodeUtf8("12345"))), 0xcbf43926);
});

test("crc32() takes a seed of 32 bits", () => {
  const seeds = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff];
  const results = seeds.map((seed) => crc32(encodeUtf8("123456789"), seed));
  assert.equal(new Set(results).size, seeds.length);
  for (const result of results) assert.ok(result >= 0 && result <= 0xffffffff);
});

test("crc32Seed() finds the seed again", () => {
  const bytes = encodeUtf8("123456789");
  for (const seed of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xdeadbeef]) {
    assert.equal(crc32Seed(bytes, crc32(bytes, seed)), seed);
    assert.equal(crc32Seed(new Uint8Array(0), seed), seed);
  }
});
