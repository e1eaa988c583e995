/** System calls that fail, some of each kind, on the runtime that runs this; the campaign has all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { thisRuntime } from "../support/runtimes.ts";
import { CALLS, ERRORS, failCall, straceMissing } from "./syscall_campaign.ts";

const missing = straceMissing();

const runtime = thisRuntime();

test("a system call that fails loses nothing and is never taken for success", {
  skip: missing ?? false,
}, async () => {
  let hits = 0;
  for (const [i, kind] of CALLS.entries()) {
    const nth = 1 + Math.floor(kind.nthMax * (0.1 + 0.25 * (i % 3)));
    hits += await failCall(runtime, { ...kind, nth, error: ERRORS[i % ERRORS.length]! });
  }
  assert.ok(hits >= CALLS.length / 2, `only ${hits} calls failed`);
});
