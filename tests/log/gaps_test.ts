import assert from "node:assert/strict";
import { test } from "node:test";
import { type Gap, gapAt, joinGaps, outsideGaps } from "../../core/log/gaps.ts";
import { Random } from "../support/random.ts";

/** The offsets below 30 that are in one of the ranges. */
function offsetsIn(ranges: readonly Gap[]): number[] {
  const isIn = (offset: number) => ranges.some(({ start, end }) => offset >= start && offset < end);
  return Array.from({ length: 30 }, (_, offset) => offset).filter(isIn);
}

test("joining gaps, and what lies outside of them, is as if offsets were counted one by one", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = new Random(seed);
    const range = () => {
      const start = random.below(28);
      return { start, end: start + 1 + random.below(29 - start) };
    };
    const some = () => joinGaps([], Array.from({ length: random.below(5) }, range));
    const [a, b, whole] = [some(), some(), range()];
    const joined = joinGaps(a, b);
    assert.deepEqual(offsetsIn(joined), offsetsIn([...a, ...b]), `seed ${seed}`);
    joined.slice(1).forEach(({ start }, i) => assert.ok(start > joined[i]!.end, `seed ${seed}`));
    const outside = outsideGaps(whole, joined);
    const inside = new Set(offsetsIn(joined));
    const expected = offsetsIn([whole]).filter((offset) => !inside.has(offset));
    assert.deepEqual(offsetsIn(outside), expected, `seed ${seed}`);
    assert.ok(outside.every(({ start, end }) => end > start), `seed ${seed}`);
    for (let offset = 0; offset < 30; offset++) {
      assert.equal(gapAt(joined, offset) !== undefined, inside.has(offset), `seed ${seed}`);
    }
  }
});
