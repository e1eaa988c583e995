import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../support/fake_clock.ts";
import { TokenBucket } from "../../../server/tenants/token_bucket.ts";
import { type GuardedApp, openGuarded } from "../access/access_support.ts";
import { jsonOf, jsonRequest, problemOf } from "../support.ts";

const record = (bytes = 1) => jsonRequest("POST", { value: "x".repeat(bytes) });

async function limit(opened: GuardedApp, quota: Record<string, number>): Promise<void> {
  await jsonOf(await opened.operator("/v1/tenants/acme/quota", jsonRequest("PUT", quota)));
}

const ACME = { name: "acme", grants: "admin", tenant: "acme" };

test("a bucket gives what a second brings, and what was too much has to come back", () => {
  const clock = new FakeClock();
  let rate: number | undefined = 100;
  const bucket = new TokenBucket(clock, () => rate);
  assert.equal(bucket.waitMs(), 0);
  bucket.take(350);
  assert.equal(bucket.waitMs(), 2510);
  clock.advance(2500);
  assert.ok(bucket.waitMs() > 0);
  clock.advance(10);
  assert.equal(bucket.waitMs(), 0);
  clock.advance(1_000_000);
  bucket.take(100);
  assert.ok(bucket.waitMs() > 0, "what was not had in time is not kept");
  clock.advance(-5000);
  assert.ok(bucket.waitMs() > 0, "a clock that is set back brings nothing");
  rate = undefined;
  assert.equal(bucket.waitMs(), 0);
});

test("requests past the quota are 429 and say when to come again; others are not concerned", async () => {
  const clock = new FakeClock();
  await using opened = await openGuarded({ clock });
  const acme = await opened.somebody(ACME);
  await limit(opened, { requestsPerSecond: 3 });
  for (let i = 0; i < 3; i++) await jsonOf(await acme("/v1/topics"));
  const refused = await acme("/v1/topics");
  assert.equal(refused.headers.get("retry-after"), "1");
  const problem = await problemOf(refused, 429, "quota-exceeded");
  assert.equal(problem.quota, "requestsPerSecond");
  assert.equal(problem.retryable, true);
  await jsonOf(await opened.operator("/v1/topics"));
  clock.advance(1000);
  await jsonOf(await acme("/v1/topics"));
  const metrics = await (await opened.operator("/metrics")).text();
  assert.match(metrics, /seglog_quota_refusals_total\{tenant="acme",quota="requestsPerSecond"\} 1/);
});

test("bytes that are appended and read are counted", async () => {
  const clock = new FakeClock();
  await using opened = await openGuarded({ clock });
  const acme = await opened.somebody(ACME);
  await limit(opened, { bytesPerSecond: 1000 });
  await jsonOf(await acme("/v1/topics/a/records", record(5000)));
  const refused = await acme("/v1/topics/a/records", record());
  assert.equal(refused.headers.get("retry-after"), "5");
  await problemOf(refused, 429, "quota-exceeded");
  await problemOf(await acme("/v1/topics/a/records"), 429, "quota-exceeded");
  clock.advance(5000);
  await jsonOf(await acme("/v1/topics/a/records"));
  await problemOf(await acme("/v1/topics/a/records"), 429, "quota-exceeded");
});

test("what would be stored past the quota is 507, and nothing of it is there", async () => {
  const clock = new FakeClock();
  await using opened = await openGuarded({ clock });
  const acme = await opened.somebody(ACME);
  await jsonOf(await acme("/v1/topics/a/records", record()));
  const { storedBytes } = await jsonOf<{ storedBytes: number }>(
    await opened.operator("/v1/tenants/acme"),
  );
  await limit(opened, { storedBytes: storedBytes + 2000 });
  await jsonOf(await acme("/v1/topics/a/records", record(1500)));
  const refused = await problemOf(
    await acme("/v1/topics/a/records", record(1500)),
    507,
    "quota-full",
  );
  assert.equal(refused.quota, "storedBytes");
  assert.equal(refused.retryable, false);
  assert.equal((await jsonOf(await acme("/v1/topics/a/bounds"))).nextOffset, 2);
  const kv = { method: "PUT", body: "x".repeat(1500) };
  await problemOf(await acme("/v1/kv/b/k", kv), 507, "quota-full");
  await limit(opened, {});
  await jsonOf(await acme("/v1/topics/a/records", record(1500)));
});

test("what was refused does not count as stored, and what the server keeps is not refused", async () => {
  await using opened = await openGuarded({ clock: new FakeClock() });
  const acme = await opened.somebody(ACME);
  await jsonOf(await acme("/v1/topics/a/records", record()));
  const { storedBytes } = await jsonOf<{ storedBytes: number }>(
    await opened.operator("/v1/tenants/acme"),
  );
  await limit(opened, { storedBytes: storedBytes + 2000 });
  const { headers, ...init } = record(900);
  const behind = { ...init, headers: { ...headers, "seglog-if-offset": "7" } };
  for (let i = 0; i < 3; i++) {
    await problemOf(await acme("/v1/topics/a/records", behind), 412, "condition-failed");
  }
  for (let i = 0; i < 2; i++) await jsonOf(await acme("/v1/topics/a/records", record(900)));
  await problemOf(await acme("/v1/topics/a/records", record(900)), 507, "quota-full");
  await limit(opened, { storedBytes: 1 });
  for (
    const [path, body] of [
      ["/v1/groups/g/join", { member: "one", topics: ["a"] }],
      ["/v1/schemas/a", { schema: { type: "string" } }],
    ] as const
  ) {
    const answer = await acme(path, jsonRequest("POST", body));
    assert.ok(answer.ok, `${path}: ${await answer.text()}`);
  }
});

test("topics past the quota are 507, however they are made, and however many at once", async () => {
  await using opened = await openGuarded();
  const acme = await opened.somebody(ACME);
  await limit(opened, { topics: 4 });
  await jsonOf(await acme("/v1/topics/a", jsonRequest("PUT", { partitions: 2 })), 201);
  const many = await Promise.all(
    Array.from({ length: 10 }, (_, i) => acme(`/v1/topics/t${i}/records`, record())),
  );
  assert.equal(many.filter(({ status }) => status === 200).length, 2);
  assert.equal(many.filter(({ status }) => status === 507).length, 8);
  const { topics } = await jsonOf<{ topics: unknown[] }>(await acme("/v1/topics"));
  assert.equal(topics.length, 3);
  await problemOf(await acme("/v1/topics/b", { method: "PUT" }), 507, "quota-full");
  await problemOf(await acme("/v1/kv/b/k", { method: "PUT", body: "x" }), 507, "quota-full");
  await jsonOf(await acme("/v1/topics/a/records", record()));
  assert.equal((await acme("/v1/topics/a", { method: "DELETE" })).status, 204);
  await jsonOf(await acme("/v1/topics/b", { method: "PUT" }), 201);
});

test("tenants are listed with what they have and may have", async () => {
  await using opened = await openGuarded();
  const acme = await opened.somebody(ACME);
  await jsonOf(await acme("/v1/topics/a/records", record()));
  await limit(opened, { topics: 3 });
  await opened.token({ name: "z", grants: "consume", tenant: "zeta" });
  const { tenants } = await jsonOf<{ tenants: Record<string, unknown>[] }>(
    await opened.operator("/v1/tenants"),
  );
  assert.deepEqual(tenants.map(({ tenant, topics, quota }) => [tenant, topics, quota]), [
    ["acme", 1, { topics: 3 }],
    ["default", 0, {}],
    ["zeta", 0, {}],
  ]);
  for (const body of [{ topics: 0 }, { topic: 1 }, { topics: "5" }, [], null]) {
    const answer = await opened.operator("/v1/tenants/acme/quota", jsonRequest("PUT", body));
    await problemOf(answer, 400, "invalid-argument");
  }
  await problemOf(await opened.operator("/v1/tenants/A%2Fb"), 400, "invalid-argument");
});

test("requests of those who are not let in count against nobody", async () => {
  await using opened = await openGuarded({ clock: new FakeClock() });
  const quota = jsonRequest("PUT", { requestsPerSecond: 3 });
  await jsonOf(await opened.operator("/v1/tenants/default/quota", quota));
  for (let i = 0; i < 10; i++) {
    await problemOf(await opened.stranger("/v1/topics"), 401, "unauthenticated");
  }
  await jsonOf(await opened.operator("/v1/topics"));
});

test("headers and the room that a record takes count as bytes, whatever its value", async () => {
  const clock = new FakeClock();
  await using opened = await openGuarded({ clock });
  const acme = await opened.somebody(ACME);
  await limit(opened, { bytesPerSecond: 1000 });
  const many = Array.from({ length: 1000 }, () => ({ value: "" }));
  await jsonOf(await acme("/v1/topics/a/records", jsonRequest("POST", many)));
  await problemOf(await acme("/v1/topics/a/records", record()), 429, "quota-exceeded");
  clock.advance(60_000);
  const large = { value: "", headers: { h: "x".repeat(5000) } };
  await jsonOf(await acme("/v1/topics/a/records", jsonRequest("POST", large)));
  await problemOf(await acme("/v1/topics/a/records", record()), 429, "quota-exceeded");
  clock.advance(60_000);
  await jsonOf(await acme("/v1/topics/a/records/1000"));
  await problemOf(await acme("/v1/topics/a/records/1000"), 429, "quota-exceeded");
});

test("values that are read by their keys are counted like records", async () => {
  const clock = new FakeClock();
  await using opened = await openGuarded({ clock });
  const acme = await opened.somebody(ACME);
  const body = "x".repeat(5000);
  await jsonOf(await acme("/v1/kv/b/k", { method: "PUT", body }), 201);
  await jsonOf(await acme("/blobs/k", { method: "POST", body }), 201);
  await limit(opened, { bytesPerSecond: 1000 });
  const tx = jsonRequest("POST", { operations: [{ op: "get", key: "k" }] });
  const reads: [string, RequestInit?][] = [
    ["/v1/kv/b/k"],
    ["/v1/kv/b"],
    ["/v1/kv/b", { headers: { accept: "application/x-ndjson" } }],
    ["/v1/kv/b/tx", tx],
    ["/blobs/k"],
  ];
  for (const [path, init] of reads) {
    clock.advance(60_000);
    const answer = await acme(path, init);
    assert.equal(answer.status, 200, path);
    await answer.text();
    assert.equal((await acme(path, init)).status, 429, path);
  }
});
