/** How often a replica looks at its source. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lookAgain } from "../../replica/looks.ts";
import { FakeClock } from "../support/fake_clock.ts";

test("a replica looks again after a while, which is longer where looks take long", async () => {
  const clock = new FakeClock();
  const ending = new AbortController();
  let looks = 0;
  let look = () => {};
  const looking = lookAgain(async () => {
    looks++;
    await Promise.resolve();
    look();
  }, { clock, lookMs: 1000, signal: ending.signal });
  const moved = async (ms: number) => {
    clock.advance(ms);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    return looks;
  };
  assert.equal(await moved(0), 1);
  assert.equal(await moved(999), 1);
  look = () => clock.advance(300); // a look takes so long from now on
  assert.equal(await moved(1), 2);
  assert.equal(await moved(2999), 2);
  look = () => clock.advance(60_000);
  assert.equal(await moved(1), 3);
  assert.equal(await moved(9999), 3);
  look = () => {
    clock.advance(60_000);
    throw new Error("away");
  };
  assert.equal(await moved(1), 4);
  assert.equal(await moved(1000), 5); // one that failed is made again soon
  ending.abort();
  await looking;
  assert.equal(clock.waiting, 0);
});
