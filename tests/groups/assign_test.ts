import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assign, type Slot, type Subscriber } from "../../core/groups/assign.ts";

const TOPICS = ["a", "b", "c"];

const subscribers: fc.Arbitrary<Subscriber[]> = fc.uniqueArray(
  fc.record({
    member: fc.integer({ min: 0, max: 12 }).map((number) => `m${number}`),
    topics: fc.subarray(TOPICS, { minLength: 1 }).map((topics) => new Set(topics)),
  }),
  { selector: ({ member }) => member, maxLength: 9 },
);

const slots: fc.Arbitrary<Slot[]> = fc.tuple(...TOPICS.map(() => fc.nat({ max: 9 })))
  .chain((counts) => {
    const places = counts.flatMap((count, at) =>
      Array.from({ length: count }, (_, partition) => ({ topic: TOPICS[at]!, partition }))
    );
    const owner = fc.option(fc.integer({ min: 0, max: 12 }).map((number) => `m${number}`));
    return fc.tuple(...places.map(() => owner)).map((owners) =>
      places.map((place, at) => ({ ...place, owner: owners[at] ?? undefined }))
    );
  });

function loadsOf(targets: readonly (string | undefined)[], members: readonly Subscriber[]) {
  return new Map(
    members.map(({ member }) => [member, targets.filter((target) => target === member).length]),
  );
}

test("every partition that somebody wants has one member that wants its topic, others have none", () => {
  fc.assert(fc.property(slots, subscribers, (slots, members) => {
    const targets = assign(slots, members);
    slots.forEach(({ topic }, at) => {
      const wanting = members.filter(({ topics }) => topics.has(topic));
      if (wanting.length === 0) assert.equal(targets[at], undefined);
      else assert.ok(wanting.some(({ member }) => member === targets[at]));
    });
  }));
});

test("of members that want the same topics none has two partitions more than another", () => {
  fc.assert(fc.property(slots, subscribers, (slots, members) => {
    const same = members.map(({ member }) => ({ member, topics: new Set(TOPICS) }));
    const loads = [...loadsOf(assign(slots, same), same).values()];
    assert.ok(Math.max(0, ...loads) - Math.min(Infinity, ...loads) <= 1);
  }));
});

test("no single move would even out two members", () => {
  fc.assert(fc.property(slots, subscribers, (slots, members) => {
    const targets = assign(slots, members);
    const loads = loadsOf(targets, members);
    slots.forEach(({ topic }, at) => {
      const target = targets[at];
      if (target === undefined) return;
      for (const { member, topics } of members) {
        if (topics.has(topic)) assert.ok(loads.get(target)! - loads.get(member)! <= 1);
      }
    });
  }));
});

test("what is balanced stays as it is, and members are the same in any order", () => {
  fc.assert(fc.property(slots, subscribers, (slots, members) => {
    const targets = assign(slots, members);
    const settled = slots.map((slot, at) => ({ ...slot, owner: targets[at] }));
    assert.deepEqual(assign(settled, members), targets);
    assert.deepEqual(assign(slots, members.toReversed()), targets);
  }));
});

test("only as many partitions move as the balance takes", () => {
  fc.assert(fc.property(
    fc.nat({ max: 60 }),
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 1, max: 8 }),
    (count, before, after) => {
      const topics = new Set(["a"]);
      const team = (size: number) =>
        Array.from({ length: size }, (_, at) => ({ member: `m${at}`, topics }));
      const free = Array.from({ length: count }, (_, partition) => {
        return { topic: "a", partition, owner: undefined };
      });
      const first = assign(free, team(before));
      const next = assign(
        free.map((slot, at) => ({ ...slot, owner: first[at] })),
        team(after),
      );
      const moved = next.filter((target, at) => target !== first[at]).length;
      // Those that leave give all they have; those that come get a fair share, and nothing else moves.
      const gone = first.filter((owner) => Number(owner!.slice(1)) >= after).length;
      const least = after <= before ? gone : (after - before) * Math.floor(count / after);
      const most = after <= before ? gone : (after - before) * Math.ceil(count / after);
      assert.ok(moved >= least && moved <= most, `${moved} moved`);
    },
  ));
});

test("a thousand partitions and members are shared out at once", () => {
  const topics = new Set(["a"]);
  const members = Array.from({ length: 1000 }, (_, at) => ({ member: `m${at}`, topics }));
  const slots = Array.from({ length: 1024 }, (_, partition) => {
    return { topic: "a", partition, owner: "m0" };
  });
  const loads = [...loadsOf(assign(slots, members), members).values()];
  assert.deepEqual([Math.min(...loads), Math.max(...loads)], [1, 2]);
});
