import assert from "node:assert/strict";
import { test } from "node:test";
import { detachValues } from "../../cli/short_options.ts";

const options = new Set(["-n", "--max", "-o", "-k", "--at"]);
const detached = (...args: string[]) => detachValues(args, options);

test("a value right behind a short option is taken apart from it", () => {
  assert.deepEqual(detached("tail", "orders", "-n5"), ["tail", "orders", "-n", "5"]);
  assert.deepEqual(detached("-o-10", "-ku1"), ["-o", "-10", "-k", "u1"]);
  assert.deepEqual(detached("-fn5", "-Jn", "-3"), ["-f", "-n", "5", "-J", "-n", "-3"]);
});

test("the value of an option is left alone, whatever it looks like", () => {
  assert.deepEqual(detached("-k", "-n5"), ["-k", "-n5"]);
  assert.deepEqual(detached("--at", "-o-10", "-n1"), ["--at", "-o-10", "-n", "1"]);
  assert.deepEqual(detached("-k"), ["-k"]);
});

test("long options, flags, other words and all behind -- stay as they are", () => {
  assert.deepEqual(detached("--max=5", "-J", "-Jf", "-", "x-n5"), [
    "--max=5",
    "-J",
    "-Jf",
    "-",
    "x-n5",
  ]);
  assert.deepEqual(detached("--", "-n5"), ["--", "-n5"]);
});
