import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Backend,
  type GroupConsumer,
  type Groups,
  holdGroups,
  type Membership,
  SeglogError,
  Store,
} from "../../mod.ts";
import { GROUPS_DUTY } from "../../core/groups/routed_groups.ts";
import { holdOwnGroups, type OwnGroups } from "../../core/groups/shared_groups.ts";
import { overriding } from "../server/support.ts";
import { rejectsWith } from "../support/collect.ts";
import { type ElectionNode, Electorate, LEASE_MS } from "../support/electorate.ts";
import { numbers, openMember, textsOf } from "./support.ts";

/** Longer than a member waits for a coordinator, so that none is given up meanwhile. */
const MEMBER_LEASE_MS = 60_000;

interface GroupNode {
  readonly node: ElectionNode;
  readonly backend: Backend;
  readonly held: OwnGroups;
  readonly groups: Groups;
}

/** Nodes over one store, of which the first coordinates. */
class Cluster implements AsyncDisposable {
  readonly electorate = new Electorate();
  readonly store: Store;
  readonly nodes: GroupNode[] = [];

  private constructor(store: Store) {
    this.store = store;
  }

  static async open({ nodes = 2, partitions = 1 } = {}): Promise<Cluster> {
    const store = await Store.memory();
    await store.ensureTopic("orders", { partitions });
    const cluster = new Cluster(store);
    for (let i = 0; i < nodes; i++) cluster.#add();
    return cluster;
  }

  #add(): void {
    const node = this.electorate.node();
    const backend = overriding(this.store, { election: node.election });
    const held = holdOwnGroups(backend, { clock: node.clock });
    this.nodes.push({ node, backend, held, groups: held.groups });
  }

  until<Type>(running: Promise<Type>): Promise<Type> {
    return this.electorate.until(running);
  }

  join({ groups }: GroupNode, member: string): Promise<Membership> {
    const request = { member, topics: ["orders"], leaseMs: MEMBER_LEASE_MS };
    return this.until(groups.join("g", request));
  }

  beat({ groups }: GroupNode, told: Membership, more = {}): Promise<Membership> {
    const { member, generation, partitions: holds } = told;
    return this.until(groups.heartbeat("g", { member, generation, holds, ...more }));
  }

  commit({ groups }: GroupNode, told: Membership, offset: number) {
    const [{ topic, partition, since }] = told.partitions as [Membership["partitions"][0]];
    const offsets = [{ topic, partition, offset, since }];
    return this.until(groups.commit("g", { member: told.member, offsets }));
  }

  async committed({ groups }: GroupNode): Promise<number | null> {
    return (await this.until(groups.describe("g"))).partitions[0]!.committed;
  }

  /** Who coordinates, and who does not. */
  async parts(): Promise<[GroupNode, GroupNode]> {
    await this.electorate.untilSo(() => this.nodes.some(({ held }) => held.coordinator));
    const holder = this.nodes.find(({ held }) => held.coordinator !== undefined)!;
    return [holder, this.nodes.find((other) => other !== holder)!];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { node } of this.nodes) Object.assign(node, { isCut: false, isStill: false });
    for (const { held } of this.nodes) await this.until(held.release());
    await this.electorate[Symbol.asyncDispose]();
    await this.store.close();
  }
}

test("whichever node a member talks to, the group is one", async () => {
  await using cluster = await Cluster.open({ partitions: 2 });
  const [holder, other] = await cluster.parts();
  let one = await cluster.join(other, "one");
  assert.equal(one.partitions.length, 2);
  let two = await cluster.join(holder, "two");
  assert.deepEqual([two.partitions.length, two.awaited], [0, 1]);
  one = await cluster.beat(other, one);
  one = await cluster.beat(other, one);
  two = await cluster.beat(holder, two);
  assert.deepEqual([one.partitions.length, two.partitions.length], [1, 1]);
  const seen = await cluster.until(Promise.all([holder, other].map(({ groups }) => {
    return groups.describe("g");
  })));
  assert.deepEqual(seen[0], seen[1]);
  assert.deepEqual(seen[0]!.members.map(({ member }) => member), ["one", "two"]);
  assert.equal(other.held.coordinator, undefined, "there is one coordinator");
});

test("all that is asked of groups reaches the coordinator, and its errors come back", async () => {
  await using cluster = await Cluster.open();
  const [, other] = await cluster.parts();
  await cluster.store.append("orders", numbers(0, 5));
  const told = await cluster.join(other, "one");
  assert.deepEqual(await cluster.commit(other, told, 3), [
    { topic: "orders", partition: 0, offset: 3 },
  ]);
  const seek = () => cluster.until(other.groups.seek("g", { topic: "orders", to: "1" }));
  assert.equal((await rejectsWith("condition-failed", seek)).details.members, 1);
  await rejectsWith("offset-out-of-range", () => cluster.commit(other, told, 9));
  await cluster.until(other.groups.leave("g", { member: "one" }));
  assert.deepEqual(await seek(), [{ topic: "orders", partition: 0, offset: 1, before: 3 }]);
  const [summary] = await cluster.until(other.groups.list());
  assert.deepEqual([summary?.group, summary?.state, summary?.lag], ["g", "empty", 4]);
  await cluster.until(other.groups.remove("g"));
  await rejectsWith("not-found", () => cluster.until(other.groups.describe("g")));
});

test("a heartbeat that waits at another node is told at once what has changed", async () => {
  await using cluster = await Cluster.open();
  const [holder, other] = await cluster.parts();
  const one = await cluster.join(other, "one");
  const { generation, partitions: holds } = one;
  const beat = { member: "one", generation, holds, waitMs: 20_000 };
  const refused = rejectsWith("condition-failed", () => other.groups.heartbeat("g", beat));
  const before = other.node.clock.now();
  await cluster.join(holder, "two");
  await cluster.until(holder.groups.leave("g", { member: "one" }));
  await cluster.until(refused);
  assert.ok(other.node.clock.now() - before < 5000);
});

test("the signal of a heartbeat ends its waiting", async () => {
  await using cluster = await Cluster.open();
  const [, other] = await cluster.parts();
  const { generation, partitions: holds } = await cluster.join(other, "one");
  const ending = new AbortController();
  const { signal } = ending;
  const beat = { member: "one", generation, holds, waitMs: 20_000, signal };
  const waiting = other.groups.heartbeat("g", beat);
  ending.abort();
  await rejectsWith("unavailable", () => cluster.until(waiting));
});

test("when the coordinator dies another takes over: members join again, later, where they were", async () => {
  await using cluster = await Cluster.open();
  const [holder, other] = await cluster.parts();
  await cluster.store.append("orders", numbers(0, 5));
  const told = await cluster.join(other, "one");
  await cluster.commit(other, told, 3);
  Object.assign(holder.node, { isCut: true, isStill: true });
  const before = other.node.clock.now();
  const beat = () => cluster.beat(other, told);
  assert.equal((await rejectsWith("condition-failed", beat)).details.rejoin, true);
  assert.ok(other.node.clock.now() - before <= 2 * LEASE_MS);
  assert.ok(other.held.coordinator !== undefined);
  const again = await cluster.join(other, "one");
  assert.ok(again.generation > told.generation);
  assert.equal(again.partitions[0]!.offset, 3);
  await cluster.commit(other, again, 5);
});

test("a coordinator that stood still past its lease and comes back commits nothing", async () => {
  await using cluster = await Cluster.open();
  const [holder, other] = await cluster.parts();
  await cluster.store.append("orders", numbers(0, 9));
  const old = await cluster.join(holder, "one");
  await cluster.commit(holder, old, 3);
  holder.node.isStill = true;
  const anew = await cluster.join(other, "two");
  assert.equal(anew.partitions[0]!.offset, 3);
  await cluster.commit(other, anew, 5);
  assert.ok(holder.held.coordinator !== undefined, "it does not know yet");
  const late = await rejectsWith("condition-failed", () => cluster.commit(holder, old, 8));
  assert.equal(late.details.rejoin, true);
  holder.node.isStill = false;
  await cluster.electorate.untilSo(() => holder.held.coordinator === undefined);
  assert.equal(await cluster.committed(holder), 5);
  const back = await cluster.join(holder, "one");
  assert.ok(back.generation > anew.generation, "and its members are in the one group");
});

test("when a node ends well the next one coordinates at once", async () => {
  await using cluster = await Cluster.open();
  const [holder, other] = await cluster.parts();
  const told = await cluster.join(other, "one");
  await cluster.until(holder.held.release());
  const before = other.node.clock.now();
  await rejectsWith("condition-failed", () => cluster.beat(other, told));
  assert.ok(other.node.clock.now() - before < LEASE_MS);
});

test("consumers on several nodes share the work, and go on when the coordinator dies", async () => {
  await using cluster = await Cluster.open({ nodes: 3, partitions: 4 });
  const [holder] = await cluster.parts();
  const others = cluster.nodes.filter((node) => node !== holder);
  const seen: string[] = [];
  const consumers = await cluster.until(
    Promise.all(others.map(({ backend }) => openMember(backend, { leaseMs: MEMBER_LEASE_MS }))),
  );
  const working = consumers.map((consumer) => workOn(consumer, seen));
  const append = async (start: number, end: number) => {
    for (let at = start; at < end; at++) {
      await cluster.store.append("orders", [{ value: `${at}` }], { partition: at % 4 });
    }
  };
  await append(0, 40);
  await cluster.electorate.untilSo(() => new Set(seen).size === 40);
  Object.assign(holder.node, { isCut: true, isStill: true });
  await append(40, 80);
  await cluster.electorate.untilSo(() => new Set(seen).size === 80);
  await cluster.until(Promise.all(consumers.map((consumer) => consumer.close())));
  await cluster.until(Promise.all(working));
  assert.equal((await cluster.until(others[0]!.groups.list()))[0]!.lag, 0);
});

/** Works whatever is taken away: that is handed out again. */
async function workOn(consumer: GroupConsumer, seen: string[]): Promise<void> {
  for await (const batch of consumer) {
    seen.push(...textsOf(batch));
    await consumer.commit(batch).catch((error) => {
      if (!(error instanceof SeglogError) || error.code !== "condition-failed") throw error;
    });
  }
}

test("groups that are held from several places of a process are asked for once", async () => {
  await using cluster = await Cluster.open({ nodes: 1 });
  const [{ backend, held, groups }] = cluster.nodes as [GroupNode];
  await using again = holdGroups(backend);
  assert.equal(again.groups, groups);
  await cluster.electorate.untilSo(() => held.coordinator !== undefined);
  await again.release();
  await cluster.electorate.pass(LEASE_MS);
  assert.ok(held.coordinator !== undefined, "as long as one of them does");
  assert.ok(cluster.electorate.addressOf(GROUPS_DUTY) !== undefined);
});
