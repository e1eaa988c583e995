/** Keys sorted by words beside keys that are compared two at a time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBytes, encodeUtf8 } from "../../core/base/bytes.ts";
import { KeyTable } from "../../core/base/key_table.ts";
import { sortKeys } from "../../core/kv/sort_keys.ts";
import { Random } from "../support/random.ts";

const KEY_BYTES_MAX = 1024;

/** A table with these keys, of which those that are there already are left out. */
function tableOf(keys: Iterable<Uint8Array>): KeyTable {
  const table = new KeyTable();
  for (const key of keys) if (table.find(key) < 0) table.add(key);
  return table;
}

/** Compares the order with that of the keys themselves, sorted by the runtime. */
function checkOrder(table: KeyTable, about: string): void {
  const expected = [...table.numbers()].map((number) => ({ number, key: table.keyOf(number) }))
    .sort((a, b) => compareBytes(a.key, b.key)).map(({ number }) => number);
  assert.deepEqual([...sortKeys(table)], expected, about);
}

/** What keys are made of: the fewer letters, the more they share. */
const ALPHABETS: readonly (readonly number[])[] = [
  [0],
  [0xff],
  [0, 1],
  [0, 0xff],
  [0, 0x7f, 0x80, 0xff],
  [...encodeUtf8("0123456789")],
  Array.from({ length: 256 }, (_, byte) => byte),
];

test("keys of any letters and lengths are sorted as if they were compared", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const alphabet = random.pick(ALPHABETS);
    const prefix = Uint8Array.from({ length: random.below(10) }, () => random.pick(alphabet));
    const lengthMax = random.pick([1, 4, 5, 9, 40]);
    const keys = Array.from({ length: random.pick([2, 30, 400, 3000]) }, () => {
      const length = random.below(lengthMax + 1);
      const rest = Uint8Array.from({ length }, () => random.pick(alphabet));
      return random.chance(0.8) ? Uint8Array.of(...prefix, ...rest) : rest;
    });
    const table = tableOf(keys);
    for (const number of [...table.numbers()]) if (random.chance(0.1)) table.remove(number);
    checkOrder(table, `seed ${seed}`);
    for (const key of keys.slice(0, 20)) if (table.find(key) < 0) table.add(key);
    checkOrder(table, `seed ${seed}, with numbers that are used again`);
  }
});

test("no key, one, and none any more", () => {
  const table = new KeyTable();
  assert.deepEqual([...sortKeys(table)], []);
  const number = table.add(encodeUtf8("key"));
  assert.deepEqual([...sortKeys(table)], [number]);
  table.remove(number);
  assert.deepEqual([...sortKeys(table)], []);
});

test("keys that begin one another are in the order of their lengths", () => {
  for (const byte of [0, 0x61, 0xff]) {
    const whole = new Uint8Array(KEY_BYTES_MAX).fill(byte);
    const lengths = Array.from({ length: KEY_BYTES_MAX + 1 }, (_, i) => (i * 7) % whole.length);
    const table = tableOf([...lengths, whole.length].map((length) => whole.subarray(0, length)));
    const sorted = [...sortKeys(table)].map((number) => table.lengthOf(number));
    assert.deepEqual(sorted, Array.from({ length: KEY_BYTES_MAX + 1 }, (_, length) => length));
  }
});

test("a prefix of a thousand bytes is passed over, wherever keys differ behind it", () => {
  for (const prefixBytes of [999, 1000, 1001, 1003]) {
    const random = new Random(prefixBytes);
    const key = new Uint8Array(KEY_BYTES_MAX).fill(0x78);
    const keys = Array.from({ length: 20_000 }, () => {
      key.set(random.bytes(6), prefixBytes);
      return key.slice(0, prefixBytes + random.below(KEY_BYTES_MAX - prefixBytes + 1));
    });
    checkOrder(tableOf(keys), `seed ${prefixBytes}`);
  }
});

test("keys that part at each byte in turn nest no calls too deep", () => {
  const keys = Array.from({ length: KEY_BYTES_MAX }, (_, i) => {
    const key = new Uint8Array(KEY_BYTES_MAX).fill(0x61);
    key[i] = 0x62;
    return key;
  });
  const halves = keys.map((key, i) => key.slice(0, i + 1));
  checkOrder(tableOf([...keys, ...halves]), "one other byte");
});
