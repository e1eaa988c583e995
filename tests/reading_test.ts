import assert from "node:assert/strict";
import { test } from "node:test";
import { readFromBatch } from "../core/reading.ts";
import { Store } from "../mod.ts";
import { rejectsWith } from "./support/collect.ts";
import { changedBackend } from "./support/changed_backend.ts";

test("a record that is appended while it is looked for is found, or is not there yet", async () => {
  await using store = await Store.memory();
  await store.append("orders", [{ value: "a" }]);
  const at = { offset: 1, partition: 0 };
  const busy = changedBackend(store, {
    bounds: async (topic, partition) => {
      await store.append("orders", [{ value: "b" }]);
      return await store.bounds(topic, partition);
    },
  });
  assert.equal((await readFromBatch(busy, "orders", at)).text, "b");
  await rejectsWith(
    "offset-out-of-range",
    () => readFromBatch(store, "orders", { ...at, offset: 9 }),
  );
});

test("a record that was removed is absent, however often it is looked for", async () => {
  await using store = await Store.memory();
  for (const value of ["a", "b"]) await store.append("orders", [{ value }]);
  await store.truncate("orders", { after: 0 });
  await store.append("orders", [{ value: "c" }]);
  const at = { offset: 1, partition: 0 };
  await rejectsWith("not-found", () => readFromBatch(store, "orders", at));
});
