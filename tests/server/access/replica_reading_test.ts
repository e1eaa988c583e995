/** What a replica may read: everything, when it shows the credentials of who runs the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../../mod.ts";
import { createApp } from "../../../server/app.ts";
import { jsonOf, jsonRequest } from "../support.ts";
import { openGuarded } from "./access_support.ts";

const AS_REPLICA = { headers: { "seglog-replica": "true" } };
const INTERNAL = "/v1/topics/__seglog%2Fcredentials";

test("a replica of whoever runs the server reads all topics, and changes none", async () => {
  await using opened = await openGuarded();
  const operator = await opened.somebody({ name: "ops", grants: "admin" });
  const tenant = await opened.somebody({ name: "t", grants: "admin", tenant: "acme" });
  await tenant("/v1/topics/orders", { method: "PUT" });
  const listed = await jsonOf<{ topics: { name: string }[] }>(
    await operator("/v1/topics", AS_REPLICA),
  );
  assert.deepEqual(
    listed.topics.map(({ name }) => name),
    (await opened.store.listTopics()).map(({ name }) => name),
  );
  assert.ok(listed.topics.some(({ name }) => name === "__seglog/tenants/acme/orders"));
  for (const path of ["", "/bounds", "/records"]) {
    assert.equal((await operator(INTERNAL + path)).status, 404, path);
    assert.equal((await operator(INTERNAL + path, AS_REPLICA)).status, 200, path);
  }
  const request = jsonRequest("POST", { value: "x" });
  const headers = { ...request.headers, ...AS_REPLICA.headers };
  const change = await operator(`${INTERNAL}/records`, { ...request, headers });
  assert.equal(change.status, 400);
});

test("nobody else does", async () => {
  await using opened = await openGuarded();
  const somebody = await opened.somebody({ name: "some", grants: "produce,consume:*" });
  const tenant = await opened.somebody({ name: "t", grants: "admin", tenant: "acme" });
  for (const path of ["/v1", "/v1/topics", INTERNAL, `${INTERNAL}/records`]) {
    assert.equal((await opened.stranger(path, AS_REPLICA)).status, 401, path);
    assert.equal((await somebody(path, AS_REPLICA)).status, 403, path);
    assert.equal((await tenant(path, AS_REPLICA)).status, 403, path);
  }
});

test("where there are no credentials, whoever reaches the server may", async () => {
  await using store = await Store.memory();
  await store.append("__seglog/schemas", [{ value: "x" }]);
  const app = createApp(store);
  assert.equal(
    (await app.request("/v1/topics/__seglog%2Fschemas/records", AS_REPLICA)).status,
    200,
  );
  assert.equal((await app.request("/v1/topics/__seglog%2Fschemas/records")).status, 404);
});
