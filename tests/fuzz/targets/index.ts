/**
 * The index of a segment, with the right checksum and lies in it: it is a hint, and every record is
 * read as if it were not there.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type BatchView, decodeBatch, Log } from "../../../mod.ts";
import { dataViewOf } from "../../../core/base/bytes.ts";
import { encodeChecked } from "../../../core/base/checked_document.ts";
import { crc32 } from "../../../core/base/crc32.ts";
import { indexFileName, segmentFileName } from "../../../core/format/file_names.ts";
import { SEGMENT_HEADER_BYTES } from "../../../core/format/segment_header.ts";
import { SparseIndex } from "../../../core/log/sparse_index.ts";
import { collect } from "../../support/collect.ts";
import type { Random } from "../../support/random.ts";
import { type FlatRecord, flatten } from "../../golden/flat_record.ts";
import { encodeGoldenSegment } from "../../golden/golden_segments.ts";
import { edge, mutateBytes } from "../bytes.ts";
import { diskOf } from "../../support/disk_of.ts";
import { saltOf } from "../segments.ts";
import type { FuzzTarget } from "../target.ts";

const FOLDER = "/log";
const BATCHES = 24;
const TIME_MS = Date.UTC(2026, 10, 20, 12);
const SEALED = segmentAt(0);
const ACTIVE = segmentAt(2 * BATCHES);
const RECORDS = [...recordsOf(SEALED), ...recordsOf(ACTIVE)];
const HEADER_BYTES = 32;
const ENTRY_BYTES = 16;
const BASE_OFFSET_AT = 16;

export const indexTarget: FuzzTarget = {
  name: "index",
  seeds: [indexOf(SEALED, 0), indexOf(ACTIVE, 2 * BATCHES)],
  mutate,
  check,
};

async function check(input: Uint8Array): Promise<string> {
  const isActive = input.length > BASE_OFFSET_AT && input[BASE_OFFSET_AT] === 2 * BATCHES;
  const baseOffset = isActive ? 2 * BATCHES : 0;
  const files = { ...FILES, [`${FOLDER}/${indexFileName({ baseOffset })}`]: input };
  for (const readOnly of [true, false]) {
    const log = await Log.open(FOLDER, { disk: await diskOf(files), readOnly });
    assert.equal(log.nextOffset, RECORDS.length);
    // Each in a log of its own as well: once an index was found out, it lies no more.
    await checkAll(log);
    if (!readOnly) await checkAppending(log);
    await log.close();
  }
  for (const from of [1, 2 * BATCHES - 1, 2 * BATCHES + 9, RECORDS.length - 1]) {
    await using log = await Log.open(FOLDER, { disk: await diskOf(files), readOnly: true });
    const reversed = await collect(log.records({ reverse: true, from }));
    assert.deepEqual(reversed.map(flatten), RECORDS.slice(from).toReversed());
  }
  return isActive ? "of the active segment" : "of a sealed segment";
}

async function checkAll(log: Log): Promise<void> {
  for (const time of [0, TIME_MS + 700, TIME_MS + 4000, TIME_MS * 2]) {
    const offset = log.offsetAt(time);
    if (offset < log.nextOffset) assert.ok((await log.read(offset)).timestamp >= time);
  }
  for (const [offset, record] of RECORDS.entries()) {
    assert.deepEqual(flatten(await log.read(offset)), record);
  }
  assert.deepEqual((await collect(log.records())).map(flatten), RECORDS);
}

async function checkAppending(log: Log): Promise<void> {
  assert.equal(await log.append({ value: "new" }), RECORDS.length);
  assert.equal((await log.read(RECORDS.length)).text, "new");
}

/** An index with other entries, and the right checksum. */
function mutate(random: Random, input: Uint8Array): Uint8Array {
  const count = Math.floor((input.length - HEADER_BYTES - 12) / ENTRY_BYTES);
  if (count < 1 || random.chance(0.05)) return mutateBytes(random, input);
  const copy = input.slice();
  const view = dataViewOf(copy);
  const entryAt = () => HEADER_BYTES + ENTRY_BYTES * random.below(count);
  const at = entryAt();
  switch (random.below(6)) {
    case 0: // another place, by whole batches mostly
      view.setUint32(at + 4, changed(random, view.getUint32(at + 4, true)), true);
      break;
    case 1: // another offset
      view.setUint32(at, changed(random, view.getUint32(at, true)), true);
      break;
    case 2: // another time
      view.setBigUint64(at + 8, edge(random), true);
      break;
    case 3: // an entry of another one
      copy.copyWithin(at, entryAt(), entryAt() + ENTRY_BYTES);
      break;
    case 4: // the youngest of all
      view.setBigUint64(copy.length - 12, edge(random), true);
      break;
    default: // all of its places
      for (let i = 0; i < count; i++) {
        const place = HEADER_BYTES + ENTRY_BYTES * i + 4;
        view.setUint32(place, view.getUint32(place, true) + 8, true);
      }
  }
  view.setUint32(copy.length - 4, crc32(copy.subarray(0, copy.length - 4)), true);
  return copy;
}

function changed(random: Random, value: number): number {
  if (random.chance(0.3)) return Number(BigInt.asUintN(32, edge(random)));
  return Math.max(0, value + random.pick([-4096, -904, -8, -2, -1, 1, 2, 8, 904, 4096]));
}

/** Two records a batch, each a little younger than the one before. */
function segmentAt(baseOffset: number): Uint8Array {
  const record = (i: number) => ({
    key: `k${baseOffset + i}`,
    value: String(baseOffset + i).padEnd(400, "."),
    timestamp: TIME_MS + 100 * (baseOffset + i),
  });
  const batches = Array.from(
    { length: BATCHES },
    (_, i) => ({ records: [record(2 * i), record(2 * i + 1)], epoch: 1 }),
  );
  return encodeGoldenSegment({ name: "long", baseOffset, batches });
}

function indexOf(segment: Uint8Array, baseOffset: number): Uint8Array {
  const index = new SparseIndex(baseOffset);
  let position = SEGMENT_HEADER_BYTES;
  for (const batch of batchesOf(segment)) {
    index.add(batch.header, position);
    position += batch.bytes.length;
  }
  return index.encode({ salt: saltOf(segment)!, baseOffset, segmentBytes: segment.length });
}

function recordsOf(segment: Uint8Array): FlatRecord[] {
  return batchesOf(segment).flatMap((batch) => [...batch.records()].map(flatten));
}

function batchesOf(segment: Uint8Array): BatchView[] {
  const batches: BatchView[] = [];
  for (let at = SEGMENT_HEADER_BYTES; at < segment.length; at += batches.at(-1)!.bytes.length) {
    batches.push(decodeBatch(segment, at, saltOf(segment)!) as BatchView);
  }
  return batches;
}

const FILES = {
  [`${FOLDER}/${segmentFileName({ baseOffset: 0 })}`]: SEALED,
  [`${FOLDER}/${segmentFileName({ baseOffset: 2 * BATCHES })}`]: ACTIVE,
  [`${FOLDER}/${indexFileName({ baseOffset: 0 })}`]: indexOf(SEALED, 0),
  [`${FOLDER}/${indexFileName({ baseOffset: 2 * BATCHES })}`]: indexOf(ACTIVE, 2 * BATCHES),
  [`${FOLDER}/partition.json`]: encodeChecked("partition", {
    logId: "00112233445566778899aabbccddeeff",
    epoch: 1,
    logStartOffset: 0,
    sealed: [{
      baseOffset: 0,
      nextOffset: 2 * BATCHES,
      bytes: SEALED.length,
      maxTimestampMs: TIME_MS + 100 * 2 * BATCHES,
    }],
    activeBaseOffset: 2 * BATCHES,
    gaps: [],
    producers: [],
    clean: { nextOffset: RECORDS.length, bytes: ACTIVE.length },
  }),
};
