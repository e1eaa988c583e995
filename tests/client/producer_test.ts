import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, partitionOf, Producer, readRecords, Store } from "../../mod.ts";
import { openServer } from "../server/support.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { heldBackend, textsOf } from "./held_backend.ts";

const value = (i: number) => ({ value: `${i}` });
const values = (count: number) => Array.from({ length: count }, (_, i) => value(i));
/** Lets everything run that does not wait for anything else. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

test("send() tells where the record is, when it is there", async () => {
  await using store = await Store.memory();
  await store.append("orders", [{ value: "before" }]);
  await using producer = await Producer.open(store, "orders");
  const places = await Promise.all(values(3).map((record) => producer.send(record)));
  assert.deepEqual(places, [1, 2, 3].map((offset) => ({ partition: 0, offset })));
  assert.deepEqual(await shown(readRecords(store, "orders")), ["0:before", "1:0", "2:1", "3:2"]);
});

test("a producer makes its topic when it is not there", async () => {
  await using store = await Store.memory({ defaults: { partitions: 3 } });
  await using producer = await Producer.open(store, "orders");
  await producer.send({ value: "a" });
  assert.equal((await store.describeTopic("orders")).config.partitions, 3);
});

test("records of one turn are one batch, and keep their order", async () => {
  await using held = await heldBackend();
  const producer = await Producer.open(held.backend, "orders");
  const sending = values(5).map((record) => producer.send(record));
  const append = await held.next();
  assert.deepEqual(textsOf(append.batch), ["0", "1", "2", "3", "4"]);
  await append.make();
  assert.deepEqual((await Promise.all(sending)).map(({ offset }) => offset), [0, 1, 2, 3, 4]);
});

test("a batch waits for more until its linger is over", async () => {
  await using held = await heldBackend();
  const clock = new FakeClock();
  const producer = await Producer.open(held.backend, "orders", { lingerMs: 50, clock });
  await producer.write([value(0)]);
  clock.advance(30);
  await producer.write([value(1)]);
  await turn();
  assert.equal(held.held.length, 0);
  clock.advance(20);
  const append = await held.next();
  assert.deepEqual(textsOf(append.batch), ["0", "1"]);
  await append.make();
  await producer.flush();
  assert.equal(clock.waiting, 0);
});

test("flush() does not wait for the linger, and waits for what it sends", async () => {
  await using held = await heldBackend();
  const clock = new FakeClock();
  const producer = await Producer.open(held.backend, "orders", { lingerMs: 60_000, clock });
  await producer.write(values(2));
  let isFlushed = false;
  const flushing = producer.flush().then(() => isFlushed = true);
  const append = await held.next();
  await turn();
  assert.equal(isFlushed, false);
  await append.make();
  await flushing;
  assert.equal(producer.bufferedBytes, 0);
  assert.equal(clock.waiting, 0);
});

test("a batch that has its bytes is sent at once, and the next fills meanwhile", async () => {
  await using held = await heldBackend();
  const clock = new FakeClock();
  const options = { lingerMs: 60_000, batchBytes: 1000, clock };
  const producer = await Producer.open(held.backend, "orders", options);
  const large = { value: "x".repeat(300) };
  await producer.write([large, large, large, large, large, large, large]);
  const first = await held.next();
  assert.equal(first.batch.header.recordCount, 4); // 64 bytes of header, and what passes 1000
  await turn();
  assert.equal(held.held.length, 0, "one batch of a partition is under way at a time");
  const flushing = producer.flush();
  await first.make();
  const second = await held.next();
  assert.equal(second.batch.header.recordCount, 3);
  await second.make();
  await flushing;
});

test("what comes while a batch is under way goes together when it is answered", async () => {
  await using held = await heldBackend();
  const producer = await Producer.open(held.backend, "orders");
  await producer.write([value(0)]);
  const first = await held.next();
  for (let i = 1; i < 5; i++) {
    await producer.write([value(i)]);
    await turn();
  }
  assert.equal(held.held.length, 0);
  await first.make();
  const second = await held.next();
  assert.deepEqual(textsOf(second.batch), ["1", "2", "3", "4"]);
  await second.make();
  await producer.close();
  assert.deepEqual(
    await shown(readRecords(held.store, "orders")),
    ["0:0", "1:1", "2:2", "3:3", "4:4"],
  );
});

test("partitions go side by side, each in its own order", async () => {
  await using held = await heldBackend({ partitions: 2 });
  const producer = await Producer.open(held.backend, "orders", { batchBytes: 1 });
  const keys = [0, 1].map((n) =>
    ["a", "b", "c", "d", "e"].find((key) => partitionOf(key, 2) === n)!
  );
  await producer.write([
    { key: keys[0], value: "0" },
    { key: keys[1], value: "1" },
    { key: keys[0], value: "2" },
  ]);
  const appends = [await held.next(), await held.next()];
  assert.deepEqual(appends.map(({ partition }) => partition).toSorted(), [0, 1]);
  for (const append of appends) await append.make();
  const last = await held.next();
  assert.deepEqual([last.partition, textsOf(last.batch)], [0, ["2"]]);
  await last.make();
  await producer.close();
});

test("keys choose the partition, one for all may be given, and the rest is spread", async () => {
  await using store = await Store.memory();
  await store.ensureTopic("orders", { partitions: 4 });
  const keyed = await Producer.open(store, "orders");
  for (const key of ["u1", "u2", "u3", new Uint8Array([7])]) {
    const { partition } = await keyed.send({ key, value: "x" });
    assert.equal(partition, partitionOf(key, 4));
  }
  const spread = new Set<number>();
  for (let i = 0; i < 4; i++) spread.add((await keyed.send({ value: "x" })).partition);
  assert.equal(spread.size, 4);
  await using fixed = await Producer.open(store, "orders", { partition: 2 });
  assert.equal((await fixed.send({ key: "u1", value: "x" })).partition, 2);
  await rejectsWith("not-found", () => Producer.open(store, "orders", { partition: 4 }));
});

test("a sender waits when the bytes are used up, in order, and memory stays bounded", async () => {
  await using held = await heldBackend();
  const bufferBytesMax = 10_000;
  const producer = await Producer.open(held.backend, "orders", { bufferBytesMax });
  const record = (i: number) => ({ value: `${i}`.padEnd(1000) });
  const taken: number[] = [];
  const writing = Array.from(
    { length: 40 },
    (_, i) => producer.write([record(i)]).then(() => void taken.push(i)),
  );
  for (let bytesMost = 0, stored = 0; stored < 40;) {
    const { batch, make } = await held.next();
    stored += batch.header.recordCount;
    assert.ok(producer.bufferedBytes < bufferBytesMax + 1100, `${producer.bufferedBytes}`);
    assert.ok(taken.length <= stored + 10, "no more are taken than there is room for");
    bytesMost = Math.max(bytesMost, producer.bufferedBytes);
    if (stored === 40) assert.ok(bytesMost > bufferBytesMax / 2);
    await make();
  }
  await Promise.all(writing);
  await producer.close();
  assert.equal(producer.bufferedBytes, 0);
  const stored = await collect(readRecords(held.store, "orders"));
  const expected = Array.from({ length: 40 }, (_, i) => i);
  assert.deepEqual(stored.map(({ text }) => Number(text)), expected);
  assert.deepEqual(taken, expected);
});

test("a long write goes on as there is room, and does not linger when there is none", async () => {
  await using held = await heldBackend();
  const options = { bufferBytesMax: 2000, lingerMs: 60_000, clock: new FakeClock() };
  const producer = await Producer.open(held.backend, "orders", options);
  let isTaken = false;
  const writing = producer.write(values(1000)).then(() => isTaken = true);
  const behind = producer.send(value(1000));
  (await held.next()).make();
  assert.equal(isTaken, false);
  for (; !isTaken;) {
    assert.ok(producer.bufferedBytes < 2100);
    await Promise.race([writing, held.next().then((append) => append.make())]);
  }
  const flushing = producer.flush();
  for (let isDone = false; !isDone;) {
    isDone = await Promise.race([
      flushing.then(() => true),
      held.next().then((append) => append.make()).then(() => false),
    ]);
  }
  assert.equal((await behind).offset, 1000);
});

test("a signal ends the waiting for room, and what waits behind goes on", async () => {
  await using held = await heldBackend();
  const producer = await Producer.open(held.backend, "orders", { bufferBytesMax: 100 });
  await producer.write([{ value: "x".repeat(200) }]);
  const controller = new AbortController();
  const { signal } = controller;
  const given = producer.send({ value: "given up" }, { signal });
  const kept = producer.send({ value: "kept" });
  controller.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  await assert.rejects(producer.write([{ value: "late" }], { signal }), /enough/);
  await (await held.next()).make();
  const last = await held.next();
  assert.deepEqual(textsOf(last.batch), ["kept"]);
  await last.make();
  assert.equal((await kept).offset, 1);
});

test("a topic that is made anew is sent to", async () => {
  await using store = await Store.memory();
  await using producer = await Producer.open(store, "orders");
  await producer.send({ value: "a" });
  await producer.send({ value: "b" });
  await store.deleteTopic("orders");
  assert.equal((await producer.send({ value: "c" })).offset, 0);
});

test("close() sends what was given, also what still waits for room, and takes no more", async () => {
  await using store = await Store.memory();
  const options = { bufferBytesMax: 1000, lingerMs: 60_000, clock: new FakeClock() };
  const producer = await Producer.open(store, "orders", options);
  const sending = values(500).map((record) => producer.send(record));
  await producer.close();
  assert.equal((await Promise.all(sending)).length, 500);
  assert.equal((await store.bounds("orders")).nextOffset, 500);
  await rejectsWith("closed", () => producer.send({ value: "late" }));
  await rejectsWith("closed", () => producer.write([{ value: "late" }]));
  await producer.close();
});

test("100,000 records over HTTP come in order, over 16 partitions, in bounded memory", async () => {
  await using opened = await openServer();
  await opened.store.ensureTopic("orders", { partitions: 16 });
  await using backend = await connect(opened.url);
  const options = { bufferBytesMax: 256 * 1024, batchBytes: 32 * 1024 };
  await using producer = await Producer.open(backend, "orders", options);
  for (let i = 0; i < 100_000; i += 1000) {
    await producer.write(
      Array.from({ length: 1000 }, (_, n) => ({ key: `k${n % 50}`, value: `${i + n}` })),
    );
    assert.ok(producer.bufferedBytes < 257 * 1024);
  }
  await producer.flush();
  let count = 0;
  for (let partition = 0; partition < 16; partition++) {
    let before = -1;
    for await (const { text } of readRecords(opened.store, "orders", { partition })) {
      assert.ok(Number(text) > before);
      before = Number(text);
      count++;
    }
  }
  assert.equal(count, 100_000);
});

test("options that cannot be are refused", async () => {
  await using store = await Store.memory();
  for (
    const options of [
      { lingerMs: -1 },
      { lingerMs: 1.5 },
      { batchBytes: 0 },
      { batchBytes: 9 * 1024 * 1024 },
      { bufferBytesMax: 0 },
      { id: "" },
      { id: "x".repeat(201) },
      { epoch: -1 },
    ]
  ) await rejectsWith("invalid-argument", () => Producer.open(store, "orders", options));
});
