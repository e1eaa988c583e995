import assert from "node:assert/strict";
import { test } from "node:test";
import { type Backend, type BatchView, SeglogError, Store, waitForOffset } from "../mod.ts";
import { rejectsWith } from "./support/collect.ts";

/** A follower to which no batch comes. */
async function* untilAborted(signal: AbortSignal): AsyncGenerator<BatchView> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  yield* [];
}

test("the end may pass an offset by records that are gone before they are read", async () => {
  await using store = await Store.memory();
  await store.append("orders", [{ value: "a" }]);
  const passed = waitForOffset(store, "orders", { minOffset: 3 });
  await store.append("orders", [{ value: "b" }]);
  await store.truncate("orders", { before: 2 });
  await store.append("orders", [{ value: "c" }]);
  assert.equal((await passed).nextOffset, 3);
});

test("an end that moves without a record is seen when the waiting ends", async () => {
  let nextOffset = 1;
  const quiet: Pick<Backend, "bounds" | "batches"> = {
    bounds: () => Promise.resolve({ logStartOffset: 0, durableOffset: 0, nextOffset }),
    batches(_topic, { signal } = {}) {
      nextOffset = 5; // as a gap does
      return untilAborted(signal!);
    },
  };
  const passed = await waitForOffset(quiet, "orders", { minOffset: 5, minOffsetWaitMs: 20 });
  assert.equal(passed.nextOffset, 5);
});

test("an end is waited for on, where records are gone that lead to it", async () => {
  let nextOffset = 1;
  const truncated: Pick<Backend, "bounds" | "batches"> = {
    bounds: () => Promise.resolve({ logStartOffset: nextOffset, durableOffset: 0, nextOffset }),
    // deno-lint-ignore require-yield
    async *batches(_topic, { from } = {}) {
      nextOffset++;
      await Promise.resolve();
      throw new SeglogError("offset-out-of-range", `Cannot read at offset ${from}: it is removed`);
    },
  };
  const passed = await waitForOffset(truncated, "orders", { minOffset: 4 });
  assert.equal(passed.nextOffset, 4);
});

test("what fails while it waits is told at once", async () => {
  await using store = await Store.memory();
  await store.append("orders", [{ value: "a" }]);
  const waiting = waitForOffset(store, "orders", { minOffset: 9, minOffsetWaitMs: 60_000 });
  await store.deleteTopic("orders");
  await assert.rejects(waiting);
  await rejectsWith("not-found", () => waitForOffset(store, "none", { minOffset: 0 }));
});

test("nothing to wait for takes no time, and a signal that is aborted already ends it", async () => {
  await using store = await Store.memory();
  await store.append("orders", [{ value: "a" }]);
  const signal = AbortSignal.abort();
  const { nextOffset } = await waitForOffset(store, "orders", { minOffset: 1, signal });
  assert.equal(nextOffset, 1);
  await rejectsWith("unavailable", () => waitForOffset(store, "orders", { minOffset: 2, signal }));
  await rejectsWith(
    "unavailable",
    () => waitForOffset(store, "orders", { minOffset: 2, minOffsetWaitMs: 0 }),
  );
});
