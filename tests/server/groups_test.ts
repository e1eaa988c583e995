import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hono } from "hono";
import { FakeClock } from "../support/fake_clock.ts";
import { jsonOf, jsonRequest, openApp, problemOf } from "./support.ts";

interface Told {
  readonly member: string;
  readonly generation: number;
  readonly partitions: readonly { partition: number; offset: number; since: number }[];
  readonly awaited: number;
}

/** Asks something of the group "billing". */
function ask(app: Hono, action: string, body: unknown, headers = {}): Promise<Response> {
  const request = jsonRequest("POST", body);
  return Promise.resolve(
    app.request(`/v1/groups/billing/${action}`, {
      ...request,
      headers: { ...request.headers as Record<string, string>, ...headers },
    }),
  );
}

async function openGroup() {
  const clock = new FakeClock();
  const opened = await openApp({ clock });
  await opened.store.ensureTopic("orders", { partitions: 2 });
  for (const partition of [0, 1]) {
    await opened.store.append("orders", [{ value: "a" }, { value: "b" }], { partition });
  }
  return { ...opened, clock };
}

test("a group is joined, read for, committed and left with nothing but JSON", async () => {
  await using opened = await openGroup();
  const { app } = opened;
  const joined = await jsonOf<Told>(await ask(app, "join", { topics: ["orders"] }));
  const { member, generation } = joined;
  assert.match(member, /^[0-9a-f]{16}$/);
  assert.deepEqual(joined.partitions.map(({ partition, offset }) => [partition, offset]), [
    [0, 0],
    [1, 0],
  ]);
  const { since } = joined.partitions[0]!;
  const offsets = [{ topic: "orders", partition: 0, offset: 2, since, metadata: "batch 7" }];
  assert.deepEqual(await jsonOf(await ask(app, "commit", { member, offsets })), {
    group: "billing",
    offsets: [{ topic: "orders", partition: 0, offset: 2 }],
  });
  const holds = [{ topic: "orders", partition: 0 }, { topic: "orders", partition: 1 }];
  const again = await jsonOf<Told>(await ask(app, "heartbeat", { member, generation, holds }));
  assert.equal(again.partitions[0]!.offset, 2);

  assert.deepEqual(await jsonOf(await app.request("/v1/groups")), {
    groups: [{ group: "billing", state: "active", members: 1, topics: ["orders"], lag: 2 }],
  });
  const group = await jsonOf<Record<string, never>>(await app.request("/v1/groups/billing"));
  assert.deepEqual(group, {
    group: "billing",
    state: "active",
    generation,
    members: [{
      member,
      topics: ["orders"],
      leaseMs: 15_000,
      expiresAt: "1970-01-01T00:16:55.000Z",
    }],
    partitions: [
      {
        topic: "orders",
        partition: 0,
        committed: 2,
        committedAt: "1970-01-01T00:16:40.000Z",
        metadata: "batch 7",
        logStartOffset: 0,
        nextOffset: 2,
        lag: 0,
        member,
      },
      {
        topic: "orders",
        partition: 1,
        committed: 0,
        committedAt: "1970-01-01T00:16:40.000Z",
        metadata: null,
        logStartOffset: 0,
        nextOffset: 2,
        lag: 2,
        member,
      },
    ],
  });
  assert.equal((await ask(app, "leave", { member })).status, 204);
  assert.equal((await ask(app, "leave", { member })).status, 204);
  const left = await jsonOf<{ groups: { state: string }[] }>(await app.request("/v1/groups"));
  assert.equal(left.groups[0]!.state, "empty");
});

test("who is no member any more is told to join again; who lost a partition, which one", async () => {
  await using opened = await openGroup();
  const { app, clock } = opened;
  const one = await jsonOf<Told>(await ask(app, "join", { member: "one", topics: ["orders"] }));
  clock.advance(14_999);
  const holds: unknown[] = [];
  await jsonOf(await ask(app, "heartbeat", { member: "one", generation: one.generation, holds }));
  const two = await jsonOf<Told>(await ask(app, "join", { member: "two", topics: ["orders"] }));
  assert.equal(two.awaited, 1);
  const [theirs] = two.partitions;
  assert.equal(theirs, undefined, "the other has not let go yet");
  const { generation } = two;
  await jsonOf(await ask(app, "heartbeat", { member: "one", generation, holds }));
  const now = await jsonOf<Told>(await ask(app, "heartbeat", { member: "two", generation, holds }));
  const { partition, since } = now.partitions[0]!;
  const offsets = [{ topic: "orders", partition, offset: 1, since }];
  const lost = await problemOf(
    await ask(app, "commit", { member: "one", offsets }),
    412,
    "condition-failed",
  );
  assert.deepEqual([lost.topic, lost.partition, lost.rejoin], ["orders", partition, false]);
  clock.advance(15_000);
  for (const action of ["heartbeat", "commit"]) {
    const body = action === "commit" ? { member: "two", offsets } : {
      member: "two",
      generation,
      holds,
    };
    const gone = await problemOf(await ask(app, action, body), 412, "condition-failed");
    assert.equal(gone.rejoin, true);
  }
});

test("a heartbeat that waits is answered when something changes, and when the server stops", async () => {
  const stopping = new AbortController();
  await using opened = await openApp({ stopping: stopping.signal });
  const { app, store } = opened;
  await store.ensureTopic("orders", { partitions: 2 });
  const { generation } = await jsonOf<Told>(
    await ask(app, "join", { member: "one", topics: ["orders"] }),
  );
  const holds = [{ topic: "orders", partition: 0 }, { topic: "orders", partition: 1 }];
  const beat = { member: "one", generation, holds, waitMs: 60_000 };
  const waiting = ask(app, "heartbeat", beat);
  await ask(app, "join", { member: "two", topics: ["orders"] });
  const told = await jsonOf<Told>(await waiting);
  assert.equal(told.partitions.length, 1);
  const again = ask(app, "heartbeat", { ...beat, generation: told.generation });
  stopping.abort();
  assert.equal((await jsonOf<Told>(await again)).generation, told.generation);
});

test("a group is moved, while members read only if that is forced, and forgotten", async () => {
  await using opened = await openGroup();
  const { app } = opened;
  const seek = { topic: "orders", partition: 1, to: "end" };
  assert.deepEqual(await jsonOf(await ask(app, "seek", seek)), {
    group: "billing",
    offsets: [{ topic: "orders", partition: 1, before: null, offset: 2 }],
  });
  await jsonOf(await ask(app, "seek", { ...seek, to: 1 }));
  await problemOf(await ask(app, "seek", { ...seek, to: 3 }), 416, "offset-out-of-range");
  await problemOf(await ask(app, "seek", { ...seek, to: "soon" }), 400, "invalid-argument");
  await problemOf(await ask(app, "seek", { topic: "orders", to: 1 }), 400, "invalid-argument");
  await problemOf(await ask(app, "seek", { ...seek, partition: 2 }), 404, "not-found");
  await problemOf(await ask(app, "seek", { ...seek, topic: "none" }), 404, "not-found");
  const told = await jsonOf<Told>(await ask(app, "join", { member: "one", topics: ["orders"] }));
  assert.deepEqual(told.partitions.map(({ offset }) => offset), [0, 1]);
  const busy = await problemOf(await ask(app, "seek", seek), 412, "condition-failed");
  assert.equal(busy.members, 1);
  await jsonOf(await ask(app, "seek", { ...seek, force: true }));
  const path = "/v1/groups/billing";
  await problemOf(await app.request(path, { method: "DELETE" }), 412, "condition-failed");
  assert.equal((await app.request(`${path}?force=true`, { method: "DELETE" })).status, 204);
  await problemOf(await app.request(path, { method: "DELETE" }), 404, "not-found");
  await problemOf(await app.request(path), 404, "not-found");
});

test("bodies about groups are checked, member by member", async () => {
  await using opened = await openGroup();
  const { app } = opened;
  const bad: [string, unknown, string][] = [
    ["join", { topics: "orders" }, "topics"],
    ["join", { topics: ["orders"], lease: 1 }, ""],
    ["join", [], ""],
    ["heartbeat", { member: "a", generation: -1, holds: [] }, "generation"],
    ["heartbeat", { member: "a", generation: 1, holds: [{ topic: "a" }] }, "holds.0.partition"],
    [
      "commit",
      { member: "a", offsets: [{ topic: "a", partition: 0, offset: 1 }] },
      "offsets.0.since",
    ],
    ["leave", {}, "member"],
    ["seek", { to: "end" }, "topic"],
  ];
  for (const [action, body, member] of bad) {
    const problem = await problemOf(await ask(app, action, body), 400, "invalid-argument");
    assert.equal(problem.member, member, `${action}: ${problem.detail}`);
  }
  await problemOf(await ask(app, "join", "{"), 400, "invalid-argument");
  const foreign = { origin: "http://evil.example" };
  await problemOf(await ask(app, "join", { topics: ["orders"] }, foreign), 403, "forbidden");
  await problemOf(await app.request("/v1/groups/a%0Ab"), 400, "invalid-argument");
});

test("names of groups may be any text", async () => {
  await using opened = await openGroup();
  const { app } = opened;
  for (const [group, segment] of [["a/b", "a%2Fb"], ["..", "..;"], ["ü %", "%C3%BC%20%25"]]) {
    const path = `/v1/groups/${segment}`;
    await jsonOf(await app.request(`${path}/join`, jsonRequest("POST", { topics: ["orders"] })));
    const told = await jsonOf(await app.request(path));
    assert.equal(told.group, group);
  }
});

test("the lag of groups is among the metrics", async () => {
  await using opened = await openGroup();
  const { app } = opened;
  await ask(app, "join", { topics: ["orders"] });
  await ask(app, "seek", { topic: "orders", partition: 0, to: 1, force: true });
  const text = await (await app.request("/metrics")).text();
  assert.match(
    text,
    /^seglog_group_lag_records\{group="billing",topic="orders",partition="0"\} 1$/m,
  );
  assert.match(
    text,
    /^seglog_group_lag_records\{group="billing",topic="orders",partition="1"\} 2$/m,
  );
});
