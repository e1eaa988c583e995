/** Who has which partition, step by step. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupState, type Joining } from "../../core/groups/group_state.ts";

const LEASE_MS = 1000;
const HANDOVER_MS = 500;

function joining(member: string): Joining {
  return {
    member,
    principal: undefined,
    topics: new Set(["orders"]),
    from: "start",
    leaseMs: LEASE_MS,
    handoverMs: HANDOVER_MS,
  };
}

/** Two members, of whom the first has to give one of two partitions up. */
function twoMembers(): GroupState {
  const state = new GroupState(0);
  state.learn(new Map([["orders", { id: "id", partitions: 2 }]]), 0);
  state.join(joining("one"), 0);
  state.learn(new Map([["orders", { id: "id", partitions: 2 }]]), 0);
  assert.equal(state.shareOf("one").places.length, 2);
  state.join(joining("two"), 0);
  return state;
}

const partitionsOf = (state: GroupState, member: string) =>
  state.shareOf(member).places.map(({ partition }) => partition);

test("a partition is handed over when its owner has let go of it, or has had its time", () => {
  const state = twoMembers();
  const { generation } = state;
  assert.deepEqual(state.shareOf("two"), { places: [], awaited: 1 });
  const [kept] = state.shareOf("one").places;
  state.release({ member: "one", generation, holds: [kept!] }, 1);
  assert.equal(partitionsOf(state, "two").length, 1);
  assert.deepEqual(partitionsOf(state, "one"), [kept!.partition]);

  const slow = twoMembers();
  slow.expire(HANDOVER_MS - 1);
  assert.deepEqual(partitionsOf(slow, "two"), []);
  slow.expire(HANDOVER_MS);
  assert.equal(partitionsOf(slow, "two").length, 1);
});

test("who has not heard yet of a partition does not give it up by not naming it", () => {
  const state = twoMembers();
  state.release({ member: "one", generation: 0, holds: [] }, 1);
  assert.deepEqual(partitionsOf(state, "two"), [], "the answer to its joining is on its way");
});

test("a sign of life keeps a member, and does not bring one back that was given up", () => {
  const state = twoMembers();
  state.renew("one", LEASE_MS - 1);
  state.renew("two", LEASE_MS);
  state.expire(LEASE_MS);
  assert.deepEqual(state.members.map(({ member }) => member), ["one"]);
  assert.equal(state.shareOf("one").places.length, 2);
});
