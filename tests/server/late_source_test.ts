/** A server over a copy whose source was away when it was started: who is let in, and to what. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Hono } from "hono";
import { connect, MemoryDisk, NodeBackend, Store } from "../../mod.ts";
import { createService } from "../../server/app.ts";
import { serve, type ServeOptions } from "../../server/listen.ts";
import { TlsMaterial } from "../../server/tls/tls_material.ts";
import { certFolder } from "../support/certificates.ts";
import { Relay } from "../support/relay.ts";
import { until } from "../support/until.ts";
import { type OpenServer, openServer } from "./support.ts";
import { jsonOf, jsonRequest, problemOf } from "./support.ts";
import { ask } from "./tls/support.ts";

const NOWHERE = "http://127.0.0.1:1";
const follows = { source: "it" };

/** A copy of what the server has; or of the first batch of each topic, and no more. */
async function copyOf(
  leader: OpenServer,
  { isWhole = true, token }: { isWhole?: boolean; token?: string } = {},
): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const local = await Store.open("/copy", { disk, follows });
  if (!isWhole) {
    for (const topic of await leader.store.listTopics()) {
      await local.mirrorTarget!.adopt(topic);
      const mirror = await local.mirrorTarget!.openMirror(topic.name, 0);
      for await (const batch of leader.store.batches(topic.name)) {
        await mirror.append(batch);
        break;
      }
    }
    await local.close();
    return disk;
  }
  const source = await connect(leader.url, { token, headers: { "seglog-replica": "node" } });
  await using node = new NodeBackend(source, local);
  await node.following.ready;
  return disk;
}

/** One for an operator. */
async function makeToken(leader: OpenServer, name: string, by?: string): Promise<string> {
  const body = jsonRequest("POST", { name, grants: "admin" });
  const headers = { ...body.headers, ...authorization(by) };
  const made = await fetch(`${leader.url}/v1/tokens`, { ...body, headers });
  return (await made.json() as { token: string }).token;
}

const authorization = (token?: string): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

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
      return await service.app.request(path, { headers: authorization(token) });
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
    const token = await makeToken(leader, "operator");
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

  test("lets nobody in with a token of such a copy: it may have been revoked", async () => {
    await using leader = await openServer();
    await leader.store.append("orders", [{ value: "a" }]);
    const token = await makeToken(leader, "fired");
    const other = await makeToken(leader, "operator", token);
    const quota = jsonRequest("PUT", { storedBytes: 1e9 });
    const headers = { ...quota.headers, ...authorization(other) };
    await jsonOf(await fetch(`${leader.url}/v1/tenants/acme/quota`, { ...quota, headers }));
    const revoke = { method: "DELETE", headers: authorization(other) };
    await jsonOf(await fetch(`${leader.url}/v1/tokens/fired`, revoke));
    await using served = await serveWithoutSource(await copyOf(leader, { isWhole: false }));
    await problemOf(await served.get(RECORD, token), 503, "unavailable");
  });
});

describe("such a server that others can reach, over a copy that was never whole", () => {
  test("listens, and lets somebody in when the tokens have come", async () => {
    await using leader = await openServer();
    const token = await makeToken(leader, "operator");
    await using exposed = await serveExposed(leader, token);
    assert.equal((await exposed.ask(token)).status, 503);
    await exposed.comes();
    assert.equal((await exposed.ask()).status, 401);
    assert.equal((await exposed.ask(token)).status, 200);
  });

  test("lets nobody in when it turns out that there are no tokens", async () => {
    await using leader = await openServer();
    await using exposed = await serveExposed(leader);
    assert.equal((await exposed.ask()).status, 503);
    await exposed.comes();
    const { status, body } = await exposed.ask();
    assert.equal(status, 403);
    assert.match(JSON.parse(body).detail, /no tokens.*seglog token create.*--unprotected/);
  });

  test("lets everybody in when there are none and it was told to", async () => {
    await using leader = await openServer();
    await using exposed = await serveExposed(leader, undefined, { unprotected: true });
    assert.equal((await exposed.ask()).status, 503);
    await exposed.comes();
    assert.equal((await exposed.ask()).status, 200);
  });
});

interface Exposed extends AsyncDisposable {
  ask(token?: string): ReturnType<typeof ask>;
  /** Brings the source, and resolves when it is known who may come in. */
  comes(): Promise<void>;
}

/** All addresses of the machine, with TLS. */
async function serveExposed(
  leader: OpenServer,
  token?: string,
  options: ServeOptions = {},
): Promise<Exposed> {
  const relay = await Relay.open();
  const source = await connect(`http://127.0.0.1:${relay.port}`, {
    mayBeAway: true,
    token,
    headers: { "seglog-replica": "node" },
  });
  const node = new NodeBackend(source, await Store.memory({ follows }));
  const certs = await certFolder();
  const { cert, key } = certs.files;
  const tls = await TlsMaterial.load({ cert, key });
  const server = await serve(node, { host: "0.0.0.0", port: 0, tls, ...options });
  const asked = (token?: string) =>
    ask(server.port, "/v1/topics", { ca: certs.ca, headers: authorization(token) });
  return {
    ask: asked,
    async comes() {
      await relay.leadTo(leader.port);
      await node.following.ready;
      // Tokens come first, and what each may do a moment later.
      await until(async () => (await asked(token)).status !== 503);
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      tls.close();
      await node.close();
      await certs[Symbol.asyncDispose]();
      await relay.shut();
    },
  };
}
