/** What generated protobuf code makes of a payload: another reader, to compare ours with. */
import { Buffer } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import type { BatchHeader, LogRecord, ProducerStamp } from "../../mod.ts";
import { VALUE_TYPES } from "../../core/format/record.ts";
import { RecordBatchSchema } from "../../server/grpc/generated/seglog/v1/record_pb.js";

/** A record in a form that two readers can be compared by. */
export interface ComparableRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly timestamp: number;
  readonly type: string;
}

export function comparable(record: LogRecord): ComparableRecord {
  const { key, value, headers, timestamp, type } = record;
  return { key: hex(key), value: hex(value), headers: sorted(headers), timestamp, type };
}

/** The records and the producer of a payload. Throws where the payload is none. */
export function readByProtobuf(
  payload: Uint8Array,
  header: BatchHeader,
): { records: ComparableRecord[]; producer: ProducerStamp | undefined } {
  const { records, producer } = fromBinary(RecordBatchSchema, payload);
  return {
    records: records.map((record) => ({
      key: hex(record.key),
      value: hex(record.value),
      headers: sorted(record.headers),
      timestamp: Number(BigInt(header.baseTimestampMs) + record.timestampDeltaMs),
      type: record.value === undefined ? "bytes" : VALUE_TYPES[record.type] ?? "bytes",
    })),
    producer: producer && {
      id: producer.id,
      epoch: Number(producer.epoch),
      sequence: Number(producer.sequence),
    },
  };
}

function hex(bytes: Uint8Array | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString("hex");
}

function sorted(headers: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(headers).toSorted(([a], [b]) => a < b ? -1 : 1);
}
