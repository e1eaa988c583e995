/** A node whose copy knows a later epoch than its source: what is written there would be lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, MemoryDisk, NodeBackend, promote, Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { rejectsWith } from "../support/collect.ts";
import { Relay } from "../support/relay.ts";
import { storedBatch } from "../support/stored_batch.ts";

const follows = { source: "leader", epoch: 2 };

/** Everything that goes to the source. */
function writesOf(node: NodeBackend): (() => Promise<unknown>)[] {
  return [
    () => node.append("orders", [{ value: "lost" }]),
    () => node.appendBatch("orders", storedBatch(0, ["lost"])),
    ...node.reserve === undefined ? [] : [() => node.reserve!("orders")],
    () => node.truncate("orders", { before: 1 }),
    () => node.ensureTopic("new"),
    () => node.configureTopic("orders", { retentionRecords: 1 }),
    () => node.deleteTopic("orders"),
  ];
}

test("a node writes nothing to a source that was replaced, and says so", async () => {
  const old = await Store.memory();
  await old.append("orders", [{ value: "a" }]);
  const before = [await old.listTopics(), await old.bounds("orders")];
  await using node = new NodeBackend(old, await Store.memory({ follows }), { name: "the old one" });
  for (const write of writesOf(node)) {
    const { message, details } = await rejectsWith("condition-failed", write);
    assert.match(message, /the old one: it has epoch 1, and epoch 2 is known.*promoted/);
    assert.deepEqual([details.epoch, details.known], [1, 2]);
  }
  assert.deepEqual([await old.listTopics(), await old.bounds("orders")], before);
});

test("so it is with one that comes late, until the one that leads now has its address", async () => {
  await using old = await Store.memory();
  await old.append("orders", [{ value: "a" }]);
  await using oldServer = await serve(old, { port: 0 });
  const disk = new MemoryDisk();
  await (await Store.open("/next", { disk, follows: { source: "leader" } })).close();
  assert.equal(await promote("/next", { disk }), 2);
  await using next = await Store.open("/next", { disk });
  await using nextServer = await serve(next, { port: 0 });
  await using relay = await Relay.open();
  const url = `http://127.0.0.1:${relay.port}`;
  const answers = Promise.withResolvers<void>();
  const onNotice = (notice: string) => notice.endsWith(" answers") && answers.resolve();
  const source = await connect(url, { mayBeAway: true, onNotice });
  await using node = new NodeBackend(source, await Store.memory({ follows }));
  for (const write of writesOf(node)) await rejectsWith("unavailable", write);
  await relay.leadTo(oldServer.port);
  await answers.promise;
  for (const write of writesOf(node)) await rejectsWith("condition-failed", write);
  await relay.leadTo(nextServer.port);
  await node.append("orders", [{ value: "b" }]);
  assert.equal((await next.read("orders", 0)).text, "b");
  assert.equal((await old.bounds("orders")).nextOffset, 1);
});
