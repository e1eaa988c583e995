import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, systemClock } from "../../core/base/clock.ts";

test("the system's clock tells the time in milliseconds since 1970", () => {
  const before = Date.now();
  const now = systemClock.now();
  assert.ok(now >= before && now <= Date.now());
});

test("after() runs once, and not when it was cancelled", async () => {
  const runs: string[] = [];
  const cancel = systemClock.after(0, () => runs.push("cancelled"));
  cancel();
  const isAlive = setTimeout(() => {}, 60_000); // the clock's own timer keeps no process alive
  await new Promise<void>((resolve) => systemClock.after(1, resolve));
  clearTimeout(isAlive);
  assert.deepEqual(runs, []);
});

test("sleep() ends at once when its signal is aborted, before or during it", async () => {
  const controller = new AbortController();
  const sleeping = sleep(2 ** 30, controller.signal);
  controller.abort();
  await sleeping;
  await sleep(2 ** 30, controller.signal);
  await sleep(1);
});
