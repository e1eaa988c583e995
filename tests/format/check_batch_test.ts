import assert from "node:assert/strict";
import { test } from "node:test";
import { type BatchView, decodeBatch, encodeBatch, SeglogError } from "../../mod.ts";
import { isValidUtf8, utf8Length } from "../../core/base/bytes.ts";
import { RECORD_BYTES_MAX, RECORD_HEADERS_MAX } from "../../core/base/limits.ts";
import { rehead, wireBytes } from "../../core/format/batch.ts";
import { WIRE_SALT } from "../../core/format/batch_header.ts";
import { checkBatch } from "../../core/format/check_batch.ts";
import { checkedProducer } from "../../core/format/batch_builder.ts";
import type { LogRecord } from "../../core/format/record.ts";
import { mutateBatch } from "../fuzz/batches.ts";
import { SAMPLES } from "../fuzz/samples.ts";
import { Random } from "../support/random.ts";

const decoded = (bytes: Uint8Array, salt = WIRE_SALT) => decodeBatch(bytes, 0, salt);

test("a batch is taken when each of its records could be read and appended, and only then", () => {
  const random = new Random(4711);
  const producer = { id: "p", epoch: 1, sequence: 2 };
  const seeds = [
    encodeBatch(SAMPLES, { nowMs: 1000 }),
    encodeBatch(SAMPLES.slice(0, 3), { nowMs: 1000, producer }),
    encodeBatch(SAMPLES, { nowMs: 1000, codec: "zstd" }),
  ];
  const taken = [0, 0];
  for (let i = 0; i < 6000; i++) {
    let bytes = seeds[i % seeds.length]!;
    for (let n = i % 4; n > 0; n--) bytes = mutateBatch(random, bytes, WIRE_SALT);
    const batch = decoded(bytes);
    if (typeof batch === "string") continue;
    const isTaken = !refuses(() => checkBatch(batch));
    assert.equal(isTaken, isReadable(decoded(bytes) as BatchView), `case ${i}`);
    taken[Number(isTaken)]!++;
  }
  assert.ok(taken.every((count) => count > 500), `${taken} refused and taken`);
});

test("a batch that is for the wire travels as it is, and one from a segment as a copy", () => {
  const bytes = encodeBatch([{ value: "a" }], { nowMs: 1 });
  const batch = decoded(bytes) as BatchView;
  assert.equal(wireBytes(batch), batch.bytes);
  const stored = decoded(rehead(batch, { epoch: 3 }, 1234), 1234) as BatchView;
  const travelling = decoded(wireBytes(stored)) as BatchView;
  assert.deepEqual(travelling.header, stored.header);
});

function refuses(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    assert.ok(error instanceof SeglogError, `${error}`);
    assert.ok(["invalid-record", "invalid-argument"].includes(error.code), error.message);
    return true;
  }
}

/** The same question, asked of the records as readers get them. */
function isReadable(batch: BatchView): boolean {
  try {
    const records = [...batch.records()];
    const producer = batch.producer();
    if (producer !== undefined) checkedProducer(producer);
    return batch.isDense && records.every(isGood) &&
      Math.max(...records.map(({ timestamp }) => timestamp)) === batch.header.maxTimestampMs;
  } catch (error) {
    assert.ok(error instanceof SeglogError, `${error}`);
    return false;
  }
}

function isGood({ key, value, type, headers }: LogRecord): boolean {
  const names = Object.keys(headers).map(utf8Length);
  return (key?.length ?? 0) + (value?.length ?? 0) <= RECORD_BYTES_MAX &&
    (type === "bytes" || value === null || isValidUtf8(value)) &&
    names.length <= RECORD_HEADERS_MAX && names.every((length) => length >= 1 && length <= 256);
}
