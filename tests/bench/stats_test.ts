import assert from "node:assert/strict";
import { test } from "node:test";
import { Latencies } from "../../bench/latencies.ts";
import { formatNumber, formatRatio } from "../../bench/numbers.ts";
import { rotated } from "../../bench/rounds.ts";
import { pairedRatios, quantile, summarise } from "../../bench/stats.ts";

test("samples are summed up by their middle, their least and their most, in any order", () => {
  assert.deepEqual(summarise([9, 1, 5]), { median: 5, min: 1, max: 9 });
  assert.deepEqual(summarise([4, 2]), { median: 3, min: 2, max: 4 });
  assert.deepEqual(summarise([7]), { median: 7, min: 7, max: 7 });
  assert.throws(() => summarise([]), RangeError);
});

test("a quantile lies between the two samples that are next to it", () => {
  const sorted = [10, 20, 30, 40, 50];
  assert.equal(quantile(sorted, 0), 10);
  assert.equal(quantile(sorted, 0.5), 30);
  assert.equal(quantile(sorted, 1), 50);
  assert.equal(quantile(sorted, 0.9), 46);
});

test("ratios are of the same round, and a round that one of the two has not is left out", () => {
  assert.deepEqual(pairedRatios([10, 30], [5, 10]), [2, 3]);
  assert.deepEqual(pairedRatios([10, undefined, 8], [5, 1, undefined]), [2]);
  assert.deepEqual(pairedRatios([1], [0]), []);
  assert.deepEqual(pairedRatios([1, 2, 3], [1]), [1]);
});

test("each round begins with another system, and all take part in each", () => {
  const systems = ["a", "b", "c"];
  assert.deepEqual([0, 1, 2, 3].map((round) => rotated(systems, round).join("")), [
    "abc",
    "bca",
    "cab",
    "abc",
  ]);
  assert.deepEqual(rotated([], 1), []);
});

test("latencies tell the median and the time of one call in a hundred", () => {
  const latencies = new Latencies();
  for (let i = 100; i >= 0; i--) latencies.add(i);
  assert.equal(latencies.count, 101);
  assert.deepEqual(latencies.figures(), { p50Ms: 50, p99Ms: 99 });
});

test("numbers have three digits that count, and a scale", () => {
  const shown = [0, 0.01234, 1.5, 99.96, 999.4, 999.7, 1234, 999_960, 5_260_000, 2.4e9];
  assert.deepEqual(shown.map(formatNumber), [
    "0",
    "0.0123",
    "1.5",
    "100",
    "999",
    "1 k",
    "1.23 k",
    "1 M",
    "5.26 M",
    "2.4 G",
  ]);
  assert.deepEqual([0.0119, 0.85, 3.24, 99.4, 123.4].map(formatRatio), [
    "0.012x",
    "0.85x",
    "3.2x",
    "99x",
    "123x",
  ]);
});
