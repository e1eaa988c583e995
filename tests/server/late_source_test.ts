/** A server over a copy whose source was away when it was started: who is let in, and to what. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Hono } from "hono";
import { connect, MemoryDisk, NodeBackend, Store } from "../../mod.ts";
import { createService } from "../../server/app.ts";
import { type OpenServer, openServer } from "./support.ts";
import { jsonOf, jsonRequest, problemOf } from "./support.ts";

const NOWHERE = "http://127.0.0.1:1";
const follows = { source: "it" };

/** A copy of what the server has; or as far as one has come that has its topics, and no more. */
async function copyOf(
  leader: OpenServer,
  { isWhole = true, token }: { isWhole?: boolean; token?: string } = {},
): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const local = await Store.open("/copy", { disk, follows });
  if (!isWhole) {
    for (const topic of await leader.store.listTopics()) await local.mirrorTarget!.adopt(topic);
    await local.close();
    return disk;
  }
  const source = await connect(leader.url, { token, headers: { "seglog-replica": "node" } });
  await using node = new NodeBackend(source, local);
  await node.following.ready;
  return disk;
}

interface Served extends AsyncDisposable {
  readonly app: Hono;
  get(path: string, token?: string): Promise<Response>;
}

async function serveWithoutSource(disk: MemoryDisk): Promise<Served> {
  const source = await connect(NOWHERE, { mayBeAway: true });
  const node = new NodeBackend(source, await Store.open("/copy", { disk, follows }));
  const service = createService(node);
  await service.start();
  return {
    app: service.app,
    async get(path, token) {
      const headers = { ...token === undefined ? {} : { authorization: `Bearer ${token}` } };
      return await service.app.request(path, { headers });
    },
    async [Symbol.asyncDispose]() {
      await service.close();
      await node.close();
    },
  };
}

const RECORD = "/v1/topics/orders/records/0";

describe("a server whose source is away from its start", () => {
  test("serves what a copy has that was whole, and refuses what only the source can do", async () => {
    await using leader = await openServer();
    await leader.store.append("orders", [{ value: "a" }]);
    await using served = await serveWithoutSource(await copyOf(leader));
    const { app } = served;
    assert.equal((await jsonOf<{ value: string }>(await served.get(RECORD))).value, "a");
    const about = await jsonOf(await served.get("/v1"));
    assert.deepEqual([about.kind, about.canWrite], ["node", true]);
    const query = jsonRequest("POST", { sql: "select count(*) from orders" });
    const rows = await jsonOf<{ rows: unknown }>(await app.request("/v1/query", query));
    assert.deepEqual(rows.rows, [[1]]);

    await problemOf(await served.get("/readyz"), 503, "unavailable");
    const record = jsonRequest("POST", { value: "b" });
    const append = await app.request("/v1/topics/orders/records", record);
    const refused = await problemOf(append, 503, "unavailable");
    assert.match(refused.detail, /^Cannot reach http:\/\/127\.0\.0\.1:1: /);
    assert.doesNotMatch(refused.detail, /GET/, "that is not what was asked for");
    assert.equal(refused.retryable, true);
    await problemOf(await served.get("/v1/groups"), 503, "unavailable");
    const set = { method: "PUT", body: "v" };
    await problemOf(await app.request("/v1/kv/names/name", set), 503, "unavailable");
  });

  test("lets nobody in without a token that the copy has", async () => {
    await using leader = await openServer();
    await leader.store.append("orders", [{ value: "a" }]);
    const body = jsonRequest("POST", { name: "operator", grants: "admin" });
    const made = await fetch(`${leader.url}/v1/tokens`, body);
    const { token } = await made.json() as { token: string };
    await using served = await serveWithoutSource(await copyOf(leader, { token }));
    await problemOf(await served.get(RECORD), 401, "unauthenticated");
    assert.equal((await served.get(RECORD, token)).status, 200);
  });

  test("lets nobody in to a copy that was never whole: there may be tokens", async () => {
    await using leader = await openServer();
    await leader.store.append("orders", [{ value: "a" }]);
    await using served = await serveWithoutSource(await copyOf(leader, { isWhole: false }));
    await problemOf(await served.get("/v1/topics"), 503, "unavailable");
  });
});
