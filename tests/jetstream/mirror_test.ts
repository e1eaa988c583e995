/** A cluster that takes in what another backend has: offsets, ids, producers and gaps. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_TOPIC_CONFIG, readRecords, Store, type TopicInfo } from "../../mod.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { storedBatch } from "../support/stored_batch.ts";
import { openOn, sharedServer, withNats } from "./support.ts";

const ID = "0123456789abcdef".repeat(2);

function topicOf(changes: Partial<TopicInfo["config"]> = {}, id = ID, name = "orders"): TopicInfo {
  return { name, id, config: { ...DEFAULT_TOPIC_CONFIG, ...changes } };
}

describe("a cluster as the target of a mirror", () => {
  const server = sharedServer();
  const opened = async () => {
    const backend = await openOn(await server());
    return { backend, target: backend.mirrorTarget };
  };

  test("makes topics with the id and the settings that it is given, once", withNats, async () => {
    const { backend, target } = await opened();
    await using _ = backend;
    const info = topicOf({ partitions: 2, compression: "zstd" });
    await target.adopt(info);
    await target.adopt(info);
    assert.deepEqual(await backend.listTopics(), [info]);
    await target.adopt(topicOf({ partitions: 2, retentionRecords: 5 }));
    assert.equal((await backend.describeTopic("orders")).config.retentionRecords, 5);
    const other = await rejectsWith("exists", () => target.adopt(topicOf({}, "f".repeat(32))));
    assert.equal(other.details.id, ID);
    await rejectsWith("exists", () => target.adopt(topicOf({ partitions: 3 })));
    await rejectsWith("exists", () => target.adopt(topicOf({}, ID, "renamed")));
    await target.drop("orders");
    await rejectsWith("not-found", () => target.drop("orders"));
    await rejectsWith("not-found", () => target.openMirror("orders", 0));
  });

  test(
    "keeps offsets, times and producers of a batch, and takes it nowhere else",
    withNats,
    async () => {
      const { backend, target } = await opened();
      await using _ = backend;
      await target.adopt(topicOf());
      const mirror = await target.openMirror("orders", 0);
      await mirror.skipTo(40, "removed");
      const producer = { id: "p", epoch: 3, sequence: 7 };
      await Promise.all([
        mirror.append(storedBatch(40, [{ value: "a", timestamp: 5 }, "b"], producer)),
        mirror.append(storedBatch(42, ["c"])),
        mirror.append(storedBatch(43, ["d"])),
      ]);
      const error = await rejectsWith(
        "condition-failed",
        () => mirror.append(storedBatch(43, ["x"])),
      );
      assert.deepEqual([error.details.expected, error.details.actual], [43, 44]);
      assert.deepEqual(await mirror.bounds(), {
        logStartOffset: 40,
        durableOffset: 44,
        nextOffset: 44,
      });
      assert.deepEqual(await shown(readRecords(backend, "orders", { from: 40 })), [
        "40:a",
        "41:b",
        "42:c",
        "43:d",
      ]);
      assert.equal((await backend.read("orders", 40)).timestamp, 5);
      const append = (sequence: number) =>
        backend.append("orders", [{ value: "e" }], { producer: { ...producer, sequence } });
      assert.equal((await append(7)).start, 40);
      await rejectsWith("condition-failed", () => append(9));
      assert.equal((await append(8)).start, 44);
    },
  );

  test("has gaps where the source has them, and tells of what was lost", withNats, async () => {
    const { backend, target } = await opened();
    await using _ = backend;
    await target.adopt(topicOf());
    const mirror = await target.openMirror("orders", 0);
    await mirror.append(storedBatch(0, ["a", "b"]));
    await mirror.skipTo(10, "removed");
    await mirror.append(storedBatch(10, ["c"]));
    await mirror.skipTo(20, "lost");
    await mirror.append(storedBatch(20, ["d"]));
    await mirror.skipTo(21, "removed");
    await rejectsWith("offset-out-of-range", () => mirror.skipTo(5, "lost"));
    await mirror.noteCompacted!(21);

    assert.deepEqual(await shown(readRecords(backend, "orders", { until: 11 })), [
      "0:a",
      "1:b",
      "10:c",
    ]);
    await rejectsWith("not-found", () => backend.read("orders", 5));
    const lost = await rejectsWith("lost", () => collect(readRecords(backend, "orders")));
    assert.deepEqual([lost.details.start, lost.details.end], [11, 20]);
    const back = await rejectsWith(
      "lost",
      () => collect(readRecords(backend, "orders", { reverse: true })),
    );
    assert.deepEqual([back.details.start, back.details.end], [11, 20]);
    const past: unknown[] = [];
    const onLost = (range: unknown) => void past.push(range);
    assert.deepEqual(await shown(readRecords(backend, "orders", { onLost, reverse: true })), [
      "20:d",
      "10:c",
      "1:b",
      "0:a",
    ]);
    assert.deepEqual(past, [{ start: 11, end: 20 }]);
    const { partitions: [info] } = await backend.describeTopic("orders");
    assert.deepEqual([info!.records, info!.compactedTo], [4, 21]);
    await mirror.truncateBefore(10);
    assert.deepEqual(await shown(readRecords(backend, "orders", { until: 11 })), ["10:c"]);
    assert.equal((await backend.describeTopic("orders")).partitions[0]!.records, 2);
  });

  test("begins at its start when what was lost comes first", withNats, async () => {
    const { backend, target } = await opened();
    await using _ = backend;
    await target.adopt(topicOf());
    const mirror = await target.openMirror("orders", 0);
    await mirror.skipTo(4, "lost");
    const { logStartOffset, nextOffset } = await mirror.bounds();
    assert.deepEqual([logStartOffset, nextOffset], [0, 4]);
    const error = await rejectsWith("lost", () => backend.read("orders", 0));
    assert.deepEqual([error.details.start, error.details.end], [0, 4]);
  });

  test("takes in batches that compaction made", withNats, async () => {
    const { backend, target } = await opened();
    await using _ = backend;
    await using store = await Store.memory();
    await store.ensureTopic("users", { compaction: "keys", segmentBytes: 4096 });
    for (let i = 0; i < 300; i++) {
      await store.append("users", [{ key: `k${i % 7}`, value: `${i}` }, { value: "no key" }]);
    }
    await store.compact("users");
    const [topic] = await store.listTopics();
    await target.adopt(topic!);
    const mirror = await target.openMirror("users", 0);
    for await (const batch of store.batches("users")) {
      await mirror.skipTo(batch.baseOffset, "removed");
      await mirror.append(batch);
    }
    await mirror.skipTo((await store.bounds("users")).nextOffset, "removed");
    const copied = await collect(readRecords(backend, "users"));
    const expected = await collect(readRecords(store, "users"));
    assert.deepEqual(
      copied.map(({ offset, text, timestamp }) => [offset, text, timestamp]),
      expected.map(({ offset, text, timestamp }) => [offset, text, timestamp]),
    );
    const { partitions: [mine] } = await backend.describeTopic("users");
    const { partitions: [theirs] } = await store.describeTopic("users");
    assert.deepEqual([mine!.records, mine!.nextOffset], [theirs!.records, theirs!.nextOffset]);
  });
});
