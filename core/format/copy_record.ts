/**
 * Writes a stored `Record` message again for another place: in a batch that begins at another offset and
 * time. All else stays byte for byte, fields that this version does not know included.
 *
 * @module
 */
import { ByteReader, type ByteWriter, concatBytes, varintLength, zigzag } from "../base/bytes.ts";
import { TAG_RECORD } from "./batch_fields.ts";
import { TAG_OFFSET, TAG_TIMESTAMP } from "./record_fields.ts";
import { WIRE } from "./wire_format.ts";

/** Where a record is in its batch. */
export interface RecordDeltas {
  /** Milliseconds from the base timestamp of the batch, of either sign. */
  readonly timestamp: number;
  /** From the base offset of the batch. */
  readonly offset: number;
}

/**
 * Appends a message as element `records` of a `RecordBatch`, with these deltas instead of its own.
 *
 * @param message one that was decoded, and so is well formed
 */
export function copyRecord(writer: ByteWriter, message: Uint8Array, deltas: RecordDeltas): void {
  const kept = fieldsOf(message);
  const stamp = zigzag(deltas.timestamp);
  let length = kept.reduce((sum, { length }) => sum + length, 0);
  if (stamp !== 0) length += 1 + varintLength(stamp);
  if (deltas.offset !== 0) length += 1 + varintLength(deltas.offset);
  writer.field(TAG_RECORD, length);
  const [before, behind] = kept;
  writer.bytes(before!);
  if (stamp !== 0) writer.field(TAG_TIMESTAMP, stamp);
  if (deltas.offset !== 0) writer.field(TAG_OFFSET, deltas.offset);
  writer.bytes(behind!);
}

/** What stays of a message: its fields before those that change, and those behind. */
function fieldsOf(message: Uint8Array): [before: Uint8Array, behind: Uint8Array] {
  const reader = new ByteReader(message);
  const behind: Uint8Array[] = [];
  let split = message.length;
  while (!reader.done) {
    const start = reader.position;
    const tag = reader.tag();
    skipContent(reader, tag);
    if (tag >= TAG_TIMESTAMP) split = Math.min(split, start);
    const isKept = start >= split && tag !== TAG_TIMESTAMP && tag !== TAG_OFFSET;
    if (isKept) behind.push(message.subarray(start, reader.position));
  }
  return [message.subarray(0, split), behind.length === 1 ? behind[0]! : concatBytes(behind)];
}

function skipContent(reader: ByteReader, tag: number): void {
  const wire = tag % 8;
  if (wire === WIRE.varint) reader.skipVarint();
  else if (wire === WIRE.bytes) reader.skip(reader.varint());
  else reader.skip(wire === WIRE.fixed64 ? 8 : 4);
}
