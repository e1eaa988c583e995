/**
 * What one delivery carries: records of one partition, as a JSON array of their shapes.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { ByteWriter, encodeUtf8 } from "../../core/base/bytes.ts";
import { recordsOf } from "../../core/format/records_of.ts";
import { ShapeWriter } from "../../core/format/write_shape.ts";
import { SUBSCRIBER_READ_AHEAD_BYTES, WEBHOOK_BODY_BYTES } from "../limits.ts";

/** Where records are from. */
export interface ParcelSource {
  readonly topic: string;
  readonly partition: number;
  /** Only records with this key. */
  readonly key: string | undefined;
}

/** Which records a parcel may carry. */
export interface ParcelRange {
  readonly from: number;
  readonly until: number;
  readonly recordsMax: number;
}

/** Records that are sent together. */
export interface Parcel {
  /** The offset of the first record. */
  readonly start: number;
  /** The offset to go on from. */
  readonly end: number;
  readonly records: number;
  readonly body: Uint8Array;
}

/** The first records of a range, as many as fit. There may be none with the key, or left by compaction. */
export async function readParcel(
  backend: Backend,
  source: ParcelSource,
  { from, until, recordsMax }: ParcelRange,
): Promise<Parcel> {
  const { topic, partition } = source;
  const key = source.key === undefined ? undefined : encodeUtf8(source.key);
  const body = new ByteWriter();
  const shapes = new ShapeWriter();
  let start = from;
  let records = 0;
  const finished = (end: number): Parcel => {
    body.text(records === 0 ? "[]" : "]");
    return { start, end, records, body: body.take() };
  };
  const batches = backend.batches(topic, {
    ...{ partition, from, until, key },
    readAheadBytes: SUBSCRIBER_READ_AHEAD_BYTES,
  });
  for await (const batch of batches) {
    for (const record of recordsOf(batch, { from, until, key })) {
      if (records === 0) start = record.offset;
      body.text(records === 0 ? "[" : ",");
      shapes.write(body, record, source);
      if (++records === recordsMax || body.length >= WEBHOOK_BODY_BYTES) {
        return finished(record.offset + 1);
      }
    }
  }
  return finished(until);
}

/** Resolves when there is a record at or behind an offset, or when `signal` is aborted. */
export async function recordsCome(
  backend: Backend,
  { topic, partition }: ParcelSource,
  { from, signal }: { readonly from: number; readonly signal: AbortSignal },
): Promise<void> {
  const batches = backend.batches(topic, { partition, from, follow: true, signal });
  for await (const _batch of batches) return;
}
