/**
 * What messages say, as the engine has it, and back: whole numbers of 64 bits, records, places.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AppendOptions, AppendResult, Bounds } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { checkedProducer } from "../../core/format/batch_builder.ts";
import {
  type LogRecord,
  type RecordInput,
  VALUE_TYPES,
  type ValueType,
} from "../../core/format/record.ts";
import { parseSyncMode, type SyncMode } from "../../core/format/sync_mode.ts";
import type {
  AppendedRangeSchema,
  LogRecordSchema,
  NewRecord,
  PartitionBoundsSchema,
} from "./generated/seglog/v1/log_record_pb.js";
import type { Producer } from "./generated/seglog/v1/record_pb.js";

/** A number that is exact in JavaScript. @throws {SeglogError} `invalid-argument` */
export function whole(value: bigint, member: string): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw invalidMember(member, `is ${value}, and ${Number.MAX_SAFE_INTEGER} is the largest`);
}

/** The same for a number that may be absent. */
export function maybeWhole(value: bigint | undefined, member: string): number | undefined {
  return value === undefined ? undefined : whole(value, member);
}

/** The error for a member of a message that cannot be. */
export function invalidMember(member: string, why: string): SeglogError {
  return new SeglogError("invalid-argument", `Cannot take the message: ${member} ${why}`, {
    details: { member },
  });
}

/** A name that must be there. @throws {SeglogError} `invalid-argument` */
export function named(name: string, member: string): string {
  if (name !== "") return name;
  throw invalidMember(member, "is missing");
}

/** How to append, from what requests have in common. @throws {SeglogError} `invalid-argument` */
export function appendOptionsOf(
  { partition, sync, producer }: {
    readonly partition?: number | undefined;
    readonly sync?: string;
    readonly producer?: Producer | undefined;
  },
): Pick<AppendOptions, "partition" | "sync" | "producer"> {
  return {
    ...partition === undefined ? {} : { partition },
    ...sync === undefined || sync === "" ? {} : { sync: syncOf(sync) },
    ...producer === undefined ? {} : {
      producer: checkedProducer({
        id: producer.id,
        epoch: whole(producer.epoch, "producer.epoch"),
        sequence: whole(producer.sequence, "producer.sequence"),
      }),
    },
  };
}

function syncOf(text: string): SyncMode {
  if (parseSyncMode(text) !== undefined) return text as SyncMode;
  throw invalidMember("sync", "must be always, os or an interval such as interval:200ms");
}

/** What a value is. @throws {SeglogError} `invalid-record` for what a later version may know */
export function valueTypeOf(type: number): ValueType {
  const name = VALUE_TYPES[type];
  if (name !== undefined) return name;
  throw new SeglogError(
    "invalid-record",
    `Cannot take a value of type ${type}: this version knows ${
      VALUE_TYPES.map((name, i) => `${name.toUpperCase()} (${i})`).join(", ")
    }`,
    { details: { type } },
  );
}

/** A record to append. @throws {SeglogError} `invalid-record` */
export function recordInputOf(record: NewRecord | undefined): RecordInput {
  if (record === undefined) throw invalidMember("record", "is missing");
  const { key, value, headers, timestampMs, type } = record;
  return {
    key: key ?? null,
    value: value ?? null,
    type: valueTypeOf(type),
    headers,
    ...timestampMs === undefined ? {} : { timestamp: Number(timestampMs) },
  };
}

/** Bytes of the key and the value of a record. */
export function sizeOf(record: NewRecord | undefined): number {
  return (record?.key?.length ?? 0) + (record?.value?.length ?? 0);
}

/** A record as it is sent. */
export function recordMessage(record: LogRecord): MessageInitShape<typeof LogRecordSchema> {
  const { key, value } = record;
  return {
    offset: BigInt(record.offset),
    ...key === null ? {} : { key: key as Uint8Array<ArrayBuffer> },
    ...value === null ? {} : { value: value as Uint8Array<ArrayBuffer> },
    headers: record.headers,
    timestampMs: BigInt(record.timestamp),
    type: VALUE_TYPES.indexOf(record.type),
  };
}

/** Where records went, as it is sent. */
export function appendedMessage(
  { topic, partition, start, end, durable }: AppendResult,
): MessageInitShape<typeof AppendedRangeSchema> {
  return { topic, partition, start: BigInt(start), end: BigInt(end), durable };
}

/** Where a partition starts and ends, as it is sent. */
export function boundsMessage(bounds: Bounds): MessageInitShape<typeof PartitionBoundsSchema> {
  return {
    logStartOffset: BigInt(bounds.logStartOffset),
    durableOffset: BigInt(bounds.durableOffset),
    nextOffset: BigInt(bounds.nextOffset),
  };
}
