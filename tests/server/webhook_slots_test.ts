/** Who may deliver when there is no place for all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endOfTurn } from "../../core/base/turn.ts";
import { Slots } from "../../server/webhooks/slots.ts";

test("who waits for a place is gone when it is not wanted any more, and takes none", async () => {
  const slots = new Slots(1);
  const owner = {};
  let end = () => {};
  const first = slots.run(() => new Promise<void>((resolve) => end = resolve), { owner });
  const leaving = new AbortController();
  const { signal } = leaving;
  const second = slots.run(() => Promise.resolve("second"), { owner, signal });
  const third = slots.run(() => Promise.resolve("third"), { owner });
  const gone = new Error("gone");
  leaving.abort(gone);
  await assert.rejects(second, gone);
  end();
  await first;
  assert.equal(await third, "third");
  assert.equal(await slots.run(() => Promise.resolve("fourth"), { owner }), "fourth");
});

test("a place that becomes free goes to whose deliveries have fewest", async () => {
  const slots = new Slots(2);
  const [many, few] = [{}, {}];
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const run = (owner: object, name: string) =>
    slots.run(() => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    }, { owner });
  const all = ["a", "b", "c", "d"].map((name) => run(many, name));
  all.push(run(few, "x"), run(few, "y"));
  for (let done = 0; done < all.length; done++) {
    while (ends.length === done) await endOfTurn();
    ends[done]!();
  }
  await Promise.all(all);
  assert.deepEqual(begun, ["a", "b", "x", "c", "y", "d"]);
});
