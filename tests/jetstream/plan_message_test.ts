/** What becomes of an append is decided by how the log is, not by how it was. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendQueue } from "../../jetstream/append_queue.ts";
import { EMPTY_STATE } from "../../jetstream/log_state.ts";
import { planMessage } from "../../jetstream/plan_message.ts";
import { rejectsWith } from "../support/collect.ts";

const TERMS = { nowMs: 1000, codec: "none" } as const;

/** A log that ends at an offset. */
function standing(nextOffset: number, isFresh: boolean) {
  const state = { ...EMPTY_STATE, nextOffset };
  return { what: '"orders"', state, isFresh, producer: undefined, bytesMax: 100_000 };
}

test("an append is refused for an end that was looked at just now, and no other", async () => {
  const queue = new AppendQueue('"orders"');
  const appended = queue.add([{ value: "a" }], { ...TERMS, expectedOffset: 5 });
  assert.equal(planMessage(queue, standing(3, false)), "look");
  assert.equal(queue.isEmpty, false, "it waits for that");
  assert.equal(planMessage(queue, standing(4, true)), undefined);
  const { details } = await rejectsWith("condition-failed", () => appended);
  assert.deepEqual(details, { expected: 5, actual: 4 });
  assert.equal(queue.isEmpty, true);
});

test("an append that fits the end that is known needs no look", async () => {
  const queue = new AppendQueue('"orders"');
  const appended = queue.add([{ value: "a" }], { ...TERMS, expectedOffset: 5 });
  const planned = planMessage(queue, standing(5, false));
  assert.ok(typeof planned === "object");
  assert.deepEqual([planned.baseOffset, planned.state.nextOffset], [5, 6]);
  planned.settle();
  assert.deepEqual(await appended, { start: 5, end: 6 });
});
