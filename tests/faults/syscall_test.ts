/** System calls that fail, some of each kind, on the runtime that runs this; the campaign has all. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "../support/temp_dir.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { drive } from "./drive.ts";
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

test("an append is told after its sync has returned, and a new file after its folder's", {
  skip: missing ?? false,
}, async () => {
  await using dir = tempDir();
  const log = join(dir.path, "calls.txt");
  const trace = ["-e", "trace=pwrite64,fdatasync,fsync,rename,write", "-s", "40"];
  const told = await drive(runtime, join(dir.path, "store"), [
    ...["strace", "-f", "-qq", "-y", "-o", log],
    ...trace,
  ]);
  assert.ok(told.some(({ start }) => start !== undefined));
  let isSynced = false;
  let isRenamed = false;
  let acknowledged = 0;
  for (const line of fs.readFileSync(log, "utf8").split("\n")) {
    if (/pwrite64\(\d+<[^>]*\.log>/.test(line)) isSynced = false;
    if (/fdatasync.*= 0$/.test(line)) isSynced = true;
    if (/rename.*= 0$/.test(line)) isRenamed = true;
    if (/fsync\(\d+<|fsync resumed/.test(line) && / = 0$/.test(line)) isRenamed = false;
    if (!/write\(1.*"start\\"|write\(1.*\\"values\\"/.test(line)) continue;
    acknowledged++;
    assert.ok(isSynced, `an append was told before a sync: ${line}`);
    assert.ok(!isRenamed, `an append was told before a folder was synced: ${line}`);
  }
  assert.ok(acknowledged >= 10, `${acknowledged} were told`);
});
