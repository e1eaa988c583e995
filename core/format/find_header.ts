/**
 * Looks for a header in the records of a batch, without making any record.
 *
 * @module
 */
import { ByteReader, decodeUtf8 } from "../base/bytes.ts";
import type { BatchView } from "./batch.ts";
import { seekField, TAG_PRODUCER, TAG_RECORD } from "./batch_fields.ts";
import {
  RECORD_FIELDS,
  TAG_HEADER,
  TAG_KEY,
  TAG_OFFSET,
  TAG_TIMESTAMP,
  TAG_TYPE,
  TAG_VALUE,
} from "./record_fields.ts";
import { skipField } from "./wire_format.ts";

/**
 * Whether a record of the batch may have a header with this name: where none does, this says so
 * unless the name is part of another name, or of a header's text.
 *
 * @throws {SeglogError} `corrupt`, as {@linkcode BatchView.payload}
 * @throws {RangeError} when the payload is malformed
 */
export function mayHaveHeader(batch: BatchView, name: string): boolean {
  const reader = new ByteReader(batch.payload());
  const passed = batch.header.hasProducer ? TAG_PRODUCER : undefined;
  for (;;) {
    const length = seekField(reader, TAG_RECORD, passed);
    if (length === undefined) return false;
    const outerEnd = reader.narrow(length);
    while (!reader.done) {
      const tag = reader.tag();
      if (tag === TAG_HEADER) {
        const size = reader.varint();
        const start = reader.skip(size);
        if (decodeUtf8(reader.bytes.subarray(start, start + size)).includes(name)) return true;
      } else if (tag === TAG_KEY || tag === TAG_VALUE) reader.skip(reader.varint());
      else if (tag === TAG_TIMESTAMP || tag === TAG_OFFSET || tag === TAG_TYPE) reader.skipVarint();
      else skipField(reader, tag, RECORD_FIELDS);
    }
    reader.end = outerEnd;
  }
}
