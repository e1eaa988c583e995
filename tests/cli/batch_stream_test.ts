import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchStream, type BatchStreamOptions } from "../../cli/append/batch_stream.ts";
import type { AppendOptions, AppendResult, Backend } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import type { RecordInput } from "../../core/format/record.ts";

interface Call {
  readonly records: readonly RecordInput[];
  readonly options: AppendOptions;
  acknowledge(): void;
  refuse(error: Error): void;
}

/** A backend whose appends end when the test says so. */
class HeldBackend {
  readonly calls: Call[] = [];
  #next = 0;
  #called = Promise.withResolvers<void>();

  append(topic: string, records: readonly RecordInput[], options: AppendOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<AppendResult>();
    const start = this.#next;
    const end = start + records.length;
    this.#next = end;
    const result = { topic, partition: options.partition ?? 0, start, end, durable: true };
    this.calls.push({ records, options, acknowledge: () => resolve(result), refuse: reject });
    this.#called.resolve();
    this.#called = Promise.withResolvers();
    return promise;
  }

  /** Resolves when this many appends have been made. */
  async called(count: number): Promise<void> {
    while (this.calls.length < count) await this.#called.promise;
  }
}

function streamTo(backend: HeldBackend, options: Partial<BatchStreamOptions> = {}) {
  const acknowledged: AppendResult[] = [];
  const stream = new BatchStream(backend as unknown as Backend, {
    topic: "orders",
    sync: undefined,
    expectedOffset: undefined,
    lingerMs: 3_600_000,
    inFlightMax: 2,
    onAcknowledged(result) {
      acknowledged.push(result);
      return Promise.resolve();
    },
    ...options,
  });
  return { stream, acknowledged };
}

const KIB_400 = new Uint8Array(400 * 1024);
const big: RecordInput = { value: KIB_400 };

test("records share a batch up to its size, and the last one is sent at the end", async () => {
  const backend = new HeldBackend();
  const { stream, acknowledged } = streamTo(backend);
  assert.equal(stream.add(big, 0), undefined);
  assert.equal(stream.add(big, 0), undefined);
  assert.equal(backend.calls.length, 0);
  assert.equal(stream.add(big, 0), undefined);
  assert.equal(backend.calls.length, 1);
  const finished = stream.finish();
  backend.calls[0]!.acknowledge();
  await backend.called(2);
  backend.calls[1]!.acknowledge();
  await finished;
  assert.deepEqual(backend.calls.map(({ records }) => records.length), [2, 1]);
  assert.deepEqual(acknowledged.map(({ start, end }) => [start, end]), [[0, 2], [2, 3]]);
});

test("the caller waits when the backend does not keep up, so memory stays bounded", async () => {
  const backend = new HeldBackend();
  const { stream } = streamTo(backend);
  let waiting: Promise<void> | undefined;
  let added = 0;
  while (waiting === undefined) {
    waiting = stream.add(big, 0);
    added++;
    assert.ok(added < 20, "nothing holds the caller back");
  }
  assert.equal(backend.calls.length, 1, "the first batch goes alone: it may make the topic");
  backend.calls[0]!.acknowledge();
  await waiting;
  assert.equal(backend.calls.length, 2);
  backend.calls[1]!.acknowledge();
  await stream.stop();
});

test("batches follow each other without waiting, up to as many as may be under way", async () => {
  const backend = new HeldBackend();
  const { stream } = streamTo(backend, { inFlightMax: 3 });
  for (let i = 0; i < 3; i++) void stream.add(big, 0);
  backend.calls[0]!.acknowledge();
  await Promise.resolve();
  const finished = (async () => {
    for (let i = 0; i < 13; i++) await stream.add(big, 0);
    await stream.finish();
  })();
  await backend.called(4);
  assert.equal(backend.calls.length, 4, "one is done and three are under way");
  for (let next = 1; next < 8; next++) {
    await backend.called(next + 1);
    backend.calls[next]!.acknowledge();
  }
  await finished;
});

test("records of different partitions go into batches of their own, each in order", async () => {
  const backend = new HeldBackend();
  const { stream } = streamTo(backend);
  for (const [value, partition] of [["a", 1], ["b", 0], ["c", 1], ["d", undefined]] as const) {
    void stream.add({ value }, partition);
  }
  const finished = stream.finish();
  for (let i = 0; i < 3; i++) {
    await backend.called(i + 1);
    backend.calls[i]!.acknowledge();
  }
  await finished;
  assert.deepEqual(
    backend.calls.map(({ records, options }) => [
      options.partition,
      records.map(({ value }) => value).join(""),
    ]),
    [[1, "ac"], [0, "b"], [undefined, "d"]],
  );
});

test("each batch expects the offset at which the one before it ends", async () => {
  const backend = new HeldBackend();
  const { stream } = streamTo(backend, { expectedOffset: 41 });
  for (let i = 0; i < 3; i++) void stream.add(big, 0);
  const finished = stream.finish();
  backend.calls[0]!.acknowledge();
  await backend.called(2);
  backend.calls[1]!.acknowledge();
  await finished;
  assert.deepEqual(backend.calls.map(({ options }) => options.expectedOffset), [41, 43]);
});

test("after a failure nothing more is sent, and what is under way is waited for", async () => {
  const backend = new HeldBackend();
  const { stream, acknowledged } = streamTo(backend);
  for (let i = 0; i < 3; i++) void stream.add(big, 0);
  backend.calls[0]!.acknowledge();
  await Promise.resolve();
  const kept = (async () => {
    for (;;) await stream.add(big, 0);
  })();
  await backend.called(3);
  backend.calls[1]!.refuse(new SeglogError("disk-full", "the disk is full"));
  await assert.rejects(kept, /the disk is full/);
  const finished = stream.finish();
  backend.calls[2]!.acknowledge();
  await assert.rejects(finished, /the disk is full/);
  assert.equal(backend.calls.length, 3);
  assert.equal(acknowledged.length, 2);
  assert.throws(() => void stream.add(big, 0), /the disk is full/);
});

test("records of a slow stream are sent when they have waited long enough", async () => {
  const backend = new HeldBackend();
  const { stream } = streamTo(backend, { lingerMs: 1 });
  assert.equal(stream.add({ value: "a" }, undefined), undefined);
  await backend.called(1);
  assert.deepEqual(backend.calls[0]!.records, [{ value: "a" }]);
  void stream.add({ value: "b" }, undefined);
  backend.calls[0]!.acknowledge();
  await backend.called(2);
  backend.calls[1]!.acknowledge();
  await stream.finish();
});

test("stop() gives up what was not sent", async () => {
  const backend = new HeldBackend();
  const { stream, acknowledged } = streamTo(backend);
  for (let i = 0; i < 3; i++) void stream.add(big, 0);
  const stopped = stream.stop();
  backend.calls[0]!.acknowledge();
  await stopped;
  assert.equal(backend.calls.length, 1);
  assert.equal(acknowledged.length, 1);
});
