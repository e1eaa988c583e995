/** Groups of nodes, whose copies are behind: each coordinates, and its members read, what it may not have yet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Backend, type Groups, type Membership, NodeBackend, Store } from "../../mod.ts";
import { GroupCoordinator } from "../../core/groups/coordinator.ts";
import { HeldSource } from "../replica/held_source.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { rejectsWith } from "../support/collect.ts";
import { numbers, openMember, textsOf } from "./support.ts";

/** A node of a store, whose copy gets the records of "orders" that the test lets through. */
async function openNode(store: Store) {
  const source = new HeldSource(store);
  const origin = changedBackend(store, {
    batches: (topic, options) =>
      (topic === "orders" ? source.backend : store).batches(topic, options),
    close: () => Promise.resolve(),
  });
  const node = new NodeBackend(origin, await Store.memory());
  await node.following.ready;
  return {
    ...{ node, source },
    async [Symbol.asyncDispose]() {
      source.release();
      await node.close();
    },
  };
}

function join(groups: Groups, member: string): Promise<Membership> {
  return groups.join("g", { member, topics: ["orders"] });
}

function commit(groups: Groups, told: Membership, offset: number) {
  const [{ topic, partition, since }] = told.partitions as [Membership["partitions"][0]];
  const offsets = [{ topic, partition, offset, since }];
  return groups.commit("g", { member: told.member, offsets });
}

async function endOf(backend: Backend): Promise<number> {
  return (await backend.bounds("orders")).nextOffset;
}

test("a member commits what it has read, also where the coordinator's copy has not got it", async () => {
  await using store = await Store.memory();
  await store.append("orders", numbers(0, 3));
  await using opened = await openNode(store);
  const { node, source } = opened;
  await using groups = new GroupCoordinator(node);
  const told = await join(groups, "one");
  await commit(groups, told, 3);
  source.hold();
  await store.append("orders", numbers(3, 6));
  assert.equal(await endOf(node), 3);
  assert.deepEqual((await commit(groups, told, 6)).map(({ offset }) => offset), [6]);
  await rejectsWith("offset-out-of-range", () => commit(groups, told, 7));
  assert.equal(await endOf(node), 3);
});

test("who takes over with a copy that is behind goes on from the last commit, and not from its end", async () => {
  await using store = await Store.memory();
  await store.append("orders", numbers(0, 3));
  await using opened = await openNode(store);
  const { node, source } = opened;
  source.hold();
  await store.append("orders", numbers(3, 6));
  await using before = new GroupCoordinator(store);
  await commit(before, await join(before, "one"), 6);
  assert.equal(await endOf(node), 3);
  await using after = new GroupCoordinator(node);
  const [place] = (await join(after, "two")).partitions;
  assert.deepEqual([place!.offset, place!.rewoundFrom], [6, undefined]);
  assert.equal(await endOf(node), 3);
});

test("a topic that another has just made is joined by way of a coordinator that has not seen it", async () => {
  await using store = await Store.memory();
  await store.append("orders", numbers(0, 3));
  await using opened = await openNode(store);
  await using groups = new GroupCoordinator(opened.node);
  await store.append("fresh", numbers(0, 2));
  const told = await groups.join("g", { member: "one", topics: ["orders", "fresh"] });
  assert.deepEqual(told.partitions.map(({ topic }) => topic), ["fresh", "orders"]);
  await commit(groups, told, 2);
  const { partitions } = await groups.describe("g");
  assert.deepEqual(partitions.map(({ topic, committed }) => [topic, committed]), [
    ["fresh", 2],
    ["orders", 0],
  ]);
});

test("a consumer waits for the offset that it was assigned, which its node has a moment later", async () => {
  await using store = await Store.memory();
  await store.append("orders", numbers(0, 3));
  await using opened = await openNode(store);
  const { node, source } = opened;
  source.hold();
  await store.append("orders", numbers(3, 6));
  await using groups = new GroupCoordinator(store);
  const told = await groups.join("g", { member: "raw", topics: ["orders"] });
  await commit(groups, told, 5);
  await groups.leave("g", { member: "raw" });
  const backend = changedBackend(node, { groups });
  const lost: unknown[] = [];
  await using consumer = await openMember(backend, { onLost: (range) => void lost.push(range) });
  const reading = consumer[Symbol.asyncIterator]().next();
  assert.equal(await endOf(node), 3);
  source.release();
  const { value } = await reading;
  assert.deepEqual([textsOf(value!), lost], [["5"], []]);
});
