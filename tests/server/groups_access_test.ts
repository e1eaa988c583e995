/** Who may use which group. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupConsumer } from "../../mod.ts";
import { type Asking, openGuarded } from "./access/access_support.ts";
import { jsonOf, jsonRequest, problemOf } from "./support.ts";

interface Told {
  readonly generation: number;
  readonly partitions: readonly { partition: number; since: number }[];
}

const post = (asking: Asking, action: string, body: unknown) =>
  asking(`/v1/groups/billing/${action}`, jsonRequest("POST", body));
const join = (asking: Asking, ...topics: string[]) =>
  post(asking, "join", { member: "one", topics });

test("a group is joined, committed and moved by whoever may consume the topic, and by nobody else", async () => {
  await using opened = await openGuarded();
  for (const topic of ["orders", "secret"]) await opened.store.append(topic, [{ value: "a" }]);
  const consumer = await opened.somebody({ name: "consumer", grants: "consume:orders" });
  const producer = await opened.somebody({ name: "producer", grants: "produce:orders" });
  await problemOf(await join(opened.stranger, "orders"), 401, "unauthenticated");
  await problemOf(await join(producer, "orders"), 403, "forbidden");
  await problemOf(await join(consumer, "orders", "secret"), 403, "forbidden");
  const { generation, partitions } = await jsonOf<Told>(await join(consumer, "orders"));
  const { since } = partitions[0]!;
  const commit = { member: "one", offsets: [{ topic: "orders", partition: 0, offset: 1, since }] };
  const beat = { member: "one", generation, holds: [] };

  const other = await opened.somebody({ name: "other", grants: "consume:orders" });
  for (const [action, body] of [["commit", commit], ["heartbeat", beat]] as const) {
    const told = await problemOf(await post(other, action, body), 412, "condition-failed");
    assert.equal(told.rejoin, true, "nobody speaks for another's member");
  }
  await problemOf(await join(other, "orders"), 409, "exists");
  assert.equal((await post(other, "leave", { member: "one" })).status, 204);
  await jsonOf(await post(consumer, "commit", commit));
  const seek = { topic: "orders", to: "start", force: true };
  await problemOf(await post(producer, "seek", seek), 403, "forbidden");
  await jsonOf(await post(other, "seek", seek));
});

test("of a group, whoever may not consume its topics sees nothing, or only the others", async () => {
  await using opened = await openGuarded();
  const { operator } = opened;
  for (const topic of ["orders", "secret"]) await opened.store.append(topic, [{ value: "a" }]);
  await jsonOf(await join(operator, "orders", "secret"));
  const consumer = await opened.somebody({ name: "consumer", grants: "consume:orders" });
  const producer = await opened.somebody({ name: "producer", grants: "produce:*" });
  const seen = async (asking: Asking) =>
    (await jsonOf<{ groups: { topics: string[]; lag: number }[] }>(await asking("/v1/groups")))
      .groups.map(({ topics, lag }) => [topics.join(), lag]);
  assert.deepEqual(await seen(operator), [["orders,secret", 2]]);
  assert.deepEqual(await seen(consumer), [["orders", 1]]);
  assert.deepEqual(await seen(producer), []);
  await problemOf(await producer("/v1/groups/billing"), 404, "not-found");
  const text = JSON.stringify(await jsonOf(await consumer("/v1/groups/billing")));
  assert.ok(text.includes("orders") && !text.includes("secret"));
  const force = { method: "DELETE" };
  await problemOf(await consumer("/v1/groups/billing?force=true", force), 403, "forbidden");
});

test("groups of one tenant are not those of another, and all of a process are the same", async () => {
  await using opened = await openGuarded();
  const { operator, store } = opened;
  await store.append("orders", [{ value: "a" }]);
  await using consumer = await GroupConsumer.open(store, "billing", { topics: ["orders"] });
  const group = await jsonOf<{ members: { member: string }[] }>(
    await operator("/v1/groups/billing"),
  );
  assert.equal(group.members[0]!.member, consumer.member);
  const acme = await opened.somebody({ name: "acme", grants: "admin:*", tenant: "acme" });
  await jsonOf(await acme("/v1/topics/orders/records", jsonRequest("POST", { value: 1 })));
  await problemOf(await acme("/v1/groups/billing"), 404, "not-found");
  await jsonOf(await join(acme, "orders"));
  const theirs = await jsonOf<typeof group>(await acme("/v1/groups/billing"));
  assert.deepEqual(theirs.members.map(({ member }) => member), ["one"]);
});
