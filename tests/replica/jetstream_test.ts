/** Copies into a cluster, out of it, and replicas of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryDisk, mirror, Replica, Store } from "../../mod.ts";
import { openOn, sharedServer, withNats } from "../jetstream/support.ts";
import { assertSame, fill, recordsFrom, smallStore } from "./sources.ts";

describe("a cluster", withNats, () => {
  const server = sharedServer();

  test("takes a store in, goes on where it was cut short, and gives it back", async () => {
    await using source = await smallStore();
    await source.ensureTopic("orders", { partitions: 2 });
    await fill(source, "orders", 100);
    await fill(source, "users", 60);
    await source.compact("users");
    await source.append("users", recordsFrom(900, 3));
    await source.append("cut", recordsFrom(0, 10));
    await source.truncate("cut", { before: 4 });
    await using cluster = await openOn(await server());
    const ending = new AbortController();
    await mirror(source, cluster, {
      signal: ending.signal,
      onProgress: ({ records }) => records > 50 && ending.abort(),
    });
    const report = await mirror(source, cluster, { verify: true });
    assert.deepEqual(report.verification?.differences, []);
    for (const topic of ["orders", "users", "cut"]) await assertSame(source, cluster, topic);
    await using back = await smallStore();
    const again = await mirror(cluster, back, { verify: true });
    assert.deepEqual(again.verification?.differences, []);
    for (const topic of ["orders", "users", "cut"]) await assertSame(source, back, topic);
    assert.deepEqual(await back.listTopics(), await source.listTopics());
  });

  test("is followed by a replica", async () => {
    await using cluster = await openOn(await server());
    await fill(cluster, "orders", 20);
    const disk = new MemoryDisk();
    await using local = await Store.open("/s", { disk, follows: { source: "nats://cluster" } });
    await using replica = new Replica(cluster, local, { lookMs: 10 });
    await replica.caughtUp();
    await assertSame(cluster, local, "orders");
    for (let i = 0; i < 5; i++) {
      const { end } = await cluster.append("orders", recordsFrom(i, 2));
      await replica.reached("orders", 0, end);
    }
    const { end } = await cluster.append("new", recordsFrom(0, 2));
    await replica.reached("new", 0, end);
    await cluster.truncate("orders", { before: 10 });
    while ((await local.bounds("orders")).logStartOffset !== 10) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await assertSame(cluster, local, "orders");
  });
});
