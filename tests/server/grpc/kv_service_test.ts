/** `KvService`: the same buckets as over HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { KvService } from "../../../server/grpc/generated/seglog/v1/kv_service_pb.js";
import { ValueType } from "../../../server/grpc/generated/seglog/v1/record_pb.js";
import { bytes, failsWith, grpcJs, type Loose, openGrpc, text } from "./support.ts";

const bucket = "b";

test("a key is set, read, read as it was, and deleted", async () => {
  await using opened = await openGrpc();
  const kv = opened.client(KvService);
  const value = { value: bytes('{"a":1}'), type: ValueType.JSON };
  const first = await kv.set({ bucket, key: "k", value });
  assert.deepEqual([first.revision, first.created], [0n, true]);
  const second = await kv.set({ bucket, key: "k", value: { value: bytes("two") } });
  assert.deepEqual([second.revision, second.created], [1n, false]);
  const { entry } = await kv.get({ bucket, key: "k" });
  assert.deepEqual([entry?.key, text(entry?.value), entry?.type, entry?.revision], [
    "k",
    "two",
    ValueType.BYTES,
    1n,
  ]);
  const before = await kv.get({ bucket, key: "k", revision: 0n });
  assert.deepEqual([text(before.entry?.value), before.entry?.type], ['{"a":1}', ValueType.JSON]);
  assert.equal((await kv.delete({ bucket, key: "k" })).revision, 2n);
  assert.equal((await kv.delete({ bucket, key: "k" })).revision, undefined);
  const { problem } = await failsWith(Code.NotFound, () => kv.get({ bucket, key: "k" }));
  assert.equal(problem?.code, "not-found");
  await failsWith(Code.NotFound, () => kv.get({ bucket: "none", key: "k" }));
});

test("conditions hold or nothing is written", async () => {
  await using opened = await openGrpc();
  const kv = opened.client(KvService);
  const set = (condition: Loose) =>
    kv.set({ bucket, key: "k", value: { value: bytes("x") }, condition: { condition } });
  const absent = { case: "absent", value: true };
  await set(absent);
  const { problem } = await failsWith(Code.FailedPrecondition, () => set(absent));
  assert.equal(problem?.code, "condition-failed");
  await set({ case: "revision", value: 0n });
  await failsWith(Code.FailedPrecondition, () => set({ case: "revision", value: 0n }));
  await set({ case: "present", value: true });
  await failsWith(Code.InvalidArgument, () => set({ case: "present", value: false }));
  const other = {
    bucket,
    key: "other",
    condition: { condition: { case: "present", value: true } },
  };
  await failsWith(Code.FailedPrecondition, () => kv.delete(other as Loose));
});

test("what is no value, no key and no bucket is refused", async () => {
  await using opened = await openGrpc();
  const kv = opened.client(KvService);
  const value = { value: bytes("x") };
  await failsWith(Code.InvalidArgument, () => kv.set({ bucket, key: "k" }));
  await failsWith(Code.InvalidArgument, () => kv.set({ bucket, key: "", value }));
  await failsWith(Code.InvalidArgument, () => kv.set({ key: "k", value }));
  const broken = { value: bytes("{"), type: ValueType.JSON };
  await failsWith(Code.InvalidArgument, () => kv.set({ bucket, key: "k", value: broken }));
  await failsWith(Code.NotFound, () => kv.set({ bucket: "__seglog/x", key: "k", value }));
  assert.deepEqual(await opened.store.listTopics(), []);
});

test("keys are listed in order, page by page, with values or without", async () => {
  await using opened = await openGrpc();
  const kv = opened.client(KvService);
  for (const key of ["b/2", "a/1", "b/1", "b/3", "c"]) {
    await kv.set({ bucket, key, value: { value: bytes(key) } });
  }
  const page = await kv.list({ bucket, prefix: "b/", limit: 2 });
  assert.deepEqual(page.entries.map(({ key, value }) => [key, text(value)]), [
    ["b/1", "b/1"],
    ["b/2", "b/2"],
  ]);
  assert.deepEqual([page.next, page.revision], ["b/2", 4n]);
  const rest = await kv.list({ bucket, prefix: "b/", limit: 2, after: page.next! });
  assert.deepEqual([rest.entries.map(({ key }) => key), rest.next], [["b/3"], undefined]);
  const back = await kv.list({ bucket, reverse: true, keysOnly: true, end: "b/3" });
  assert.deepEqual(back.entries.map(({ key, revision, value }) => [key, revision, value.length]), [
    ["b/2", 0n, 0],
    ["b/1", 2n, 0],
    ["a/1", 1n, 0],
  ]);
  await failsWith(Code.InvalidArgument, () => kv.list({ bucket, limit: 1001 }));
});

test("a transaction is one commit, and tells what each operation came to", async () => {
  await using opened = await openGrpc();
  const kv = opened.client(KvService);
  await kv.set({ bucket, key: "a", value: { value: bytes("1") } });
  const { revision, results } = await kv.transact({
    bucket,
    checks: [{ key: "a", revision: 0n }, { key: "b" }],
    operations: [
      { key: "a", operation: { case: "get", value: {} } },
      { key: "b", operation: { case: "set", value: { value: bytes("2") } } },
      { key: "a", operation: { case: "delete", value: {} } },
      { key: "none", operation: { case: "delete", value: {} } },
      { key: "none", operation: { case: "get", value: {} } },
    ],
  });
  assert.equal(revision, 2n);
  assert.equal(text(results[0]?.entry?.value), "1");
  assert.deepEqual(results.map((result) => result.revision), [
    undefined,
    1n,
    2n,
    undefined,
    undefined,
  ]);
  const { problem } = await failsWith(
    Code.FailedPrecondition,
    () => kv.transact({ bucket, checks: [{ key: "b", revision: 0n }], operations: [] }),
  );
  assert.deepEqual([problem?.code, problem?.details.actual], ["condition-failed", "1"]);
  await failsWith(Code.InvalidArgument, () => kv.transact({ bucket }));
  await failsWith(
    Code.InvalidArgument,
    () => kv.transact({ bucket, operations: [{ key: "x", operation: { case: undefined } }] }),
  );
});

test("a watcher sees the changes of its keys, from a revision on or from now on", async () => {
  await using opened = await openGrpc();
  const kv = opened.client(KvService);
  const set = (key: string) => kv.set({ bucket, key, value: { value: bytes(key) } });
  await set("a/1");
  await set("b/1");
  using loose = grpcJs(opened.port, "seglog.v1.KvService");
  const stream = loose.open("Watch", { bucket, prefix: "a/", from: 0 });
  const changes = stream[Symbol.asyncIterator]();
  assert.equal((await changes.next()).value.key, "a/1");
  await set("b/2");
  await kv.delete({ bucket, key: "a/1" });
  const { value } = await changes.next();
  assert.deepEqual([value.key, value.revision, value.value], ["a/1", 3, null]);
  stream.on("error", () => {});
  stream.cancel();
  const { problem } = await failsWith(Code.OutOfRange, async () => {
    for await (const _ of kv.watch({ bucket, from: 99n }));
  });
  assert.equal(problem?.code, "offset-out-of-range");
});
