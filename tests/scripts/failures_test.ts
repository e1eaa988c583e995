import assert from "node:assert/strict";
import { test } from "node:test";
import { failuresOf, shownOf } from "../../scripts/failures.ts";

test("what every test runner says of failures is understood", () => {
  const deno = `a group ... is good ... ok (0ms)
a group ... is bad ... FAILED (2ms)

 ERRORS 

a group ... is bad => ext:deno_node/testing.ts:1:21231
error: AssertionError: Expected values to be strictly equal:

1 !== 2

  test("is bad", () => assert.equal(1, 2));
                              ^
flat one => ./tests/a_test.ts:8:1
error: Error: no

 FAILURES 

a group ... is bad => ext:deno_node/testing.ts:1:21231
flat one => ./tests/a_test.ts:8:1

FAILED | 0 passed (2 steps) | 4 failed (4 steps) (37ms)`;
  assert.deepEqual(failuresOf(deno), [
    {
      name: "a group ... is bad",
      reason: [
        "error: AssertionError: Expected values to be strictly equal:",
        "1 !== 2",
        'test("is bad", () => assert.equal(1, 2));',
        "^",
      ],
    },
    { name: "flat one", reason: ["error: Error: no"] },
  ]);
  const node = `▶ a group
  ✖ is bad (0.7ms)
✖ a group (2.4ms)
ℹ fail 2

✖ failing tests:

test at a_test.ts:5:3
✖ is bad (0.7ms)
  AssertionError [ERR_ASSERTION]: 1 !== 2
      at TestContext.<anonymous> (a_test.ts:5:33)

test at a_test.ts:8:1
✖ flat one (1ms)
  Error: no`;
  assert.deepEqual(failuresOf(node), [
    {
      name: "is bad (0.7ms) at a_test.ts:5:3",
      reason: [
        "AssertionError [ERR_ASSERTION]: 1 !== 2",
        "at TestContext.<anonymous> (a_test.ts:5:33)",
      ],
    },
    { name: "flat one (1ms) at a_test.ts:8:1", reason: ["Error: no"] },
  ]);
  const bun = `(pass) a group > is good [4.39ms]
5 |   test("is bad", () => assert.equal(1, 2));
                                  ^
AssertionError: 1 !== 2
      at a_test.ts:5:33
(fail) a group > is bad [4.39ms]
error: no
(fail) flat one [0.12ms]
(fail) without a word`;
  assert.deepEqual(failuresOf(bun), [
    { name: "a group > is bad", reason: ["AssertionError: 1 !== 2", "at a_test.ts:5:33"] },
    { name: "flat one", reason: ["error: no"] },
    { name: "without a word", reason: [] },
  ]);
  assert.deepEqual(failuresOf("error: Type checking failed."), []);
});

test("of much output the end is shown, and why tests failed", () => {
  const passed = (count: number) => Array.from({ length: count }, (_, i) => `(pass) ${i}`);
  assert.deepEqual(shownOf("a\nb\n"), ["a", "b"]);
  const failed = [...passed(900), "error: why", "(fail) one", ...passed(900)].join("\n");
  const shown = shownOf(failed);
  assert.deepEqual(shown.slice(0, 2), ["…", "(pass) 861"]);
  assert.deepEqual(shown.slice(40, 44), ["error: why", "(fail) one", "…", "(pass) 750"]);
  assert.equal(shown.length, 1 + 41 + 1 + 150);
});
