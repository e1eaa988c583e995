import assert from "node:assert/strict";
import { test } from "node:test";
import { json, Kv, Store } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

test("an entry is JSON, with a value that is one", async () => {
  const clock = new FakeClock(Date.UTC(2026, 10, 25));
  await using store = await Store.memory({ clock });
  await using kv = await Kv.open(store, "b", { clock });
  await kv.set("j", json({ name: "Alice" }));
  await kv.set("t", "Alice");
  await kv.set("y", Uint8Array.of(255));
  const entries = await Promise.all(["j", "t", "y"].map((key) => kv.get(key)));
  const timestamp = "2026-11-25T00:00:00.000Z";
  assert.deepEqual(JSON.parse(JSON.stringify(entries)), [
    { key: "j", revision: 0, timestamp, type: "json", value: { name: "Alice" } },
    { key: "t", revision: 1, timestamp, type: "text", value: "Alice" },
    { key: "y", revision: 2, timestamp, type: "bytes", value: "/w==" },
  ]);
});
