/**
 * An encoded batch, as a client may send it: refused, or taken and then read as it was sent, also
 * by generated protobuf code, after truncations and after the log was opened again.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type BatchView, decodeBatch, encodeBatch, Log, MemoryDisk } from "../../../mod.ts";
import { WIRE_SALT } from "../../../core/format/batch_header.ts";
import { CODECS } from "../../../core/format/compression.ts";
import { checkBatch } from "../../../core/format/check_batch.ts";
import { collect, take } from "../../support/collect.ts";
import type { Random } from "../../support/random.ts";
import { mutateBatch } from "../batches.ts";
import { comparable, type ComparableRecord, readByProtobuf } from "../protobuf.ts";
import { SAMPLES } from "../samples.ts";
import { expectedError, type FuzzTarget, outcomeOf } from "../target.ts";

export const batchTarget: FuzzTarget = {
  name: "batch",
  seeds: [
    ...CODECS.map((codec) => encodeBatch(SAMPLES, { nowMs: 1000, codec })),
    encodeBatch(SAMPLES.slice(0, 1), { nowMs: 5 }),
    encodeBatch(SAMPLES.slice(2, 4), {
      nowMs: 5,
      producer: { id: "shop-🏪", epoch: 3, sequence: 7 },
    }),
  ],
  mutate: (random: Random, input: Uint8Array) => mutateBatch(random, input, WIRE_SALT),
  check,
};

async function check(input: Uint8Array): Promise<string> {
  const batch = decodeBatch(input, 0, WIRE_SALT);
  if (typeof batch === "string") return "header refused";
  readStored(batch);
  const checked = await outcomeOf(() => checkBatch(batch), ["invalid-record", "invalid-argument"]);
  const disk = new MemoryDisk();
  const log = await Log.open("/log", { disk, segmentBytes: 4096 });
  await log.append({ value: "before", timestamp: 0 });
  const appended = await outcomeOf(() => log.appendBatch(batch));
  assert.equal(appended.error?.code, checked.error?.code);
  if (appended.error !== undefined) {
    assert.equal(log.nextOffset, 1, "what is refused is not stored");
    await log.close();
    return "refused";
  }
  const sent = [...batch.records()].map(comparable);
  assert.deepEqual(appended.value, { start: 1, end: 1 + sent.length });
  assert.deepEqual(readByProtobuf(batch.payload(), batch.header), {
    records: sent,
    producer: batch.producer(),
  });
  await log.append({ value: "after", timestamp: 0 });
  await checkReading(log, sent);
  await log.close();
  await using again = await Log.open("/log", { disk });
  await checkReading(again, sent);
  await checkRetry(again, batch);
  await checkTruncated(again, sent);
  return "taken";
}

/** Reading a batch that nobody looked at ends well, or says that it is corrupt. */
function readStored(batch: BatchView): void {
  const offsets: number[] = [];
  try {
    for (const record of batch.records()) {
      offsets.push(record.offset);
      assert.ok(Number.isSafeInteger(record.timestamp) && record.timestamp >= 0);
      assert.ok(new Date(record.timestamp).toISOString(), "a timestamp can be shown");
    }
    batch.producer();
  } catch (error) {
    expectedError(error, ["corrupt"]);
  }
  const isRising = offsets.every((offset, i) =>
    offset >= (offsets[i - 1] ?? batch.baseOffset - 1) + 1 && offset < batch.nextOffset
  );
  assert.ok(isRising, `offsets ${offsets}`);
}

async function checkReading(log: Log, sent: readonly ComparableRecord[]): Promise<void> {
  const read = await collect(log.records({ from: 1, until: 1 + sent.length }));
  assert.deepEqual(read.map(({ offset }) => offset), sent.map((_, i) => 1 + i));
  assert.deepEqual(read.map(comparable), sent);
  assert.equal((await log.read(1 + sent.length)).text, "after");
}

async function checkRetry(log: Log, batch: BatchView): Promise<void> {
  if (batch.producer() === undefined) return;
  const next = log.nextOffset;
  assert.equal((await log.appendBatch(batch)).start, 1);
  assert.equal(log.nextOffset, next, "a retry makes no duplicate");
}

/** A truncation through the middle of the batch leaves the other records as they were. */
async function checkTruncated(log: Log, sent: readonly ComparableRecord[]): Promise<void> {
  const middle = 1 + (sent.length >> 1);
  await log.truncate({ after: sent.length });
  await log.truncate({ before: middle });
  const kept = await take(log.records(), sent.length + 1 - middle);
  assert.deepEqual(kept.map(({ offset }) => offset), sent.map((_, i) => 1 + i).slice(middle - 1));
  assert.deepEqual(kept.map(comparable), sent.slice(middle - 1));
}
