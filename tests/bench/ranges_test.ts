import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { RUNTIME_NAMES } from "../../bench/runtimes.ts";
import { judge, rangeOf, type Ranges } from "../../bench/guard/ranges.ts";

test("a ratio is in its range, below it or above it", () => {
  const range = { low: 0.5, high: 2 };
  assert.equal(judge(0.49, range), "below");
  assert.equal(judge(0.5, range), "in range");
  assert.equal(judge(2, range), "in range");
  assert.equal(judge(2.01, range), "above");
  assert.equal(judge(1, undefined), "no range recorded");
});

test("a recorded range holds the middle half of what it was made of, and not a stray", () => {
  const range = rangeOf([1, 1.1, 0.9, 1, 1, 0.01, 50]);
  assert.ok(range.low < 0.9 && range.low > 0.5, `${range.low}`);
  assert.ok(range.high > 1.1 && range.high < 2, `${range.high}`);
  assert.throws(() => rangeOf([]), RangeError);
});

test("the recorded ranges are of runtimes that there are, each from low to high", () => {
  const path = new URL("../../bench/guard/ranges.json", import.meta.url);
  const ranges: Ranges = JSON.parse(fs.readFileSync(path, "utf8"));
  for (const [runtime, workloads] of Object.entries(ranges)) {
    assert.ok((RUNTIME_NAMES as readonly string[]).includes(runtime), runtime);
    for (const [name, { low, high }] of Object.entries(workloads)) {
      assert.ok(low > 0 && low < high, `${runtime} ${name}`);
    }
  }
});
