/** System calls that fail, on each runtime: a few of each kind; the campaign has them all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findRuntime, type Runtime } from "../support/runtimes.ts";
import { CALLS, ERRORS, failCall, straceMissing } from "./syscall_campaign.ts";

const missing = straceMissing();

(["deno", "bun", "node"] as const).forEach((name, i) => {
  const runtime = findRuntime(name);
  const skip = missing ?? (typeof runtime === "string" ? runtime : false);

  test(`on ${name}, a system call that fails loses nothing and is never taken for success`, {
    skip,
  }, async () => {
    let hits = 0;
    for (const [j, kind] of CALLS.entries()) {
      const nth = 1 + Math.floor(kind.nthMax * (0.1 + 0.25 * ((i + j) % 3)));
      hits += await failCall(runtime as Runtime, { ...kind, nth, error: ERRORS[(i + j) % 2]! });
    }
    assert.ok(hits >= CALLS.length / 2, `only ${hits} calls failed`);
  });
});
