/** Records that are truncated before a bucket has taken them in: their keys are gone, and it goes on. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Backend, Kv, NodeBackend, Store } from "../../mod.ts";
import { HeldSource } from "../replica/held_source.ts";
import { rejectsWith } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** More than readers of a node wait for its copy. */
const LONGER_MS = 60_000;

describe("a truncation overtakes", () => {
  async function setSome(kv: Kv): Promise<void> {
    for (const key of ["a", "b", "c"]) await kv.set(key, key);
  }

  async function hasOnlyC(kv: Kv): Promise<void> {
    assert.equal((await kv.stats()).keys, 1);
    assert.equal(await kv.get("a"), undefined);
    assert.equal((await kv.get("c"))!.text, "c");
  }

  function isWell(kv: Kv): boolean {
    try {
      return kv.revision >= 0;
    } catch {
      return false;
    }
  }

  /** Resolves when the bucket has what somebody else wrote behind it all. */
  async function goesOn(kv: Kv, backend: Backend): Promise<void> {
    await using other = await Kv.open(backend, "users");
    const watching = kv.watch("d");
    const next = watching.next();
    const revision = await other.set("d", "d");
    assert.equal((await next).value?.revision, revision);
    await watching.return?.();
    assert.equal((await kv.get("d"))!.text, "d");
    assert.equal(await kv.set("b", "new", { ifAbsent: true }), revision + 1);
  }

  test("a bucket that follows its topic", async () => {
    const store = await Store.memory();
    const held = new HeldSource(store);
    await using kv = await Kv.open(held.backend, "users");
    held.hold();
    await setSome(kv);
    await store.truncate("users", { before: 2 });
    held.release();
    await hasOnlyC(kv);
    await goesOn(kv, store);
    await store.close();
  });

  test("a bucket that is being opened", async () => {
    await using store = await Store.memory();
    {
      await using writer = await Kv.open(store, "users");
      await setSome(writer);
    }
    const held = new HeldSource(store);
    held.hold();
    const opening = Kv.open(held.backend, "users");
    await held.waited;
    await store.truncate("users", { before: 2 });
    held.release();
    await using kv = await opening;
    await hasOnlyC(kv);
    await goesOn(kv, store);
  });

  test("the copy of a node that is behind for longer than readers wait", async () => {
    const held = new HeldSource(await Store.memory());
    const clock = new FakeClock();
    await using node = new NodeBackend(held.backend, await Store.memory(), { clock });
    await using kv = await Kv.open(node, "users");
    held.hold();
    await setSome(kv);
    await node.truncate("users", { before: 2 });
    while (isWell(kv)) {
      await nextTurn();
      clock.advance(LONGER_MS);
    }
    await rejectsWith("unavailable", () => kv.get("c"));
    held.release();
    while (!isWell(kv)) await nextTurn();
    await hasOnlyC(kv);
    await goesOn(kv, node);
  });

  test("nobody where the backend was closed: the bucket is of no use any more", async () => {
    const backend = await Store.memory();
    await using kv = await Kv.open(backend, "users");
    await setSome(kv);
    await backend.close();
    while (isWell(kv)) await nextTurn();
    await rejectsWith("closed", () => kv.get("c"));
  });

  test("the copy of a node that a bucket is on", async () => {
    const held = new HeldSource(await Store.memory());
    await using node = new NodeBackend(held.backend, await Store.memory());
    await using kv = await Kv.open(node, "users");
    held.hold();
    await setSome(kv);
    await node.truncate("users", { before: 2 });
    held.release();
    await hasOnlyC(kv);
    await goesOn(kv, node);
  });
});
