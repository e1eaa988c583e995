/** Who may come in at a node whose copy is behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeBackend, SeglogError, Store } from "../../../mod.ts";
import { createService } from "../../../server/app.ts";
import { HeldSource } from "../../replica/held_source.ts";
import { changedBackend } from "../../support/changed_backend.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { problemOf } from "../support.ts";
import { openGuarded } from "./access_support.ts";

/** A store that has credentials. */
async function openStore(): Promise<Store> {
  const store = await Store.memory();
  const kept = changedBackend(store, { close: () => Promise.resolve() }) as Store;
  await using guarded = await openGuarded({}, kept);
  await guarded.somebody({ name: "one", grants: "consume:*" });
  return store;
}

test("a node that has not got the credentials yet lets nobody in", async () => {
  await using store = await openStore();
  const source = new HeldSource(store);
  source.hold();
  const node = new NodeBackend(source.backend, await Store.memory());
  const service = createService(node);
  let isAnswered = false;
  const asking = Promise.resolve(service.app.request("/v1/topics"))
    .finally(() => isAnswered = true);
  await node.listTopics();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(isAnswered, false);
  source.release();
  await problemOf(await asking, 401, "unauthenticated");
  await service.close();
  await node.close();
});

test("a node that cannot ask its source, and has nothing, lets nobody in until it can", async () => {
  await using store = await openStore();
  const clock = new FakeClock();
  let isReachable = false;
  const source = new HeldSource(store);
  source.hold();
  const node = new NodeBackend(
    changedBackend(source.backend, {
      bounds: async (topic, partition) => {
        if (isReachable) return await store.bounds(topic, partition);
        throw new SeglogError("unavailable", "Cannot reach the source");
      },
    }),
    await Store.memory(),
  );
  const service = createService(node, { clock });
  const ask = async () => await service.app.request("/v1/topics");
  await problemOf(await ask(), 503, "unavailable");
  isReachable = true;
  source.release();
  await node.caughtUp();
  for (let response = await ask(); response.status !== 401; response = await ask()) {
    assert.equal(response.status, 503);
    clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve));
  }
  await service.close();
  await node.close();
});
