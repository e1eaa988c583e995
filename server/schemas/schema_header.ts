/**
 * The header that tells with which version of a schema a record was written. It is the server's word:
 * what a client says in it is not kept.
 *
 * @module
 */
import { type BatchView, decodeBatch } from "../../core/format/batch.ts";
import { encodeBatch } from "../../core/format/batch_builder.ts";
import { WIRE_SALT } from "../../core/format/batch_header.ts";
import { checkBatch, trustBatch } from "../../core/format/check_batch.ts";
import { mayHaveHeader } from "../../core/format/find_header.ts";
import type { RecordInput } from "../../core/format/record.ts";

/** Its name; its text is the number of the version. */
export const SCHEMA_HEADER = "seglog-schema";

/** The records without it: the same list where none has it. */
export function withoutSchemaHeader(records: readonly RecordInput[]): readonly RecordInput[] {
  return records.some(hasSchemaHeader) ? records.map(stripped) : records;
}

/** The batch without it: the same one where no record has it. @throws {SeglogError} `invalid-record` */
export function batchWithoutSchemaHeader(batch: BatchView): BatchView {
  if (!mayClaim(batch)) return batch;
  return changedBatch(batch, withoutSchemaHeader);
}

/**
 * A batch of other records, in all else the same: who produced it, so that a retry is known, and how
 * it is compressed.
 *
 * @throws {SeglogError} `invalid-record` for a batch that is malformed; what `change` throws
 */
export function changedBatch(
  batch: BatchView,
  change: (records: readonly RecordInput[]) => readonly RecordInput[],
): BatchView {
  checkBatch(batch);
  const records = Array.from(batch.records(), ({ key, value, type, headers, timestamp }) => ({
    ...{ key, value, headers, timestamp },
    ...value === null ? {} : { type },
  }));
  const changed = change(records);
  if (changed === records) return batch;
  const { codec } = batch.header;
  const producer = batch.producer();
  const bytes = encodeBatch(changed, {
    ...{ nowMs: 0, codec },
    ...producer === undefined ? {} : { producer },
  });
  const encoded = decodeBatch(bytes, 0, WIRE_SALT);
  if (typeof encoded === "string") throw new TypeError(`a batch was encoded badly: ${encoded}`);
  trustBatch(encoded);
  return encoded;
}

/** What is malformed claims nothing: whoever appends it will be told. */
function mayClaim(batch: BatchView): boolean {
  try {
    return mayHaveHeader(batch, SCHEMA_HEADER);
  } catch {
    return false;
  }
}

function hasSchemaHeader({ headers }: RecordInput): boolean {
  return headers !== undefined && Object.hasOwn(headers, SCHEMA_HEADER);
}

function stripped(record: RecordInput): RecordInput {
  if (!hasSchemaHeader(record)) return record;
  const { [SCHEMA_HEADER]: _, ...headers } = record.headers!;
  return { ...record, headers };
}
