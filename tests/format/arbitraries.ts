/**
 * Random records, for properties of the format.
 *
 * @module
 */
import fc from "fast-check";
import { utf8Length } from "../../core/base/bytes.ts";
import { HEADER_NAME_BYTES_MAX, TIMESTAMP_MS_MAX } from "../../core/base/limits.ts";
import type { Codec } from "../../core/format/compression.ts";
import type { ProducerStamp } from "../../core/format/producer_field.ts";
import type { RecordInput } from "../../core/format/record.ts";

/** Text without halves of surrogate pairs: what UTF-8 can say. NUL and emoji are among it. */
export const unicodeText = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());

const keys = fc.option(fc.oneof(unicodeText, fc.uint8Array()), { nil: null });
const headerName = unicodeText.filter((name) =>
  name !== "" && utf8Length(name) <= HEADER_NAME_BYTES_MAX
);
/** Times of all ages, most of them close to each other as in a real batch. */
const timestamps = fc.oneof(
  fc.integer({ min: 0, max: TIMESTAMP_MS_MAX }),
  fc.integer({ min: 1_790_000_000_000, max: 1_790_000_100_000 }),
  fc.constantFrom(0, TIMESTAMP_MS_MAX),
);

const values = fc.oneof(
  fc.record({ value: unicodeText, type: fc.constant("text" as const) }),
  fc.record({ value: fc.uint8Array(), type: fc.constant("bytes" as const) }),
  fc.record({
    value: fc.json(),
    type: fc.constant("json" as const),
  }),
  fc.constant({ value: null, type: "bytes" as const }),
);

/** A record that can be appended, with everything said that it could leave out but headers. */
export const records: fc.Arbitrary<RecordInput & { timestamp: number }> = fc
  .tuple(
    keys,
    values,
    fc.option(fc.dictionary(headerName, unicodeText, { maxKeys: 4 }), { nil: undefined }),
    timestamps,
  )
  .map(([key, value, headers, timestamp]) => ({ key, ...value, headers, timestamp }));

/** What one batch holds. */
export const recordLists = fc.array(records, { minLength: 1, maxLength: 12 });

export const producers: fc.Arbitrary<ProducerStamp> = fc.record({
  id: unicodeText.filter((id) => id !== "" && utf8Length(id) <= 200),
  epoch: fc.maxSafeNat(),
  sequence: fc.maxSafeNat(),
}, { noNullPrototype: true });

export const codecs = fc.constantFrom<Codec>("none", "gzip", "zstd");
