/** Two coordinators of one store, of which the one before does not know yet that it is deposed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Membership, Store } from "../../mod.ts";
import { GroupCoordinator } from "../../core/groups/coordinator.ts";
import { rejectsWith } from "../support/collect.ts";
import { numbers } from "./support.ts";

async function open() {
  const store = await Store.memory();
  await store.append("orders", numbers(0, 10));
  const before = new GroupCoordinator(store);
  const after = new GroupCoordinator(store);
  return {
    before,
    after,
    async [Symbol.asyncDispose]() {
      await before.close();
      await after.close();
      await store.close();
    },
  };
}

function join(groups: GroupCoordinator, member: string): Promise<Membership> {
  return groups.join("g", { member, topics: ["orders"] });
}

function commit(groups: GroupCoordinator, told: Membership, offset: number) {
  const [{ topic, partition, since }] = told.partitions as [Membership["partitions"][0]];
  const offsets = [{ topic, partition, offset, since }];
  return groups.commit("g", { member: told.member, offsets });
}

async function committedBy(groups: GroupCoordinator): Promise<number | null> {
  return (await groups.describe("g")).partitions[0]!.committed;
}

test("who takes over reads what was committed last, and the one before commits no more", async () => {
  await using opened = await open();
  const { before, after } = opened;
  assert.deepEqual(await after.list(), [], "it has looked before anything was committed");
  const old = await join(before, "one");
  await commit(before, old, 3);
  const anew = await join(after, "two");
  assert.equal(anew.partitions[0]!.offset, 3);
  assert.ok(anew.generation > old.generation);
  const refused = await rejectsWith("condition-failed", () => commit(before, old, 7));
  assert.deepEqual([refused.details.group, refused.details.rejoin], ["g", true]);
  await commit(after, anew, 5);
  assert.equal(await committedBy(after), 5);
});

test("members of the one before are told to join again by their next word", async () => {
  await using opened = await open();
  const { before, after } = opened;
  const old = await join(before, "one");
  await join(after, "two");
  await rejectsWith("condition-failed", () => commit(before, old, 1));
  const { generation, partitions: holds } = old;
  const beat = () => before.heartbeat("g", { member: "one", generation, holds });
  assert.equal((await rejectsWith("condition-failed", beat)).details.rejoin, true);
});

test("who takes a group over goes on from where the one before has moved it, who moves it no more", async () => {
  await using opened = await open();
  const { before, after } = opened;
  await before.seek("g", { topic: "orders", to: "4" });
  assert.equal(await committedBy(after), 4);
  await before.seek("g", { topic: "orders", to: "6" });
  const anew = await join(after, "two");
  assert.equal(anew.partitions[0]!.offset, 6, "although it knew of 4");
  const back = () => before.seek("g", { topic: "orders", to: "start" });
  await rejectsWith("condition-failed", back);
  assert.equal(await committedBy(after), 6);
});

test("a group that was removed does not come back by a commit of the one before", async () => {
  await using opened = await open();
  const { before, after } = opened;
  const old = await join(before, "one");
  await commit(before, old, 3);
  await after.remove("g");
  await rejectsWith("condition-failed", () => commit(before, old, 5));
  await rejectsWith("not-found", () => after.describe("g"));
});
