import assert from "node:assert/strict";
import { test } from "node:test";
import { Fences } from "../../replica/fences.ts";

test("a fence stays where the furthest of them was, in whichever order they are told", () => {
  const fences = new Fences();
  for (const end of [3, 9, 5]) fences.raise("orders", 1, { end });
  for (const start of [2, 4, 1]) fences.raise("orders", 1, { start });
  assert.deepEqual(fences.of("orders", 1), { end: 9, start: 4 });
  assert.deepEqual([fences.of("orders", 0), fences.partitionsOf("orders")], [undefined, [1]]);
});

test("a fence that was moved on is not passed by who has passed where it was", () => {
  const fences = new Fences();
  fences.raise("orders", 0, { end: 3 });
  const before = fences.of("orders", 0)!;
  fences.raise("orders", 0, { end: 4 });
  fences.passed("orders", 0, before);
  assert.equal(fences.of("orders", 0)?.end, 4);
  fences.passed("orders", 0, fences.of("orders", 0)!);
  assert.equal(fences.of("orders", 0), undefined);
});
