import assert from "node:assert/strict";
import { test } from "node:test";
import { type Backend, GroupConsumer, holdGroups } from "../../mod.ts";
import { rejectsWith, take } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { BACKENDS, numbers, openMember, textsOf, work } from "./support.ts";
import { until } from "../support/until.ts";

async function committed(backend: Backend): Promise<(number | null)[]> {
  await using held = holdGroups(backend);
  return (await held.groups.describe("g")).partitions.map(({ committed }) => committed);
}

for (const [name, open] of Object.entries(BACKENDS)) {
  test(`a member of a group on ${name} reads all, and the next one goes on from what it committed`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 3));
    await store.append("orders", numbers(3, 6));
    const first: string[] = [];
    {
      await using consumer = await openMember(backend);
      for await (const batch of consumer) {
        first.push(...textsOf(batch));
        await consumer.commit();
        break;
      }
      assert.equal(await consumer.lag(), 3);
    }
    assert.deepEqual(first, ["0", "1", "2"]);
    await using consumer = await openMember(backend, { follow: false });
    const second: string[] = [];
    await work(consumer, second);
    assert.deepEqual(second, ["3", "4", "5"]);
    assert.equal(await consumer.lag(), 0);
  });

  test(`what was not committed on ${name} is handed out again`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 3));
    for (let i = 0; i < 2; i++) {
      await using consumer = await openMember(backend, { follow: false });
      const [batch] = await take(consumer, 1);
      assert.deepEqual(textsOf(batch!), ["0", "1", "2"]);
    }
    assert.deepEqual(await committed(backend), [0]);
  });

  test(`members of a group on ${name} share the partitions, and one that comes is given its share`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.ensureTopic("orders", { partitions: 4 });
    await using one = await openMember(backend);
    assert.equal(one.assignment.length, 4);
    await using two = await openMember(backend);
    await until(() => one.assignment.length === 2 && two.assignment.length === 2);
    const both = [...one.assignment, ...two.assignment].map(({ partition }) => partition);
    assert.deepEqual(both.toSorted(), [0, 1, 2, 3]);
    const [seenByOne, seenByTwo]: [string[], string[]] = [[], []];
    const working = [work(one, seenByOne, 2), work(two, seenByTwo, 2)];
    for (const partition of [0, 1, 2, 3]) {
      await store.append("orders", numbers(partition, partition + 1), { partition });
    }
    await Promise.all(working);
    assert.deepEqual([...seenByOne, ...seenByTwo].toSorted(), ["0", "1", "2", "3"]);
    await two.close();
    await until(() => one.assignment.length === 4);
  });

  test(`a member of a group on ${name} that has work in hand keeps its partition until that is committed`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.ensureTopic("orders", { partitions: 2 });
    for (const partition of [0, 1]) await store.append("orders", numbers(0, 1), { partition });
    const revoked: unknown[] = [];
    await using one = await openMember(backend, {
      onRevoked: (places) => void revoked.push(...places),
    });
    const batches = one.batches();
    await batches.next();
    await batches.next(); // one batch of each partition is handed out, none is committed
    await using two = await openMember(backend);
    await until(() => one.assignment.length === 1);
    assert.equal(two.assignment.length, 0);
    await one.commit();
    await until(() => two.assignment.length === 1);
    assert.deepEqual(revoked, two.assignment);
    assert.equal(await two.lag(), 0, "nothing is handed out twice");
  });

  test(`when a member of a group on ${name} dies, another reads what it had, its work again`, async () => {
    const clock = new FakeClock();
    await using opened = await open(clock);
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 4));
    await using held = holdGroups(backend);
    const dead = await held.groups.join("g", { member: "dead", topics: ["orders"], leaseMs: 1000 });
    const { since } = dead.partitions[0]!;
    const place = { topic: "orders", partition: 0 };
    await held.groups.commit("g", { member: "dead", offsets: [{ ...place, offset: 2, since }] });
    await using consumer = await openMember(backend);
    assert.deepEqual(consumer.assignment, []);
    const seen: string[] = [];
    const working = work(consumer, seen, 2);
    clock.advance(1000);
    await working;
    assert.deepEqual(seen, ["2", "3"]);
    const late = { member: "dead", offsets: [{ ...place, offset: 3, since }] };
    const error = await rejectsWith("condition-failed", () => held.groups.commit("g", late));
    assert.equal(error.details.rejoin, true);
    assert.deepEqual(await committed(backend), [4]);
  });

  test(`a member of a group on ${name} that was given up joins again, and goes on without a gap`, async () => {
    const clock = new FakeClock();
    await using opened = await open(clock);
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 2));
    await using consumer = await openMember(backend, { leaseMs: 3000 });
    const batches = consumer.batches();
    const first = await batches.next();
    clock.advance(3000);
    await using held = holdGroups(backend);
    await until(async () => (await held.groups.describe("g")).members.length === 1);
    await consumer.commit(); // nobody else had it meanwhile: the work counts
    assert.deepEqual(textsOf(first.value!), ["0", "1"]);
    assert.deepEqual(await committed(backend), [2]);
    await store.append("orders", numbers(2, 3));
    assert.deepEqual(textsOf((await batches.next()).value!), ["2"]);
  });

  test(`who lost a partition of ${name} with work in hand is told when it commits, and goes on`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 2));
    await using consumer = await openMember(backend);
    const batches = consumer.batches();
    await batches.next();
    await consumer.commit();
    await store.append("orders", numbers(2, 3));
    const inHand = await batches.next();
    await using held = holdGroups(backend);
    const seek = { topic: "orders", to: "start" };
    const refused = await rejectsWith("condition-failed", () => held.groups.seek("g", seek));
    assert.equal(refused.details.members, 1);
    assert.deepEqual(await held.groups.seek("g", { ...seek, force: true }), [
      { topic: "orders", partition: 0, before: 2, offset: 0 },
    ]);
    await until(async () => await consumer.lag() === 3);
    await rejectsWith("condition-failed", () => consumer.commit(inHand.value!));
    assert.deepEqual(await committed(backend), [0], "a seek is not undone");
    assert.equal((await batches.next()).value!.start, 0);
    await consumer.commit();
    assert.deepEqual(await committed(backend), [2]);
  });

  test(`a seek by force on ${name} takes a member back also within what it has in hand`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    for (const start of [0, 2, 4]) await store.append("orders", numbers(start, start + 2));
    await using consumer = await openMember(backend);
    const batches = consumer.batches();
    for (const start of [0, 2]) assert.equal((await batches.next()).value!.start, start);
    await using held = holdGroups(backend);
    await held.groups.seek("g", { topic: "orders", to: "2", force: true });
    await until(async () => await consumer.lag() === 4);
    assert.equal((await batches.next()).value!.start, 2);
  });

  test(`with autoCommitMs the loop on ${name} commits what it is done with, and no more`, async () => {
    const clock = new FakeClock();
    await using opened = await open();
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 2));
    await store.append("orders", numbers(2, 4));
    {
      await using consumer = await openMember(backend, { autoCommitMs: 1000, clock });
      const batches = consumer.batches();
      await batches.next();
      await batches.next();
      clock.advance(1000);
      await until(async () => (await committed(backend))[0] === 2);
    }
    assert.deepEqual(await committed(backend), [2], "the last batch may not be done");
    await using consumer = await openMember(backend, { autoCommitMs: 1000, clock, follow: false });
    for await (const batch of consumer) assert.equal(batch.start, 2);
    await consumer.close();
    assert.deepEqual(await committed(backend), [4]);
  });

  test(`a group on ${name} that begins at the end misses nothing that comes after its first member`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 2));
    await (await openMember(backend, { from: "end" })).close();
    await store.append("orders", numbers(2, 4));
    await using consumer = await openMember(backend, { from: "end", follow: false });
    const seen: string[] = [];
    await work(consumer, seen);
    assert.deepEqual(seen, ["2", "3"]);
  });

  test(`records of ${name} that retention took before they were read are told, or are an error`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    for (let i = 0; i < 3; i++) await store.append("orders", numbers(2 * i, 2 * i + 2));
    await (await openMember(backend)).close();
    await store.truncate("orders", { before: 4 });
    {
      await using strict = await openMember(backend);
      const error = await rejectsWith("offset-out-of-range", () => take(strict, 1));
      assert.deepEqual([error.details.topic, error.details.logStartOffset], ["orders", 4]);
      await rejectsWith("offset-out-of-range", () => take(strict, 1));
    }
    const lost: unknown[] = [];
    await using consumer = await openMember(backend, {
      follow: false,
      onLost: (range) => lost.push(range),
    });
    const seen: string[] = [];
    await work(consumer, seen);
    assert.deepEqual(seen, ["4", "5"]);
    assert.deepEqual(lost, [{ topic: "orders", partition: 0, start: 0, end: 4 }]);
  });

  test(`several topics of ${name} are shared, and a batch says which one it is of`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 1));
    await store.append("refunds", numbers(1, 2));
    await using consumer = await openMember(backend, {
      topics: ["orders", "refunds"],
      follow: false,
    });
    const seen: string[] = [];
    for await (const batch of consumer) seen.push(`${batch.topic}:${textsOf(batch)}`);
    assert.deepEqual(seen.toSorted(), ["orders:0", "refunds:1"]);
  });

  test(`a group on ${name} names what is not there`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await rejectsWith("not-found", () => openMember(backend));
    await store.ensureTopic("orders");
    const refused = (group: string, options = {}) =>
      rejectsWith(
        "invalid-argument",
        () => GroupConsumer.open(backend, group, { topics: ["orders"], ...options }),
      );
    await refused("");
    await refused("a\nb");
    await refused("g".repeat(201));
    await refused("g", { topics: [] });
    await refused("g", { leaseMs: 1 });
    await refused("g", { from: "middle" });
    await refused("g", { autoCommitMs: 0 });
    await refused("g", { bufferBytesMax: 0 });
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(openMember(backend, { signal }), /enough/);
    await using held = holdGroups(backend);
    assert.deepEqual(await held.groups.list(), [], "and nothing is made");
  });

  test(`a member of ${name} ends quietly by its signal, and when it is closed`, async () => {
    await using opened = await open();
    const { backend, store } = opened;
    await store.append("orders", numbers(0, 1));
    const controller = new AbortController();
    const consumer = await openMember(backend, { signal: controller.signal });
    const seen: string[] = [];
    const working = work(consumer, seen);
    await until(() => seen.length === 1);
    controller.abort();
    await working;
    await consumer.close();
    const other = await openMember(backend);
    const waiting = work(other, seen);
    await other.close();
    await waiting;
    assert.deepEqual(seen, ["0"]);
    await rejectsWith("closed", () => other.commit());
  });
}
