/** A message whose content is not what its header says is damage. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_STATE } from "../../jetstream/log_state.ts";
import { wholeMessage } from "../../jetstream/message_content.ts";
import { encodeBatch } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";

/** What a message brings that says it has the offsets `[4, nextOffset)`. */
function batchesOf(data: Uint8Array, nextOffset = 6) {
  const state = { ...EMPTY_STATE, nextOffset };
  const head = { baseOffset: 4, state, pieces: 1, isPiece: false };
  return wholeMessage('"orders"', { sequence: 9, id: "x", head, data }, []).batches();
}

function batchAt(baseOffset: number, ...values: string[]): Uint8Array {
  return encodeBatch(values.map((value) => ({ value })), { nowMs: 1000, baseOffset });
}

async function refused(data: Uint8Array, nextOffset?: number) {
  // deno-lint-ignore require-await -- what is thrown shall be a rejection
  const error = await rejectsWith("corrupt", async () => batchesOf(data, nextOffset));
  return [error.details.start, error.details.end, error.message.replace(/^.*: /, "")];
}

test("batches are read one behind another", () => {
  const data = new Uint8Array([...batchAt(4, "a"), ...batchAt(5, "b", "c")]);
  assert.deepEqual(batchesOf(data, 7).map(({ baseOffset }) => baseOffset), [4, 5]);
});

test("a batch whose bytes have changed is damage", async () => {
  const data = batchAt(4, "a", "~");
  data[data.lastIndexOf("~".charCodeAt(0))]! ^= 1;
  assert.deepEqual(await refused(data), [4, 6, "its checksum does not match"]);
});

test("a batch that is not where the one before it ended is damage", async () => {
  assert.deepEqual(await refused(batchAt(5, "b")), [4, 6, "a batch begins at 5"]);
  const twice = new Uint8Array([...batchAt(4, "a"), ...batchAt(4, "a")]);
  assert.deepEqual(await refused(twice), [5, 6, "a batch begins at 4"]);
});

test("batches that end before the message does are damage", async () => {
  assert.deepEqual(await refused(batchAt(4, "a")), [5, 6, "no batch is there"]);
});
