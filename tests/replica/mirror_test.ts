/** Whole copies, and what comparing says of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect, holdGroups, MemoryDisk, mirror, Store, verifyMirror } from "../../mod.ts";
import { isDiverged } from "../../replica/diverged.ts";
import { serve } from "../../server/listen.ts";
import { rejectsWith } from "../support/collect.ts";
import { assertSame, fill, recordsFrom, smallStore } from "./sources.ts";

test("mirror() copies all topics with ids, settings and records, and only what is new the next time", async () => {
  await using source = await smallStore();
  await source.ensureTopic("orders", { partitions: 3, retentionMs: 1e12, compression: "zstd" });
  for (const partition of [0, 1, 2]) {
    for (let i = 0; i < 20; i++) await source.append("orders", recordsFrom(i, 2), { partition });
  }
  await fill(source, "users", 30);
  await source.ensureTopic("empty");
  await using target = await smallStore();
  const seen: number[] = [];
  const report = await mirror(source, target, {
    verify: true,
    onProgress: ({ records }) => seen.push(records),
  });
  const users = (await source.bounds("users")).nextOffset;
  assert.deepEqual(
    [report.topics, report.partitions, report.records, report.isWhole],
    [3, 5, 120 + users, true],
  );
  assert.equal(seen.at(-1), report.records);
  assert.deepEqual(report.verification, {
    ok: true,
    partitions: 5,
    records: report.records,
    differences: [],
  });
  assert.deepEqual(await target.listTopics(), await source.listTopics());
  for (const partition of [0, 1, 2]) await assertSame(source, target, "orders", partition);
  await source.append("users", recordsFrom(500, 2));
  await source.configureTopic("users", { retentionRecords: 1_000_000 });
  const again = await mirror(source, target, { verify: true });
  assert.equal(again.records, 2);
  assert.deepEqual(await target.listTopics(), await source.listTopics());
  assert.ok(again.verification?.ok);
  // Where it ends, the copy goes on like any store.
  assert.equal((await target.append("users", [{ value: "own" }])).start, users + 2);
});

test("mirror() copies the topics that are named, and no others", async () => {
  await using source = await smallStore();
  await fill(source, "orders", 5);
  await fill(source, "users", 5);
  await using target = await smallStore();
  const report = await mirror(source, target, { topics: ["users", "users"] });
  assert.equal(report.topics, 1);
  assert.deepEqual((await target.listTopics()).map(({ name }) => name), ["users"]);
  await rejectsWith("not-found", () => mirror(source, target, { topics: ["none"] }));
});

test("mirror() brings what a server keeps for itself: committed offsets go on where they were", async () => {
  await using store = await smallStore();
  await fill(store, "orders", 10);
  {
    await using held = holdGroups(store);
    await held.groups.seek("billing", { topic: "orders", to: "7" });
  }
  const server = await serve(store, { port: 0 });
  await using plain = await connect(server.url);
  await using source = await connect(server.url, { asReplica: true });
  await using target = await smallStore();
  assert.deepEqual((await plain.listTopics()).map(({ name }) => name), ["orders"]);
  const report = await mirror(source, target, { verify: true });
  assert.ok(report.verification?.ok);
  assert.deepEqual(await target.listTopics(), await store.listTopics());
  await using held = holdGroups(target);
  const [place] = (await held.groups.describe("billing")).partitions;
  assert.equal(place?.committed, 7);
  await server.close();
});

test("mirror() that is ended by its signal is gone on with", async () => {
  await using source = await smallStore();
  for (let i = 0; i < 500; i++) await source.append("orders", recordsFrom(i, 1));
  await using target = await smallStore();
  const ending = new AbortController();
  const report = await mirror(source, target, {
    signal: ending.signal,
    verify: true,
    onProgress: ({ records }) => records >= 20 && ending.abort(),
  });
  assert.equal(report.isWhole, false);
  assert.equal(report.verification, undefined);
  await mirror(source, target);
  await assertSame(source, target, "orders");
});

describe("mirror() refuses", () => {
  test("a target that gives records offsets of its own", async () => {
    await using source = await smallStore();
    const server = await serve(source, { port: 0 });
    await using target = await connect(server.url);
    const error = await rejectsWith("unsupported", () => mirror(source, target));
    assert.match(error.message, /kind http: .*; mirror to a folder or to a cluster/);
    await server.close();
  });

  test("another topic of the same name", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 3);
    await using target = await smallStore();
    await fill(target, "orders", 3);
    await rejectsWith("exists", () => mirror(source, target));
  });

  test("a target that has got records of its own since", async () => {
    await using source = await smallStore();
    await fill(source, "orders", 3);
    await using target = await smallStore();
    await mirror(source, target);
    await target.append("orders", [{ value: "own" }]);
    const error = await rejectsWith("condition-failed", () => mirror(source, target));
    assert.ok(isDiverged(error));
    await source.append("orders", [{ value: "other" }, { value: "more" }]);
    assert.ok(isDiverged(await rejectsWith("condition-failed", () => mirror(source, target))));
  });
});

describe("verifyMirror()", () => {
  test("names what differs", async () => {
    await using source = await smallStore();
    await source.append("orders", recordsFrom(0, 10));
    await using target = await smallStore();
    await mirror(source, target);
    await source.append("orders", [{ value: "one", timestamp: 1 }]);
    await target.append("orders", [{ value: "other", timestamp: 1 }]);
    await target.configureTopic("orders", { retentionRecords: 77 });
    await target.append("orders", [{ value: "own" }]);
    const { ok, records, differences } = await verifyMirror(source, target);
    assert.deepEqual([ok, records], [false, 11]);
    assert.deepEqual(differences.map(({ offset, complaint }) => [offset, complaint]), [
      [0, "the setting retentionRecords differs"],
      [11, "the copy ends at offset 12"],
      [10, "the records differ"],
    ]);
  });

  test("misses records that nobody compacted, and none that compaction took", async () => {
    await using source = await smallStore();
    for (let i = 0; i < 40; i++) {
      await source.append("orders", [{ key: `k${i % 3}`, value: `${i}`, timestamp: i }]);
    }
    await using target = await smallStore();
    await mirror(source, target);
    await using short = await smallStore();
    await mirror(source, short);
    await short.truncate("orders", { before: 3 });
    const { differences } = await verifyMirror(source, short);
    assert.deepEqual(
      differences.map(({ offset, complaint }) => [offset, complaint]),
      [0, 1, 2].map((offset) => [offset, "the copy has no such record"]),
    );
    await source.compact("orders");
    assert.ok((await verifyMirror(source, target)).ok);
    assert.ok((await verifyMirror(source, short)).ok, "compaction has taken them since");
  });
});

test("a copy on disk is whole after it was closed and opened again", async () => {
  await using source = await smallStore();
  await fill(source, "orders", 200);
  await source.compact("orders");
  await fill(source, "users", 50);
  const disk = new MemoryDisk();
  const options = { disk, defaults: { segmentBytes: 4096 } };
  {
    await using target = await Store.open("/copy", options);
    await mirror(source, target);
  }
  await using target = await Store.open("/copy", options);
  assert.ok((await verifyMirror(source, target)).ok);
  await assertSame(source, target, "orders");
  assert.equal((await mirror(source, target)).records, 0);
});
