/** A server that was replaced takes nothing in from whoever knows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectHttp } from "../../client/connect_http.ts";
import { MemoryDisk, promote, Store } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { serve } from "../../server/listen.ts";
import { rejectsWith } from "../support/collect.ts";
import { jsonOf, jsonRequest, problemOf } from "./support.ts";

/** A store that was promoted as often as it takes to have this epoch. */
async function storeOf(epoch: number): Promise<Store> {
  const disk = new MemoryDisk();
  if (epoch > 1) {
    const follows = { source: "http://before", epoch: epoch - 1 };
    await (await Store.open("/s", { disk, follows })).close();
    assert.equal(await promote("/s", { disk }), epoch);
  }
  return await Store.open("/s", { disk });
}

const RECORDS = "/v1/topics/orders/records";
const known = (epoch: number | string) => ({ "seglog-epoch": String(epoch) });

test("a server tells its epoch, in answers once it took a place", async () => {
  await using first = await storeOf(1);
  const about = await createApp(first).request("/v1");
  assert.equal(about.headers.get("seglog-epoch"), null);
  assert.equal((await jsonOf<{ epoch: number }>(about)).epoch, 1);
  await using second = await storeOf(2);
  const app = createApp(second);
  assert.equal((await jsonOf<{ epoch: number }>(await app.request("/v1"))).epoch, 2);
  for (const path of ["/v1/topics", "/v1/topics/none", "/nowhere"]) {
    assert.equal((await app.request(path)).headers.get("seglog-epoch"), "2", path);
  }
});

test("a change by who knows a higher epoch is refused, reading is not", async () => {
  await using store = await storeOf(2);
  const app = createApp(store);
  const append = (headers: Record<string, string>) => {
    const request = jsonRequest("POST", { value: "late" });
    return app.request(RECORDS, { ...request, headers: { ...request.headers, ...headers } });
  };
  assert.equal((await append({})).status, 200);
  assert.equal((await append(known(1))).status, 200);
  assert.equal((await append(known(2))).status, 200);
  const refused = await problemOf(await append(known(3)), 412, "condition-failed");
  assert.deepEqual([refused.epoch, refused.known], [2, 3]);
  const changes: [string, string][] = [
    ["PUT", "/v1/topics/new"],
    ["PATCH", "/v1/topics/orders"],
    ["DELETE", "/v1/topics/orders"],
    ["POST", "/v1/topics/orders/truncate"],
    ["PUT", "/v1/kv/bucket/key"],
    ["POST", "/publish"],
    ["POST", "/blobs/x"],
  ];
  for (const [method, path] of changes) {
    const request = jsonRequest(method, {});
    const headers = { ...request.headers, ...known(3) };
    const response = await app.request(path, { ...request, headers });
    assert.equal(response.status, 412, `${method} ${path}`);
  }
  assert.equal((await app.request(RECORDS, { headers: known(3) })).status, 200);
  assert.equal((await append(known("x"))).status, 400);
  assert.equal((await store.bounds("orders")).nextOffset, 3);
});

test("a client that has seen an epoch uses no server with a lower one", async () => {
  await using old = await storeOf(1);
  await using next = await storeOf(2);
  const [a, b] = [await serve(old, { port: 0 }), await serve(next, { port: 0 })];
  {
    // One address, behind which the servers change.
    let base = b.url;
    await using client = await connectHttp("http://leader.test", {
      retries: 0,
      fetch: (url, init) => fetch(url.replace("http://leader.test", base), init),
    });
    await client.append("orders", [{ value: "a" }]);
    assert.equal(client.epoch, 2);
    base = a.url;
    const refused = await rejectsWith(
      "condition-failed",
      () => client.append("orders", [{ value: "late" }]),
    );
    assert.match(refused.message, /epoch 1, and epoch 2 is known: it was replaced/);
    assert.deepEqual(await old.listTopics(), []);
    await rejectsWith("condition-failed", () => client.listTopics());
  }
  await rejectsWith("condition-failed", () => connectHttp(a.url, { epoch: 2, retries: 0 }));
  await rejectsWith("invalid-argument", () => connectHttp(a.url, { epoch: 0 }));
  await using client = await connectHttp(a.url, { epoch: 1 });
  assert.equal(client.epoch, 1);
  await a.close();
  await b.close();
});
