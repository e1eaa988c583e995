import assert from "node:assert/strict";
import { test } from "node:test";
import { Term } from "../../core/election/term.ts";
import { FakeClock } from "../support/fake_clock.ts";

test("who stood still finds the term over before any timer has run", () => {
  let nowMs = 1000;
  const term = new Term({ now: () => nowMs, after: () => () => {} }, 2000);
  nowMs = 1999;
  assert.equal(term.isOver, false);
  nowMs = 2000;
  assert.equal(term.isOver, true);
  assert.ok(term.signal.aborted, "and so does whoever works in it");
});

test("a term that is renewed lasts longer, and one that is over stays so", () => {
  const clock = new FakeClock(0);
  const term = new Term(clock, 1000);
  clock.advance(900);
  term.renew(1900);
  clock.advance(999);
  assert.equal(term.isOver, false);
  clock.advance(1);
  assert.ok(term.signal.aborted);
  term.renew(9000);
  assert.equal(term.isOver, true);
});
