/**
 * Changes to an encoded batch whose checksums are put right afterwards, so that they reach what is
 * behind the checksums.
 *
 * @module
 */
import { ByteReader, concatBytes, dataViewOf } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import {
  alignBatch,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  decodeBatchHeader,
} from "../../core/format/batch_header.ts";
import { BatchView } from "../../core/format/batch.ts";
import { compress, decompress } from "../../core/format/compression.ts";
import { skipField } from "../../core/format/wire_format.ts";
import type { Random } from "../support/random.ts";
import { edge, mutateBytes } from "./bytes.ts";
import { mutateMessage } from "./message.ts";

/** Where the fields of a batch header lie: position and bytes. */
const FIELDS = {
  payloadCrc: [8, 4],
  payloadLength: [12, 4],
  baseOffset: [16, 8],
  recordCount: [24, 4],
  lastOffsetDelta: [28, 4],
  baseTimestampMs: [32, 8],
  maxTimestampMs: [40, 8],
  durableUpTo: [48, 4],
  epoch: [52, 4],
  attributes: [56, 2],
  reserved: [58, 2],
  uncompressedLength: [60, 4],
} as const;

/** A field of a batch header. */
export type HeaderField = keyof typeof FIELDS;

const RECORD_TAG = 0x0a;
const FIELD_NAMES = Object.keys(FIELDS) as HeaderField[];

/** A copy of the batch with one field of its header changed, and the checksum right. */
export function withField(
  batch: Uint8Array,
  change: { readonly field: HeaderField; readonly value: bigint },
  salt: number,
): Uint8Array {
  const copy = batch.slice();
  if (copy.length < BATCH_HEADER_BYTES) return copy;
  const view = dataViewOf(copy);
  const [at, bytes] = FIELDS[change.field];
  const value = BigInt.asUintN(8 * bytes, change.value);
  if (bytes === 8) view.setBigUint64(at, value, true);
  else if (bytes === 4) view.setUint32(at, Number(value), true);
  else view.setUint16(at, Number(value), true);
  return sealed(copy, salt);
}

/** The batch around another payload, with all that its header says of the payload right. */
export function withPayload(batch: Uint8Array, payload: Uint8Array, salt: number): Uint8Array {
  const { codec } = headerOf(batch, salt)!;
  const stored = compress(payload, codec) ?? payload;
  const copy = withStored(batch, stored, salt);
  dataViewOf(copy).setUint32(FIELDS.uncompressedLength[0], payload.length, true);
  if (stored === payload) copy[FIELDS.attributes[0]]! &= ~0b111;
  return sealed(copy, salt);
}

/** The batch around other stored bytes, which may be a compressed payload or not unpack at all. */
function withStored(batch: Uint8Array, stored: Uint8Array, salt: number): Uint8Array {
  const copy = new Uint8Array(alignBatch(BATCH_HEADER_BYTES + stored.length));
  copy.set(batch.subarray(0, BATCH_HEADER_BYTES));
  copy.set(stored, BATCH_HEADER_BYTES);
  const view = dataViewOf(copy);
  view.setUint32(FIELDS.payloadCrc[0], crc32(stored), true);
  view.setUint32(FIELDS.payloadLength[0], stored.length, true);
  return sealed(copy, salt);
}

/** A batch with something different in its header, its payload, or all over. */
export function mutateBatch(random: Random, batch: Uint8Array, salt: number): Uint8Array {
  const header = headerOf(batch, salt);
  if (header === undefined || random.chance(0.05)) return mutateBytes(random, batch);
  if (random.chance(0.3)) {
    const field = random.pick(FIELD_NAMES);
    return withField(batch, { field, value: near(random, header, field) }, salt);
  }
  if (header.codec !== "none" && random.chance(0.3)) {
    const stored = storedOf(header, batch);
    const other = random.chance(0.3) ? concatBytes([stored, stored]) : mutateBytes(random, stored);
    return withStored(batch, other, salt);
  }
  const payload = payloadOf(header, batch);
  if (payload === undefined) return mutateBytes(random, batch);
  let changed = payload;
  for (let times = 1 + random.below(3); times > 0; times--) {
    changed = mutateMessage(random, changed);
  }
  return counted(random, withPayload(batch, changed, salt), salt);
}

/** Mostly the number of records that there are, so that the batch is looked into. */
function counted(random: Random, batch: Uint8Array, salt: number): Uint8Array {
  if (random.chance(0.2)) return batch;
  const header = headerOf(batch, salt);
  const payload = header === undefined ? undefined : payloadOf(header, batch);
  if (payload === undefined) return batch;
  const count = countRecords(payload);
  const recounted = withField(batch, { field: "recordCount", value: BigInt(count) }, salt);
  const lastOffsetDelta = BigInt(count - 1 + (random.chance(0.1) ? random.below(4) : 0));
  const field = { field: "lastOffsetDelta" as const, value: lastOffsetDelta };
  return withNewest(withField(recounted, field, salt), salt);
}

/** The batch with the largest timestamp of its records in its header, when it has records. */
function withNewest(batch: Uint8Array, salt: number): Uint8Array {
  const header = headerOf(batch, salt);
  if (header === undefined) return batch;
  try {
    const times = [...new BatchView(header, batch).records()].map(({ timestamp }) => timestamp);
    const value = BigInt(Math.max(0, ...times));
    return withField(batch, { field: "maxTimestampMs", value }, salt);
  } catch {
    return batch;
  }
}

/** The elements of `records`, as far as the payload can be walked. */
function countRecords(payload: Uint8Array): number {
  const reader = new ByteReader(payload);
  let count = 0;
  try {
    while (!reader.done) {
      const tag = reader.tag();
      if (tag === RECORD_TAG) count++;
      skipField(reader, tag, 0);
    }
  } catch {
    // what comes next is malformed
  }
  return Math.max(1, count);
}

function near(random: Random, header: BatchHeader, field: HeaderField): bigint {
  const known = header[field as keyof BatchHeader];
  if (typeof known !== "number" || random.chance(0.5)) return edge(random);
  return BigInt(Math.max(0, known + random.pick([-64, -8, -2, -1, 1, 2, 8, 64])));
}

/** The header, when it can be believed. */
export function headerOf(batch: Uint8Array, salt: number): BatchHeader | undefined {
  const header = decodeBatchHeader(batch, 0, salt);
  return typeof header === "string" ? undefined : header;
}

function payloadOf(header: BatchHeader, batch: Uint8Array): Uint8Array | undefined {
  const { codec, uncompressedLength } = header;
  try {
    return new Uint8Array(decompress(storedOf(header, batch), codec, uncompressedLength));
  } catch {
    return undefined;
  }
}

function storedOf({ payloadLength }: BatchHeader, batch: Uint8Array): Uint8Array {
  return batch.subarray(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + payloadLength);
}

function sealed(batch: Uint8Array, salt: number): Uint8Array {
  const crc = crc32(batch.subarray(8, BATCH_HEADER_BYTES), salt);
  dataViewOf(batch).setUint32(4, crc, true);
  return batch;
}
