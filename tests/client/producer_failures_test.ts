import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AppendOptions,
  type BatchView,
  connect,
  Producer,
  readRecords,
  SeglogError,
  Store,
} from "../../mod.ts";
import { openServer } from "../server/support.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { heldBackend } from "./held_backend.ts";
import { proxyTo } from "./proxy.ts";

const value = (i: number) => ({ value: `${i}` });
const values = (count: number) => Array.from({ length: count }, (_, i) => value(i));
const unknown = () => new SeglogError("outcome-unknown", "the connection was lost");
/** Lets everything run that does not wait for anything else. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

test("a record that cannot be is refused alone", async () => {
  await using store = await Store.memory();
  await using producer = await Producer.open(store, "orders");
  const first = producer.send({ value: "a" });
  await rejectsWith("invalid-record", () => producer.send({ value: "\ud800" }));
  const last = producer.send({ value: "b" });
  await rejectsWith("too-large", () => producer.send({ value: new Uint8Array(17 * 1024 * 1024) }));
  assert.deepEqual([(await first).offset, (await last).offset], [0, 1]);
  await rejectsWith("invalid-record", () => producer.write([{ value: "c" }, { value: "\ud800" }]));
  await producer.flush();
  assert.deepEqual(await shown(readRecords(store, "orders")), ["0:a", "1:b", "2:c"]);
});

test("when a batch fails, what is behind it fails too, and what comes later is sent", async () => {
  await using held = await heldBackend({ partitions: 2 });
  const producer = await Producer.open(held.backend, "orders", { batchBytes: 100, partition: 0 });
  const sending = values(30).map((record) => producer.send(record));
  const results = Promise.allSettled(sending);
  (await held.next()).fail(new SeglogError("disk-full", "no room on the disk"));
  const codes = (await results).map((result) =>
    result.status === "rejected" ? result.reason.code : "stored"
  );
  assert.deepEqual(new Set(codes), new Set(["disk-full"]));
  assert.equal(producer.bufferedBytes, 0);
  const again = producer.send(value(7));
  await (await held.next()).make();
  assert.deepEqual(await again, { partition: 0, offset: 0 });
  await producer.close();
});

test("a backend that throws at once is asked once for each record, however little room there is", async () => {
  await using held = await heldBackend({ partitions: 2 });
  let asked = 0;
  const backend = Object.create(held.backend, {
    appendBatch: {
      value(topic: string, batch: BatchView, options: AppendOptions) {
        asked += batch.header.recordCount;
        if (asked === 1) return held.backend.appendBatch(topic, batch, options);
        throw new SeglogError("disk-full", "no room on the disk");
      },
    },
  });
  const producer = await Producer.open(backend, "orders", { batchBytes: 1, bufferBytesMax: 1 });
  const sending = Promise.allSettled(values(9).map((record) => producer.send(record)));
  await (await held.next()).make();
  const stored = (await sending).filter(({ status }) => status === "fulfilled");
  assert.equal(stored.length, 1);
  assert.equal(asked, 9);
  assert.equal(producer.bufferedBytes, 0);
});

test("a failure of written records is told once: by flush(), write() or close()", async () => {
  await using held = await heldBackend();
  const producer = await Producer.open(held.backend, "orders");
  const fail = async () => {
    const append = await held.next();
    append.fail(new SeglogError("disk-full", "no room on the disk"));
    await turn();
  };
  await producer.write(values(3));
  const flushing = rejectsWith("disk-full", () => producer.flush());
  await fail();
  assert.equal((await flushing).details.records, 3);
  await producer.flush();

  await producer.write(values(2));
  await fail();
  assert.equal(
    (await rejectsWith("disk-full", () => producer.write(values(9)))).details.records,
    2,
  );
  await producer.write([value(1)]);
  const closing = rejectsWith("disk-full", () => producer.close());
  await fail();
  await closing;
});

test("an outcome that is unknown says where to look, and the producer goes on", async () => {
  await using held = await heldBackend();
  const producer = await Producer.open(held.backend, "orders", { batchBytes: 1 });
  const first = producer.send(value(0));
  await (await held.next()).make();
  await first;
  for (const isStored of [true, false]) {
    const [sent, behind] = [producer.send(value(1)), producer.send(value(2))];
    const told = [
      rejectsWith("outcome-unknown", () => sent),
      rejectsWith("unavailable", () => behind),
    ];
    const append = await held.next();
    if (isStored) await append.lose(unknown());
    else append.fail(unknown());
    const [error] = await Promise.all(told);
    assert.deepEqual([error!.details.partition, error!.details.from], [0, isStored ? 1 : 3]);
    const after = producer.send(value(3));
    await (await held.next()).make();
    assert.equal((await after).offset, isStored ? 2 : 3);
  }
  assert.deepEqual(await shown(readRecords(held.store, "orders")), ["0:0", "1:1", "2:3", "3:3"]);
});

test("what was given up does not appear behind what came later", async () => {
  await using held = await heldBackend();
  const producer = await Producer.open(held.backend, "orders");
  const sent = rejectsWith("outcome-unknown", () => producer.send({ value: "late" }));
  const late = await held.next();
  const { bytes } = late.batch;
  assert.ok(bytes.length > 0);
  late.fail(unknown());
  await sent;
  const after = producer.send({ value: "after" });
  await (await held.next()).make();
  assert.equal((await after).offset, 0);
  await rejectsWith("condition-failed", () => held.store.appendBatch("orders", late.batch));
  assert.deepEqual(await shown(readRecords(held.store, "orders")), ["0:after"]);
});

test("a lost connection does not store a batch twice", async () => {
  await using opened = await openServer();
  await using proxy = await proxyTo(opened.port);
  await using backend = await connect(proxy.url);
  await using producer = await Producer.open(backend, "orders");
  for (let i = 0; i < 4; i++) {
    proxy.loseAnswers = i;
    assert.equal((await producer.send(value(i))).offset, i);
  }
  assert.deepEqual(await shown(readRecords(opened.store, "orders")), ["0:0", "1:1", "2:2", "3:3"]);
});

test("a producer outlives a server that is away for longer than it waits", async () => {
  await using opened = await openServer();
  await using proxy = await proxyTo(opened.port);
  await using backend = await connect(proxy.url, { retries: 0 });
  await using producer = await Producer.open(backend, "orders");
  await producer.send({ value: "a" });
  await proxy.cut();
  const error = await producer.send({ value: "b" }).catch((error) => error);
  assert.ok(
    error instanceof SeglogError && ["unavailable", "outcome-unknown"].includes(error.code),
  );
  await proxy.open();
  await producer.send({ value: "c" });
  assert.deepEqual(await shown(readRecords(opened.store, "orders")), ["0:a", "1:c"]);
});

test("a producer takes an id over from one that was made in the same millisecond", async () => {
  await using store = await Store.memory();
  const clock = new FakeClock();
  for (let i = 0; i < 3; i++) {
    await using producer = await Producer.open(store, "orders", { id: "importer", clock });
    assert.equal((await producer.send(value(i))).offset, i);
  }
  assert.deepEqual(await shown(readRecords(store, "orders")), ["0:0", "1:1", "2:2"]);
});

test("the producer that was made last with an id takes it over, for good", async () => {
  await using store = await Store.memory();
  const clock = new FakeClock();
  const older = await Producer.open(store, "orders", { id: "importer", clock });
  await older.send({ value: "a" });
  clock.advance(5);
  await using newer = await Producer.open(store, "orders", { id: "importer", clock });
  await newer.send({ value: "b" });
  for (let i = 0; i < 10; i++) {
    await rejectsWith("condition-failed", () => older.send({ value: "too late" }));
  }
  await newer.send({ value: "c" });
  assert.deepEqual(await shown(readRecords(store, "orders")), ["0:a", "1:b", "2:c"]);
});
