/** Tenants: the names of their topics, below whatever else keeps them apart, and their end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../../mod.ts";
import { tenantBackend } from "../../../server/tenants/tenant_backend.ts";
import { rejectsWith } from "../../support/collect.ts";
import { openGuarded } from "../access/access_support.ts";
import { jsonOf, jsonRequest, problemOf } from "../support.ts";

test("a tenant's topics have names of its own, and no others lead to them", async () => {
  await using store = await Store.memory();
  const tenants = ["default", "acme", "zeta"];
  for (const tenant of tenants) {
    await tenantBackend(store, tenant).append("orders", [{ value: tenant }]);
  }
  for (const tenant of tenants) {
    const own = tenantBackend(store, tenant);
    assert.deepEqual((await own.listTopics()).map(({ name }) => name), ["orders"]);
    assert.equal((await own.read("orders", 0)).text, tenant);
    for (const inside of ["__seglog/tenants/acme/orders", "__seglog/tenants/zeta/orders"]) {
      await rejectsWith("not-found", () => own.read(inside, 0));
    }
  }
  const names = (await store.listTopics()).map(({ name }) => name);
  assert.deepEqual(names.toSorted(), [
    "__seglog/tenants/acme/orders",
    "__seglog/tenants/zeta/orders",
    "orders",
  ]);
});

test("names that are kept for the server are no names for a tenant's topics", async () => {
  await using store = await Store.memory();
  const own = tenantBackend(store, "acme");
  await rejectsWith("invalid-argument", () => own.append("__consumer", [{ value: "a" }]));
  await own.append("__seglog/groups", [{ value: "a" }]);
  assert.deepEqual((await own.listTopics()).map(({ name }) => name), ["__seglog/groups"]);
});

test("a tenant that is removed takes its credentials, its topics and its quota with it", async () => {
  await using opened = await openGuarded();
  const { operator } = opened;
  const acme = await opened.somebody({ name: "acme", grants: "admin", tenant: "acme" });
  const zeta = await opened.somebody({ name: "zeta", grants: "admin", tenant: "zeta" });
  const record = jsonRequest("POST", { value: 1 });
  for (const each of [acme, zeta]) await jsonOf(await each("/v1/topics/orders/records", record));
  await jsonOf(await operator("/v1/tenants/acme/quota", jsonRequest("PUT", { topics: 1 })));
  const removed = await jsonOf(await operator("/v1/tenants/acme", { method: "DELETE" }));
  assert.deepEqual([removed.topics, removed.quota], [1, { topics: 1 }]);
  await problemOf(await acme("/v1/topics"), 401, "unauthenticated");
  await jsonOf(await zeta("/v1/topics/orders"));
  const again = await opened.somebody({ name: "acme", grants: "admin", tenant: "acme" });
  assert.deepEqual(await jsonOf(await again("/v1/topics")), { topics: [] });
  assert.deepEqual((await jsonOf(await operator("/v1/tenants/acme"))).quota, {});
  const own = await operator("/v1/tenants/default", { method: "DELETE" });
  await problemOf(own, 400, "invalid-argument");
});
