/** Elections among processes that use one cluster. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { type Groups, holdGroups, type Membership, SeglogError } from "../../mod.ts";
import { parseClusterUrl } from "../../jetstream/cluster_url.ts";
import { Connection } from "../../jetstream/connection.ts";
import type { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { JetStreamLeases } from "../../jetstream/leases.ts";
import { Streams } from "../../jetstream/streams.ts";
import { TopicCatalogue } from "../../jetstream/topic_catalogue.ts";
import { rejectsWith } from "../support/collect.ts";
import { nats, newPrefix, openOn, sharedServer } from "./support.ts";

const DUTY = "counting/größer";

/** Stands for the duty. @returns withdraws, and resolves when it was elected */
function stand(backend: JetStreamBackend, name: string) {
  const elected = Promise.withResolvers<void>();
  const candidacy = backend.election.campaign(DUTY, {
    take: () => {
      elected.resolve();
      return {
        answer: (question) => Promise.resolve(answerTo(name, question)),
        close: () => Promise.resolve(),
      };
    },
  });
  return { elected: elected.promise, withdraw: () => candidacy.close() };
}

function answerTo(name: string, question: unknown): unknown {
  if (typeof question === "number") return randomBytes(question).toString("base64");
  if (question === "fail") {
    throw new SeglogError("quota-full", "Cannot count: all is full", { details: { limit: 3 } });
  }
  return { name, question };
}

function join(groups: Groups, member: string): Promise<Membership> {
  return groups.join("g", { member, topics: ["orders"] });
}

function commit(groups: Groups, told: Membership, offset: number) {
  const [{ topic, partition, since }] = told.partitions as [Membership["partitions"][0]];
  const offsets = [{ topic, partition, offset, since }];
  return groups.commit("g", { member: told.member, offsets });
}

describe("an election in a cluster", () => {
  if (typeof nats === "string") return void test("one is elected", { skip: nats }, () => {});
  const server = sharedServer();

  /** Two that use the same topics, each with a connection of its own. */
  async function openTwo() {
    const prefix = newPrefix();
    const first = await openOn(await server(), { prefix });
    const second = await openOn(await server(), { prefix });
    const url = parseClusterUrl(`${(await server()).url}/?prefix=${prefix}`);
    const connection = await Connection.open(url);
    const catalogue = new TopicCatalogue(connection, new Streams(connection, url), prefix);
    const leases = new JetStreamLeases(connection, catalogue, prefix);
    return {
      first,
      second,
      /** The lease of who holds the duty, if any. */
      lease: async () => (await leases.read(DUTY)).lease,
      async [Symbol.asyncDispose]() {
        await connection.close();
        await first.close();
        await second.close();
      },
    };
  }

  test("one is elected, and is asked by all; who withdraws leaves it to the next", async () => {
    await using two = await openTwo();
    const one = stand(two.first, "first");
    await one.elected;
    const other = stand(two.second, "second");
    for (const backend of [two.first, two.second]) {
      const told = await backend.election.request(DUTY, ["ä", null, { n: 1 }]);
      assert.deepEqual(told, { name: "first", question: ["ä", null, { n: 1 }] });
    }
    const before = await two.lease();
    await one.withdraw();
    assert.notEqual((await two.lease())?.holder, before!.holder, "nobody waits for its lease");
    await other.elected;
    assert.deepEqual(await two.first.election.request(DUTY, 1 > 0), {
      name: "second",
      question: true,
    });
  });

  test("errors come back as they are, and answers up to what the servers take", async () => {
    await using two = await openTwo();
    const one = stand(two.first, "first");
    await one.elected;
    const ask = (question: unknown) => two.second.election.request(DUTY, question);
    const error = await rejectsWith("quota-full", () => ask("fail"));
    assert.deepEqual([error.message, error.details], ["Cannot count: all is full", { limit: 3 }]);
    const text = "x".repeat(5_000_000);
    assert.deepEqual(await ask({ text }), { name: "first", question: { text } });
    await rejectsWith("too-large", () => ask(2_000_000));
    await rejectsWith("too-large", () => ask(randomBytes(2_000_000).toString("base64")));
  });

  test("of many who stand at the same time one is elected, and a lease is no topic", async () => {
    await using two = await openTwo();
    let elected = 0;
    for (const backend of [two.first, two.second, two.first, two.second]) {
      void stand(backend, "one of them").elected.then(() => elected++);
    }
    await two.first.election.request(DUTY, "who");
    assert.deepEqual([await two.first.listTopics(), await two.second.listTopics()], [[], []]);
    await two.first.append("orders", [{ value: "x" }]);
    assert.deepEqual((await two.second.listTopics()).map(({ name }) => name), ["orders"]);
    assert.equal(elected, 1);
  });

  test("the group of two backends is one, and goes on when who coordinates it is closed", async () => {
    await using two = await openTwo();
    await two.first.append("orders", Array.from({ length: 5 }, () => ({ value: "x" })));
    const before = holdGroups(two.first);
    const told = await join(before.groups, "one");
    await using after = holdGroups(two.second);
    assert.deepEqual(await commit(after.groups, told, 3), [
      { topic: "orders", partition: 0, offset: 3 },
    ]);
    assert.deepEqual(await before.groups.describe("g"), await after.groups.describe("g"));
    await before.release();
    const late = await rejectsWith("condition-failed", () => commit(after.groups, told, 5));
    assert.equal(late.details.rejoin, true);
    const again = await join(after.groups, "one");
    assert.ok(again.generation > told.generation);
    assert.equal(again.partitions[0]!.offset, 3);
    await commit(after.groups, again, 5);
  });
});
