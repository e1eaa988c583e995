import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, readRecords } from "../../mod.ts";
import { openServer } from "../server/support.ts";
import { collect, rejectsWith } from "../support/collect.ts";

test("reading crosses pages in both directions, and batches larger than a page", async () => {
  await using opened = await openServer();
  const { store, url } = opened;
  await using backend = await connect(url);
  const large = new Uint8Array(9 * 1024 * 1024).fill(7);
  for (let i = 0; i < 12; i++) {
    const value = i === 5 ? large : new Uint8Array(1024 * 1024).fill(i);
    await store.append("orders", [{ key: `${i}`, value }, { key: `${i}b`, value: "small" }]);
  }
  const keys = async (options: Parameters<typeof readRecords>[2]) => {
    const found: string[] = [];
    for await (const { keyText } of readRecords(backend, "orders", options)) found.push(keyText!);
    return found;
  };
  const all = Array.from({ length: 12 }, (_, i) => [`${i}`, `${i}b`]).flat();
  assert.deepEqual(await keys({}), all);
  assert.deepEqual(await keys({ reverse: true }), all.toReversed());
  assert.deepEqual(await keys({ from: 3, until: 21 }), all.slice(3, 21));
  assert.deepEqual(
    await keys({ from: 3, until: 21, reverse: true }),
    all.slice(3, 21).toReversed(),
  );
});

test("what is appended while one reads is not read: the end is where it was", async () => {
  await using opened = await openServer();
  const { store, url } = opened;
  await using backend = await connect(url);
  const value = new Uint8Array(3 * 1024 * 1024);
  for (let i = 0; i < 4; i++) await store.append("orders", [{ value }]);
  const offsets: number[] = [];
  for await (const { offset } of readRecords(backend, "orders")) {
    offsets.push(offset);
    await store.append("orders", [{ value }]);
  }
  assert.deepEqual(offsets, [0, 1, 2, 3]);
});

test("a truncation that overtakes a reader is told, below and at the end", async () => {
  await using opened = await openServer();
  const { store, url } = opened;
  await using backend = await connect(url);
  const value = new Uint8Array(3 * 1024 * 1024);
  for (let i = 0; i < 6; i++) await store.append("orders", [{ value }]);
  const error = await rejectsWith("offset-out-of-range", async () => {
    for await (const { offset } of readRecords(backend, "orders")) {
      if (offset === 0) await store.truncate("orders", { before: 6 });
    }
  });
  assert.equal(error.httpStatus, 410);
  assert.equal(error.details.logStartOffset, 6);
});

test("200 followers get every record once and in order", async () => {
  await using opened = await openServer();
  const { store, url } = opened;
  await using backend = await connect(url);
  await store.ensureTopic("orders");
  const follow = async () => {
    const seen: number[] = [];
    const { signal } = new AbortController();
    for await (const { offset } of readRecords(backend, "orders", { follow: true, signal })) {
      seen.push(offset);
      if (seen.length === 40) return seen;
    }
  };
  const followers = Array.from({ length: 200 }, follow);
  for (let i = 0; i < 20; i++) await store.append("orders", [{ value: "a" }, { value: "b" }]);
  const expected = Array.from({ length: 40 }, (_, i) => i);
  for (const seen of await Promise.all(followers)) assert.deepEqual(seen, expected);
});

test("names that a URL bends are topics of their own over a real connection", async () => {
  await using opened = await openServer();
  await using backend = await connect(opened.url);
  for (const name of [".", "..", "a/../b", "%2e", "a;b", "😀", " ", "#", "?x=1", "a%", "a+b"]) {
    const { topic } = await backend.append(name, [{ value: name }]);
    assert.equal(topic, name);
    const [record] = await collect(readRecords(backend, name));
    assert.equal(record!.text, name);
  }
  assert.equal((await backend.listTopics()).length, 11);
});

test("a follower of an offset that is gone, or to come, is told at once", async () => {
  await using opened = await openServer();
  const { store, url } = opened;
  await using backend = await connect(url);
  await store.append("orders", [{ value: "a" }, { value: "b" }]);
  await store.truncate("orders", { before: 1 });
  const follow = (from: number) => collect(backend.batches("orders", { from, follow: true }));
  assert.equal((await rejectsWith("offset-out-of-range", () => follow(0))).httpStatus, 410);
  assert.equal((await rejectsWith("offset-out-of-range", () => follow(3))).httpStatus, 416);
  await rejectsWith(
    "invalid-argument",
    () => collect(backend.batches("orders", { follow: true, reverse: true })),
  );
});
