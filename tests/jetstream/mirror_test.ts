/** A cluster as the target of a copy: where its log begins, and what readers are told of. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rejectsWith } from "../support/collect.ts";
import { openOn, sharedServer, withNats } from "./support.ts";

const TOPIC = { name: "orders", id: "0123456789abcdef0123456789abcdef" };

describe("a partition of a cluster that takes in a copy", withNats, () => {
  const server = sharedServer();

  async function opened() {
    const cluster = await openOn(await server());
    const { topic } = await cluster.ensureTopic("another");
    await cluster.mirrorTarget.adopt({ ...TOPIC, config: topic.config });
    const partition = await cluster.mirrorTarget.openMirror(TOPIC.name, 0);
    return { cluster, partition, [Symbol.asyncDispose]: () => cluster.close() };
  }

  test("begins behind what was removed, and tells of what was lost, when it holds nothing", async () => {
    await using it = await opened();
    const { cluster, partition } = it;
    await partition.skipTo(5, "removed");
    assert.equal((await partition.bounds()).logStartOffset, 5);
    await partition.skipTo(7, "removed");
    assert.equal((await partition.bounds()).logStartOffset, 7);
    await partition.skipTo(10, "lost");
    const { logStartOffset, nextOffset } = await partition.bounds();
    assert.deepEqual([logStartOffset, nextOffset], [7, 10]);
    const error = await rejectsWith("lost", () => cluster.read(TOPIC.name, 8));
    assert.deepEqual([error.details.start, error.details.end], [7, 10]);
  });

  test("begins at its start when what was lost comes first", async () => {
    await using it = await opened();
    await it.partition.skipTo(4, "lost");
    const { logStartOffset, nextOffset } = await it.partition.bounds();
    assert.deepEqual([logStartOffset, nextOffset], [0, 4]);
    await rejectsWith("lost", () => it.cluster.read(TOPIC.name, 0));
  });
});
