import assert from "node:assert/strict";
import { test } from "node:test";
import { Mutex } from "../../core/base/mutex.ts";

test("sections run one at a time, in the order in which they asked", async () => {
  const mutex = new Mutex();
  const seen: string[] = [];
  const section = (name: string) => async () => {
    seen.push(`${name} starts`);
    await Promise.resolve();
    seen.push(`${name} ends`);
  };
  await Promise.all([mutex.run(section("a")), mutex.run(section("b")), mutex.run(section("c"))]);
  assert.deepEqual(seen, ["a starts", "a ends", "b starts", "b ends", "c starts", "c ends"]);
});

test("a section that fails tells its caller alone, and the next one runs", async () => {
  const mutex = new Mutex();
  const failing = mutex.run(() => {
    throw new Error("first");
  });
  const next = mutex.run(() => "second");
  await assert.rejects(failing, /first/);
  assert.equal(await next, "second");
});
