import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSyncMode } from "../../core/format/sync_mode.ts";

test("a sync mode is always, os, or an interval of at least a millisecond", () => {
  assert.deepEqual(parseSyncMode("always"), { kind: "always" });
  assert.deepEqual(parseSyncMode("os"), { kind: "os" });
  assert.deepEqual(parseSyncMode("interval:200ms"), { kind: "interval", intervalMs: 200 });
  assert.deepEqual(parseSyncMode("interval:2s"), { kind: "interval", intervalMs: 2000 });
  const others = ["", "never", "interval", "interval:", "interval:0ms", "interval:0s"];
  others.push(
    "interval:1",
    "interval:1.5s",
    "interval:-1s",
    "interval:12345678ms",
    "Always",
    "os ",
  );
  for (const text of others) assert.equal(parseSyncMode(text), undefined, text);
});
