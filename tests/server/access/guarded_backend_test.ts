/** A guarded backend holds by itself, whatever a route has looked at before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Backend,
  decodeBatch,
  encodeBatch,
  NodeBackend,
  SeglogError,
  Store,
} from "../../../mod.ts";
import { type Scope, SCOPES } from "../../../server/access/grant.ts";
import { guardedBackend } from "../../../server/access/guarded_backend.ts";
import type { Principal } from "../../../server/access/principal.ts";
import { HeldSource } from "../../replica/held_source.ts";

const BATCH = decodeBatch(encodeBatch([{ value: "b" }], { nowMs: 0 }), 0, 0);
assert.ok(typeof BATCH !== "string");

/** All that can be done with a topic, by the scope that it asks for. */
const USES: Readonly<Record<Scope, readonly ((backend: Backend) => unknown)[]>> = {
  consume: [
    (backend) => backend.read("orders", 0),
    (backend) => backend.readAll("orders", [0]),
    (backend) => backend.offsetAt("orders", 0),
    (backend) => backend.batches("orders").next(),
    (backend) => backend.hold!("orders", 0)(),
  ],
  produce: [
    (backend) => backend.append("orders", [{ value: "b" }]),
    (backend) => backend.appendBatch("orders", BATCH),
    async (backend) => (await backend.reserve!("orders")).release(),
    (backend) => backend.flush("orders"),
  ],
  admin: [
    (backend) => backend.ensureTopic("orders"),
    (backend) => backend.configureTopic("orders", {}),
    (backend) => backend.compact("orders"),
    (backend) => backend.truncate("orders", { before: 0 }),
    (backend) => backend.deleteTopic("orders"),
  ],
};

function somebody(scope: Scope, pattern: string): Principal {
  return { name: "ci", tenant: "default", grants: [{ scopes: [scope], pattern }], isKnown: true };
}

async function isRefused(run: () => unknown): Promise<boolean> {
  try {
    await run();
    return false;
  } catch (error) {
    assert.ok(error instanceof SeglogError && error.code === "forbidden", String(error));
    return true;
  }
}

test("whatever is done with a topic asks for its scope on that topic, and admin is all of them", async () => {
  await using store = await Store.memory();
  for (const needed of SCOPES) {
    for (const use of USES[needed]) {
      for (const shown of SCOPES) {
        await store.append("orders", [{ value: "a" }]);
        const own = guardedBackend(store, somebody(shown, "orders"));
        const isAllowed = shown === needed || shown === "admin";
        assert.equal(await isRefused(() => use(own)), !isAllowed, `${shown}: ${use}`);
        const foreign = guardedBackend(store, somebody(shown, "invoices"));
        assert.ok(await isRefused(() => use(foreign)), `${shown} of another topic: ${use}`);
      }
    }
  }
});

test("a topic is shown to whoever may do anything with it, and to nobody else", async () => {
  await using store = await Store.memory();
  await store.append("orders", [{ value: "a" }]);
  for (const scope of SCOPES) {
    const own = guardedBackend(store, somebody(scope, "orders"));
    assert.deepEqual((await own.listTopics()).map(({ name }) => name), ["orders"]);
    assert.equal((await own.describeTopic("orders")).name, "orders");
    assert.equal((await own.bounds("orders")).nextOffset, 1);
    const foreign = guardedBackend(store, somebody(scope, "invoices"));
    assert.deepEqual(await foreign.listTopics(), []);
    assert.ok(await isRefused(() => foreign.describeTopic("orders")));
    assert.ok(await isRefused(() => foreign.bounds("orders")));
  }
});

test("how a copy is, is told as it is now, and not as it was when it was asked for", async () => {
  const source = await Store.memory();
  const held = new HeldSource(source);
  held.hold();
  await source.append("orders", [{ value: "a" }]);
  const local = await Store.memory({ follows: { source: "it" } });
  await using node = new NodeBackend(held.backend, local);
  const { following } = guardedBackend(node, somebody("consume", "*"));
  const now = () => [following!.isReady, following!.wasWhole];
  assert.deepEqual(now(), [false, false]);
  held.release();
  await following!.ready;
  assert.deepEqual(now(), [true, true]);
});
