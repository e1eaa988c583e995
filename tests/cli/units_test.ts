import assert from "node:assert/strict";
import { test } from "node:test";
import { progressText } from "../../cli/append/progress.ts";
import {
  countOf,
  formatBytes,
  formatCount,
  formatDuration,
  parseDuration,
} from "../../cli/units.ts";

test("durations are read and written alike", () => {
  const pairs = { "200ms": 200, "30s": 30_000, "90m": 5_400_000, "12h": 43_200_000 };
  for (const [text, ms] of Object.entries(pairs)) {
    assert.equal(parseDuration(text), ms);
    assert.equal(formatDuration(ms), text);
  }
  assert.equal(parseDuration("1.5h"), 5_400_000);
  assert.equal(formatDuration(7 * 86_400_000), "7d");
  assert.equal(formatDuration(14 * 86_400_000), "2w");
  assert.equal(formatDuration(0), "0ms");
});

test("what is no duration is not taken for one", () => {
  for (const text of ["", "5", "d", "5 d", "-5d", "5y", "1e3s", "0.0001ms", "99999999999999999w"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("amounts are shown for people", () => {
  assert.equal(formatBytes(0), "0 B");
  assert.equal(formatBytes(1023), "1023 B");
  assert.equal(formatBytes(1536), "1.5 KiB");
  assert.equal(formatBytes(64 * 1024 * 1024), "64 MiB");
  assert.equal(formatCount(999), "999");
  assert.equal(formatCount(1_234_567), "1,234,567");
  assert.equal(countOf(1, "record"), "1 record");
  assert.equal(countOf(1000, "record"), "1,000 records");
  assert.equal(progressText(12_345, 1_048_576, 500), "12,345 records, 1 MiB, 24,690 records/s");
});
