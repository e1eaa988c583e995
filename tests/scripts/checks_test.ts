import assert from "node:assert/strict";
import { test } from "node:test";
import { bunCounts, denoCounts, nodeCounts, ownCounts } from "../../scripts/checks.ts";

test("the numbers of every test runner are understood", () => {
  const deno = [
    "a promise ... ok (1ms)",
    "a promise about bun ... ignored (0ms)",
    "FAILED | 489 passed (247 steps) | 3 failed | 2 ignored (59s)",
  ].join("\n");
  assert.deepEqual(denoCounts(deno), {
    passed: 489,
    failed: 3,
    skipped: ["a promise about bun"],
  });
  assert.deepEqual(denoCounts("ok | 5 passed | 0 failed (1m26s)"), {
    passed: 5,
    failed: 0,
    skipped: [],
  });
  const bun = "(pass) a\n(skip) a promise about node\n\n 762 pass\n 1 skip\n 4 fail\nRan 767 tests";
  assert.deepEqual(bunCounts(bun), { passed: 762, failed: 4, skipped: ["a promise about node"] });
  const node = "✔ a (1ms)\n﹣ a promise (0.07ms) # why\nℹ tests 2\nℹ pass 1\nℹ fail 0\nℹ skipped 1";
  assert.deepEqual(nodeCounts(node), { passed: 1, failed: 0, skipped: ["a promise"] });
  assert.deepEqual(ownCounts("ok    x\nskip  y: none\n11 passed, 2 failed\n"), {
    passed: 11,
    failed: 2,
    skipped: ["y: none"],
  });
});

test("output without numbers is not taken for success", () => {
  for (const counts of [denoCounts, bunCounts, nodeCounts, ownCounts]) {
    assert.equal(counts("error: Type checking failed."), undefined);
    assert.equal(counts(""), undefined);
  }
});
