import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Backend,
  connect,
  type ConsumedBatch,
  Consumer,
  type ConsumerOptions,
  Producer,
  type ReadOptions,
  SeglogError,
  Store,
} from "../../mod.ts";
import { openServer } from "../server/support.ts";
import { rejectsWith } from "../support/collect.ts";
import { proxyTo } from "./proxy.ts";

/** Lets everything run that does not wait for anything else. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Opens what a test consumes, in process and through a server. */
const BACKENDS: Readonly<
  Record<string, () => Promise<{ backend: Backend; store: Store } & AsyncDisposable>>
> = {
  "a store": async () => {
    const store = await Store.memory();
    return { backend: store, store, [Symbol.asyncDispose]: () => store.close() };
  },
  "a server": async () => {
    const opened = await openServer();
    const backend = await connect(opened.url);
    return {
      backend,
      store: opened.store,
      async [Symbol.asyncDispose]() {
        await backend.close();
        await opened[Symbol.asyncDispose]();
      },
    };
  },
};

/** Values by partition, in the order in which they were handed out. */
async function consumed(
  batches: AsyncIterable<ConsumedBatch>,
  count = Infinity,
): Promise<string[][]> {
  const seen: string[][] = [];
  let records = 0;
  for await (const batch of batches) {
    for (const { text } of batch) {
      (seen[batch.partition] ??= []).push(text);
      records++;
    }
    if (records >= count) break;
  }
  return seen;
}

const values = (start: number, end: number) =>
  Array.from({ length: end - start }, (_, i) => ({ value: `${start + i}` }));
const texts = (start: number, end: number) => values(start, end).map(({ value }) => value);

test("several loops share what a consumer reads, and all of them end", async () => {
  await using store = await Store.memory();
  await store.ensureTopic("orders", { partitions: 2 });
  await using consumer = await Consumer.open(store, "orders");
  const loops = [consumed(consumer.batches()), consumed(consumer.batches())];
  const told = Promise.all(loops);
  for (let i = 0; i < 10; i++) {
    await store.append("orders", values(i, i + 1), { partition: i % 2 });
    await turn();
  }
  await consumer.close();
  const seen = (await told).flat(2);
  assert.deepEqual(seen.toSorted(), texts(0, 10));
});

for (const [name, open] of Object.entries(BACKENDS)) {
  test(`${name} is consumed from the start to the end, all partitions, each in order`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.ensureTopic("orders", { partitions: 3 });
    for (let i = 0; i < 30; i++) {
      await store.append("orders", values(i * 10, i * 10 + 10), { partition: i % 3 });
    }
    await using consumer = await Consumer.open(backend, "orders", { follow: false });
    const seen = await consumed(consumer.batches());
    for (const partition of [0, 1, 2]) {
      const rounds = Array.from({ length: 10 }, (_, n) => (n * 3 + partition) * 10);
      assert.deepEqual(seen[partition], rounds.flatMap((start) => texts(start, start + 10)));
    }
    assert.deepEqual([...consumer.positions].toSorted(), [[0, 100], [1, 100], [2, 100]]);
  });

  test(`a consumer of ${name} follows, and ends quietly by its signal or when it is closed`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.ensureTopic("orders", { partitions: 2 });
    for (const way of ["signal", "close"]) {
      const controller = new AbortController();
      const options: ConsumerOptions = { from: "end", signal: controller.signal };
      const consumer = await Consumer.open(backend, "orders", options);
      const seen: string[] = [];
      const consuming = (async () => {
        for await (const batch of consumer.batches()) {
          for (const { text } of batch) seen.push(text);
          if (seen.length < 4) {
            await store.append("orders", [{ value: `${seen.length}` }], {
              partition: seen.length % 2,
            });
          } else if (way === "signal") controller.abort();
          else await consumer.close();
        }
      })();
      await store.append("orders", [{ value: "0" }], { partition: 0 });
      await consuming;
      assert.deepEqual(seen, ["0", "1", "2", "3"]);
      await consumer.close();
    }
  });

  test(`a consumer of ${name} goes on from positions, within a batch, too`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.ensureTopic("orders", { partitions: 3 });
    for (const partition of [0, 1, 2]) await store.append("orders", values(0, 10), { partition });
    const options: ConsumerOptions = { follow: false, positions: new Map([[0, 7], [1, 10]]) };
    await using consumer = await Consumer.open(backend, "orders", options);
    assert.deepEqual([...consumer.positions], [[0, 7], [1, 10], [2, 0]]);
    const seen: string[][] = [];
    for await (const batch of consumer.batches()) {
      assert.equal(batch.start, options.positions && batch.partition === 0 ? 7 : 0);
      assert.equal(batch.end, 10);
      seen[batch.partition] = Array.from(batch, ({ text }) => text);
    }
    assert.deepEqual(seen, [texts(7, 10), , texts(0, 10)]);
    await using some = await Consumer.open(backend, "orders", { partitions: [1], follow: false });
    assert.deepEqual(await consumed(some.batches()), [, texts(0, 10)]);
  });

  test(`a consumer of ${name} that left its loop goes on behind it`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    for (let i = 0; i < 6; i++) await store.append("orders", [{ value: `${i}` }]);
    await using consumer = await Consumer.open(backend, "orders");
    assert.deepEqual(await consumed(consumer.batches(), 2), [["0", "1"]]);
    assert.equal(consumer.positions.get(0), 2);
    assert.deepEqual(await consumed(consumer.batches(), 4), [["2", "3", "4", "5"]]);
  });

  test(`a consumer of ${name} that is slow misses nothing`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.ensureTopic("orders", { partitions: 2, segmentBytes: 4096 });
    await using producer = await Producer.open(backend, "orders", { batchBytes: 500 });
    await using consumer = await Consumer.open(backend, "orders", { bufferBytesMax: 1 });
    const consuming = (async () => {
      const seen: string[] = [];
      for await (const batch of consumer.batches()) {
        for (const { text } of batch) seen.push(text);
        await turn();
        if (seen.length === 2000) return seen;
      }
    })();
    for (const record of values(0, 2000)) await producer.write([{ key: record.value, ...record }]);
    await producer.flush();
    const seen = await consuming;
    assert.deepEqual(seen!.map(Number).toSorted((a, b) => a - b), texts(0, 2000).map(Number));
  });

  test(`a consumer of ${name} that was overtaken by a truncation is told, for good`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.ensureTopic("orders", { partitions: 2 });
    for (const partition of [0, 1]) await store.append("orders", values(0, 10), { partition });
    await store.truncate("orders", { before: 10, partition: 1 });
    await using consumer = await Consumer.open(backend, "orders", { positions: [[1, 5]] });
    for (let i = 0; i < 2; i++) {
      const error = await rejectsWith(
        "offset-out-of-range",
        () => consumed(consumer.batches()),
      );
      assert.deepEqual([error.details.partition, error.details.logStartOffset], [1, 10]);
    }
  });

  test(`a consumer of ${name} names what is not there`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await rejectsWith("not-found", () => Consumer.open(backend, "orders"));
    await store.ensureTopic("orders", { partitions: 2 });
    const refused = (code: "not-found" | "invalid-argument", options: ConsumerOptions) =>
      rejectsWith(code, () => Consumer.open(backend, "orders", options));
    await refused("not-found", { partitions: [0, 2] });
    await refused("not-found", { positions: [[2, 0]] });
    await refused("invalid-argument", { partitions: [] });
    await refused("invalid-argument", { partitions: [0, 0] });
    await refused("invalid-argument", { bufferBytesMax: 0 });
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(Consumer.open(backend, "orders", { signal }), /enough/);
    const controller = new AbortController();
    const opening = Consumer.open(backend, "orders", { signal: controller.signal });
    controller.abort(new Error("enough meanwhile"));
    await assert.rejects(opening, /enough meanwhile/);
  });
}

test("over HTTP the next page is fetched while one is used, and no more than that", async () => {
  await using opened = await openServer();
  const value = new Uint8Array(50_000);
  for (let i = 0; i < 40; i++) await opened.store.append("orders", [{ value }]);
  let asked = 0;
  let bytesAhead = 0;
  await using backend = await connect(opened.url, {
    async fetch(url, init) {
      const isPage = url.includes("/records?");
      if (isPage) asked++;
      const response = await fetch(url, init);
      if (isPage) bytesAhead += Number(response.headers.get("content-length"));
      return response;
    },
  });
  const bufferBytesMax = 400_000;
  await using consumer = await Consumer.open(backend, "orders", { follow: false, bufferBytesMax });
  let before = 0;
  for await (const batch of consumer.batches()) {
    await turn(); // what is going to be asked for is asked for now
    assert.ok(bytesAhead <= bufferBytesMax, `${bytesAhead} bytes are held`);
    if (before === 0) assert.equal(asked, 2);
    bytesAhead -= batch.batch.bytes.length;
    before++;
  }
  assert.equal(before, 40);
  assert.equal(asked, 14);
});

test("a consumer goes on where it was when its connection was cut", async () => {
  await using opened = await openServer();
  const { store } = opened;
  await using proxy = await proxyTo(opened.port);
  const notices: string[] = [];
  await using backend = await connect(proxy.url, { onNotice: (notice) => notices.push(notice) });
  await store.append("orders", values(0, 3));
  await using consumer = await Consumer.open(backend, "orders");
  assert.deepEqual(await consumed(consumer.batches(), 3), [texts(0, 3)]);
  const consuming = consumed(consumer.batches(), 5);
  await proxy.cut();
  await store.append("orders", values(3, 8));
  while (notices.length === 0) await turn();
  await proxy.open();
  assert.deepEqual(await consuming, [texts(3, 8)]);
});

test("offsets that a repair gave up are told and passed over, or are an error", async () => {
  await using store = await Store.memory();
  for (let i = 0; i < 6; i++) await store.append("orders", [{ value: `${i}` }]);
  const backend = new Proxy<Backend>(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== "batches") return typeof value === "function" ? value.bind(target) : value;
      return async function* (topic: string, options: ReadOptions) {
        if ((options.from ?? 0) < 4) {
          yield* target.batches(topic, { ...options, until: 2 });
          throw new SeglogError("lost", "lost", { details: { start: 2, end: 4 } });
        }
        yield* target.batches(topic, options);
      };
    },
  });
  await using strict = await Consumer.open(backend, "orders", { follow: false });
  const seen: string[] = [];
  const error = await rejectsWith("lost", async () => {
    for await (const batch of strict.batches()) seen.push(...Array.from(batch, ({ text }) => text));
  });
  assert.deepEqual(seen, ["0", "1"]);
  assert.deepEqual(error.details, { start: 2, end: 4, partition: 0 });

  const told: unknown[] = [];
  const onLost = (range: unknown) => told.push(range);
  await using consumer = await Consumer.open(backend, "orders", { follow: false, onLost });
  assert.deepEqual(await consumed(consumer.batches()), [["0", "1", "4", "5"]]);
  assert.deepEqual(told, [{ start: 2, end: 4, partition: 0 }]);
});
