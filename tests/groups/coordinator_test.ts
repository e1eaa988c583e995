import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupConsumer, Kv, type Membership, MemoryDisk, SeglogError, Store } from "../../mod.ts";
import { CommittedOffsets, GROUPS_TOPIC } from "../../core/groups/committed_offsets.ts";
import { GroupCoordinator } from "../../core/groups/coordinator.ts";
import { holdCoordinator } from "../../core/groups/shared_groups.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { overriding } from "../server/support.ts";
import { numbers } from "./support.ts";

const LEASE_MS = 1000;

/** A coordinator of a store in memory with the topic "orders", by a clock that stands still. */
async function open(partitions = 1) {
  const clock = new FakeClock();
  const store = await Store.memory();
  await store.ensureTopic("orders", { partitions });
  const groups = new GroupCoordinator(store, { clock });
  return {
    clock,
    store,
    groups,
    /** Another one in place of this, as after a restart. */
    again: async () => {
      await groups.close();
      return new GroupCoordinator(store, { clock });
    },
    async [Symbol.asyncDispose]() {
      await groups.close();
      await store.close();
    },
  };
}

function join(groups: GroupCoordinator, member: string, more = {}): Promise<Membership> {
  return groups.join("g", { member, topics: ["orders"], leaseMs: LEASE_MS, ...more });
}

/** Says that a member holds all that it was told. */
function beat(groups: GroupCoordinator, told: Membership, more = {}): Promise<Membership> {
  const { member, generation, partitions: holds } = told;
  return groups.heartbeat("g", { member, generation, holds, ...more });
}

function commit(groups: GroupCoordinator, told: Membership, offset: number, more = {}) {
  const [{ topic, partition, since }] = told.partitions as [Membership["partitions"][0]];
  const offsets = [{ topic, partition, offset, since, ...more }];
  return groups.commit("g", { member: told.member, offsets });
}

/** How often the topic of the groups was written to. */
async function writesOf(store: Store): Promise<number> {
  return (await collect(store.batches(GROUPS_TOPIC))).length;
}

test("after a restart nobody is a member, what was committed is there, and generations go on", async () => {
  await using opened = await open();
  await opened.store.append("orders", numbers(0, 5));
  const before = await join(opened.groups, "one");
  await commit(opened.groups, before, 3);
  await using groups = await opened.again();
  assert.equal((await groups.describe("g")).state, "empty");
  const gone = await rejectsWith("condition-failed", () => beat(groups, before));
  assert.equal(gone.details.rejoin, true);
  await rejectsWith("condition-failed", () => commit(groups, before, 4));
  const after = await join(groups, "one");
  assert.ok(after.generation > before.generation);
  assert.equal(after.partitions[0]!.offset, 3);
  await rejectsWith("condition-failed", () => commit(groups, before, 4));
});

test("what was committed survives a loss of power", async () => {
  const disk = new MemoryDisk();
  const store = await Store.open("/data", { disk });
  await store.append("orders", numbers(0, 5));
  const groups = new GroupCoordinator(store);
  await commit(groups, await join(groups, "one"), 4);
  disk.crash();
  await using reopened = await Store.open("/data", { disk });
  await using again = new GroupCoordinator(reopened);
  assert.equal((await again.describe("g")).partitions[0]!.committed, 4);
});

test("a member that does not give a partition up in time loses it", async () => {
  await using opened = await open(2);
  const { groups, clock } = opened;
  let one = await join(groups, "one", { leaseMs: 10_000, handoverMs: 5000 });
  let two = await join(groups, "two", { leaseMs: 10_000 });
  assert.deepEqual([two.partitions.length, two.awaited], [0, 1]);
  const held = one;
  one = await beat(groups, held);
  assert.equal(one.partitions.length, 1);
  clock.advance(4999);
  await beat(groups, held);
  two = await beat(groups, two);
  assert.equal(two.awaited, 1);
  clock.advance(1);
  two = await beat(groups, two);
  assert.deepEqual([two.partitions.length, two.awaited], [1, 0]);
  const { topic, partition } = two.partitions[0]!;
  const { since } = held.partitions.find((place) => place.partition === partition)!;
  const late = { member: "one", offsets: [{ topic, partition, offset: 0, since }] };
  const refused = await rejectsWith("condition-failed", () => groups.commit("g", late));
  assert.deepEqual([refused.details.partition, refused.details.rejoin], [partition, false]);
});

test("a lease ends by the clock; a heartbeat and a commit renew it, however late their turn comes", async () => {
  await using opened = await open();
  const { groups, clock, store } = opened;
  await store.append("orders", numbers(0, 5));
  const one = await join(groups, "one");
  for (let offset = 0; offset < 4; offset++) {
    clock.advance(LEASE_MS - 1);
    await (offset % 2 === 0 ? beat(groups, one) : commit(groups, one, offset));
  }
  clock.advance(LEASE_MS - 1);
  const inTime = beat(groups, one);
  clock.advance(1);
  await inTime;
  clock.advance(LEASE_MS);
  assert.equal((await groups.describe("g")).state, "empty");
});

test("a heartbeat waits for half a lease at most", async () => {
  await using opened = await open();
  const { groups, clock } = opened;
  const one = await join(groups, "one");
  const waiting = beat(groups, one, { waitMs: 60_000 });
  await groups.list(); // its turn comes after that of the heartbeat
  const before = clock.waiting;
  clock.advance(LEASE_MS / 2);
  assert.equal((await waiting).generation, one.generation);
  assert.ok(clock.waiting < before, "and leaves nothing behind");
});

test("offsets are committed all or none, never backwards, and not past the end", async () => {
  await using opened = await open(2);
  const { groups, store } = opened;
  await store.append("orders", numbers(0, 5), { partition: 0 });
  const one = await join(groups, "one");
  const [first, second] = one.partitions.map(({ topic, partition, since }) => {
    return { topic, partition, since };
  });
  const send = (...offsets: Parameters<GroupCoordinator["commit"]>[1]["offsets"]) =>
    groups.commit("g", { member: "one", offsets });
  await rejectsWith(
    "offset-out-of-range",
    () => send({ ...first!, offset: 3 }, { ...second!, offset: 1 }),
  );
  await rejectsWith(
    "condition-failed",
    () => send({ ...first!, offset: 3 }, { ...second!, offset: 0, since: 0 }),
  );
  await rejectsWith(
    "invalid-argument",
    () => send({ ...first!, offset: 3 }, { ...first!, offset: 4 }),
  );
  await rejectsWith("invalid-argument", () => send({ ...first!, offset: -1 }));
  await rejectsWith(
    "invalid-argument",
    () => send({ ...first!, offset: 1, metadata: "x".repeat(1025) }),
  );
  const at = async () => {
    const { committed, metadata } = (await groups.describe("g")).partitions[0]!;
    return [committed, metadata];
  };
  assert.deepEqual(await at(), [0, null]);
  await send({ ...first!, offset: 3, metadata: "a" });
  const [said] = await send({ ...first!, offset: 2, metadata: "b" });
  assert.equal(said!.offset, 3, "it is done already");
  assert.deepEqual(await at(), [3, "a"]);
  await send({ ...first!, offset: 3, metadata: "c" });
  assert.deepEqual(await at(), [3, "c"]);
});

test("nobody commits for a partition that another member has", async () => {
  await using opened = await open();
  const { groups, store } = opened;
  await store.append("orders", numbers(0, 5));
  const one = await join(groups, "one");
  await join(groups, "two");
  await rejectsWith("condition-failed", () => commit(groups, { ...one, member: "two" }, 1));
  await commit(groups, one, 1);
});

test("commits that come together are stored together, and each is told by itself", async () => {
  await using opened = await open(3);
  const { groups, store } = opened;
  for (const partition of [0, 1, 2]) await store.append("orders", numbers(0, 5), { partition });
  const { partitions } = await join(groups, "one");
  const send = (partition: number, offset: number, since = partitions[partition]!.since) =>
    groups.commit("g", { member: "one", offsets: [{ topic: "orders", partition, offset, since }] });
  const before = await writesOf(store);
  const told = await Promise.allSettled([
    send(0, 1),
    send(0, 3),
    send(1, 9),
    send(1, 2, 0),
    send(2, 4),
    send(0, 2),
    groups.commit("g", { member: "nobody", offsets: [] }),
  ]);
  const shown = told.map((one) =>
    one.status === "fulfilled" ? one.value[0]!.offset : (one.reason as SeglogError).code
  );
  assert.deepEqual(shown, [
    3,
    3,
    "offset-out-of-range",
    "condition-failed",
    4,
    3,
    "condition-failed",
  ]);
  assert.equal(await writesOf(store) - before, 1);
  const { partitions: now } = await groups.describe("g");
  assert.deepEqual(now.map(({ committed }) => committed), [3, 0, 4]);
});

test("a topic that is made anew starts fresh, and what was committed for the old one is forgotten", async () => {
  await using opened = await open();
  const { groups, store, clock } = opened;
  await store.append("orders", numbers(0, 5));
  const one = await join(groups, "one", { leaseMs: 60_000, from: "end" });
  assert.equal(one.partitions[0]!.offset, 5);
  await store.deleteTopic("orders");
  clock.advance(5000);
  const without = await beat(groups, one);
  assert.deepEqual(without.partitions, []);
  await store.append("orders", numbers(0, 3));
  clock.advance(5000);
  const anew = await beat(groups, without);
  assert.deepEqual(anew.partitions.map(({ offset }) => offset), [0], "all that is in it is new");
  assert.notEqual(anew.partitions[0]!.topicId, one.partitions[0]!.topicId);
  await rejectsWith("condition-failed", () => commit(groups, one, 1));
  await using kv = await Kv.open(store, GROUPS_TOPIC);
  const keys = await collect(kv.keys({ prefix: "o/" }));
  assert.deepEqual(keys, [`o/g/${anew.partitions[0]!.topicId}/0`]);
});

test("a group that is past the end of a partition is told, and goes on at the end", async () => {
  await using opened = await open();
  const { store, clock } = opened;
  await store.append("orders", numbers(0, 3));
  const { id: topicId } = await store.describeTopic("orders");
  const offsets = await CommittedOffsets.open(store, clock);
  const where = { topic: "orders", topicId, partition: 0, metadata: "", at: 0 };
  const ahead = async () => {
    await offsets.commit("g", [{ ...where, offset: 7 }]);
    await offsets.close();
  };
  await ahead();
  await using held = holdCoordinator(store, { clock });
  const told = await held.groups.join("g", { member: "raw", topics: ["orders"] });
  assert.deepEqual(told.partitions.map(({ offset, rewoundFrom }) => [offset, rewoundFrom]), [[
    3,
    7,
  ]]);
  await store.append("orders", numbers(3, 5));
  const { since } = told.partitions[0]!;
  const commit = { topic: "orders", partition: 0, offset: 4, since };
  const done = await held.groups.commit("g", { member: "raw", offsets: [commit] });
  assert.deepEqual(done.map(({ offset }) => offset), [4], "although more had been committed");
  const again = await held.groups.heartbeat("g", {
    member: "raw",
    generation: told.generation,
    holds: told.partitions,
  });
  assert.equal(
    again.partitions[0]!.rewoundFrom,
    undefined,
    "it is told until something is committed",
  );
});

test("a consumer is told of an end that was lost, or gets an error and goes on", async () => {
  await using opened = await open();
  const { store, clock } = opened;
  const { id: topicId } = await store.describeTopic("orders");
  const ahead = async (group: string) => {
    const offsets = await CommittedOffsets.open(store, clock);
    const where = { topic: "orders", topicId, partition: 0, metadata: "", at: 0 };
    await offsets.commit(group, [{ ...where, offset: 7 }]);
    await offsets.close();
  };
  await ahead("strict");
  await ahead("tolerant");
  const about = { topics: ["orders"], follow: false };
  await using strict = await GroupConsumer.open(store, "strict", about);
  const error = await rejectsWith("lost", () => collect(strict));
  assert.deepEqual([error.details.start, error.details.end], [0, 7]);
  assert.deepEqual(await collect(strict), []);
  const lost: unknown[] = [];
  const onLost = (range: unknown) => void lost.push(range);
  await using tolerant = await GroupConsumer.open(store, "tolerant", { ...about, onLost });
  assert.deepEqual(await collect(tolerant), []);
  assert.deepEqual(lost, [{ topic: "orders", partition: 0, start: 0, end: 7 }]);
});

test("looking at groups makes nothing, and beside the owner members are not known", async () => {
  const disk = new MemoryDisk();
  await using store = await Store.open("/data", { disk });
  await store.append("orders", numbers(0, 2));
  await using groups = new GroupCoordinator(store);
  assert.deepEqual(await groups.list(), []);
  await rejectsWith("not-found", () => groups.describe("g"));
  await rejectsWith("not-found", () => groups.remove("g"));
  await rejectsWith("not-found", () => groups.join("g", { member: "one", topics: ["none"] }));
  assert.deepEqual((await store.listTopics()).map(({ name }) => name), ["orders"]);
  await join(groups, "one");
  await using reader = await Store.open("/data", { disk, readOnly: true });
  await using beside = new GroupCoordinator(reader);
  assert.deepEqual(await beside.list(), [
    { group: "g", state: "unknown", members: 0, topics: ["orders"], lag: 2 },
  ]);
  await rejectsWith("read-only", () => beside.seek("g", { topic: "orders", to: "end" }));
  await rejectsWith("read-only", () => join(beside, "two"));
});

test("a damaged topic keeps nobody from seeing which groups there are", async () => {
  await using store = await Store.memory();
  for (const topic of ["bad", "good"]) await store.append(topic, numbers(0, 2));
  let isDamaged = false;
  const damaged = overriding(store, {
    describeTopic(topic) {
      if (topic !== "bad" || !isDamaged) return store.describeTopic(topic);
      return Promise.reject(new SeglogError("corrupt", "Cannot read it"));
    },
  });
  await using groups = new GroupCoordinator(damaged);
  for (const topic of ["bad", "good"]) await groups.seek("g", { topic, to: "1" });
  isDamaged = true;
  const [group] = await groups.list();
  assert.deepEqual([group!.topics, group!.lag], [["good"], 1]);
  await rejectsWith("corrupt", () => groups.describe("g"));
});

test("what is stored and cannot be read is an error that names the place", async () => {
  for (const [key, value] of [["o/g/x/0", "{}"], ["g/g", "{"], ["g/g", '{"generation":-1}']]) {
    await using opened = await open();
    await using kv = await Kv.open(opened.store, GROUPS_TOPIC);
    await kv.set(key!, value!);
    const error = await rejectsWith("corrupt", () => opened.groups.list());
    assert.ok(error.message.includes(key!), error.message);
  }
});

test("a group that was removed by force is made anew by the members that join again", async () => {
  await using opened = await open();
  const { groups, store } = opened;
  await store.append("orders", numbers(0, 5));
  const before = await join(groups, "one");
  await commit(groups, before, 5);
  await rejectsWith("condition-failed", () => groups.remove("g"));
  await groups.remove("g", { force: true });
  await rejectsWith("condition-failed", () => beat(groups, before));
  const after = await join(groups, "one");
  assert.equal(after.partitions[0]!.offset, 0);
  assert.ok(after.generation > before.generation);
});
