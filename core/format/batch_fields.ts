/**
 * The fields of the protobuf message `RecordBatch` in `record.proto`.
 *
 * @module
 */
import type { ByteReader } from "../base/bytes.ts";
import { skipField, WIRE } from "./wire_format.ts";

export const TAG_RECORD: number = (1 << 3) | WIRE.bytes;
export const TAG_PRODUCER: number = (2 << 3) | WIRE.bytes;
const BATCH_FIELDS = 2;

/**
 * Moves to the content of the next field with one tag, over those with another and unknown ones.
 *
 * @param passed the tag of the length-delimited fields that may be there as well
 * @returns bytes of the content, or `undefined` when there is no such field
 * @throws {RangeError} when the message is malformed
 */
export function seekField(
  reader: ByteReader,
  wanted: number,
  passed: number | undefined,
): number | undefined {
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === passed) {
      reader.skip(reader.varint());
    } else if (tag === wanted) {
      return reader.varint();
    } else skipField(reader, tag, BATCH_FIELDS);
  }
  return undefined;
}
