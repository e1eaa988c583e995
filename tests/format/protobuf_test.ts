import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { encodeUtf8, equalBytes } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import { BatchView, decodeBatch } from "../../core/format/batch.ts";
import type { ProducerStamp } from "../../core/format/producer_field.ts";
import { encodeBatch } from "../../core/format/batch_builder.ts";
import { encodeBatchHeader, WIRE_SALT } from "../../core/format/batch_header.ts";
import { type RecordInput, VALUE_TYPES } from "../../core/format/record.ts";
import { producers, recordLists } from "./arbitraries.ts";
import { expectedRecord, plainRecord } from "./expected_record.ts";
import {
  ProducerSchema,
  type RecordBatch,
  RecordBatchSchema,
  RecordSchema,
} from "../../server/grpc/generated/seglog/v1/record_pb.js";

const batches = fc.tuple(recordLists, fc.option(producers, { nil: undefined }));

test("our encoder writes the bytes that generated protobuf code writes", () => {
  fc.assert(fc.property(batches, ([records, producer]) => {
    const ours = payloadOf(records, producer);
    const theirs = toBinary(RecordBatchSchema, messageOf(records, producer));
    assert.ok(equalBytes(ours, theirs), `${hex(ours)}\n${hex(theirs)}`);
  }));
});

test("generated protobuf code reads what our encoder writes", () => {
  fc.assert(fc.property(batches, ([records, producer]) => {
    const message = fromBinary(RecordBatchSchema, payloadOf(records, producer));
    assert.deepEqual(message, messageOf(records, producer));
  }));
});

test("our decoder reads what generated protobuf code writes", () => {
  fc.assert(fc.property(batches, ([records, producer]) => {
    const payload = toBinary(RecordBatchSchema, messageOf(records, producer));
    const batch = batchAround(payload, records, producer !== undefined);
    assert.deepEqual(
      [...batch.records()].map(plainRecord),
      records.map((record, i) => expectedRecord(record, i)),
    );
    assert.deepEqual(batch.producer(), producer);
  }));
});

test("our decoder passes over fields of every wire type that it does not know", () => {
  const known = payloadOf([{ value: "known", timestamp: 0 }]);
  const unknown = Uint8Array.of(
    ...[0x78, 0x96, 0x01], // field 15, varint
    ...[0x79, 1, 2, 3, 4, 5, 6, 7, 8], // field 15, 64 bits
    ...[0x7a, 3, 0x61, 0x62, 0x63], // field 15, length-delimited
    ...[0x7d, 1, 2, 3, 4], // field 15, 32 bits
  );
  const record = Uint8Array.of(known[0]!, known[1]! + unknown.length, ...known.slice(2));
  const payload = Uint8Array.of(...unknown, ...record, ...unknown, ...unknown);
  const batch = batchAround(payload, [{ value: "known", timestamp: 0 }], false);
  assert.equal([...batch.records()][0]!.text, "known");
});

test("the generated code is that of record.proto", () => {
  const url = new URL("../../proto/seglog/v1/record.proto", import.meta.url);
  const proto = fs.readFileSync(url, "utf8");
  const fields: string[] = [];
  for (const [, name, body] of proto.matchAll(/^message (\w+) \{\n([^}]*)\}/gm)) {
    for (const [, field, number] of body!.matchAll(/^ {2}.*?(\w+) = (\d+);/gm)) {
      fields.push(`${name}.${field} = ${number}`);
    }
  }
  const generated = [RecordBatchSchema, RecordSchema, ProducerSchema].flatMap((message) =>
    message.fields.map((field) => `${message.name}.${field.name} = ${field.number}`)
  );
  assert.deepEqual(fields, generated);
  assert.equal(fields.length, 11);
});

function payloadOf(records: readonly RecordInput[], producer?: ProducerStamp): Uint8Array {
  const batch = decodeBatch(encodeBatch(records, { nowMs: 0, producer }), 0, WIRE_SALT);
  return (batch as BatchView).payload();
}

/** The message that generated code would be given for the same records. */
function messageOf(records: readonly RecordInput[], producer?: ProducerStamp): RecordBatch {
  const base = records[0]!.timestamp!;
  return create(RecordBatchSchema, {
    records: records.map(({ key, value, type, headers, timestamp }) => ({
      key: bytesOf(key),
      value: bytesOf(value),
      headers: { ...headers },
      timestampDeltaMs: BigInt(timestamp! - base),
      type: value === null ? 0 : VALUE_TYPES.indexOf(type ?? "text"),
    })),
    producer: producer === undefined ? undefined : {
      id: producer.id,
      epoch: BigInt(producer.epoch),
      sequence: BigInt(producer.sequence),
    },
  });
}

/** A batch with a payload from elsewhere. */
function batchAround(
  payload: Uint8Array,
  records: readonly RecordInput[],
  hasProducer: boolean,
): BatchView {
  const times = records.map((record) => record.timestamp!);
  const header = {
    payloadCrc: crc32(payload),
    payloadLength: payload.length,
    baseOffset: 0,
    recordCount: records.length,
    lastOffsetDelta: records.length - 1,
    baseTimestampMs: times[0]!,
    maxTimestampMs: Math.max(...times),
    durableUpTo: 0,
    epoch: 0,
    codec: "none",
    hasProducer,
    uncompressedLength: payload.length,
  } as const;
  const bytes = new Uint8Array(64 + payload.length);
  bytes.set(payload, 64);
  encodeBatchHeader(bytes, 0, header, WIRE_SALT);
  return new BatchView(header, bytes);
}

function bytesOf(content: string | Uint8Array | null | undefined): Uint8Array | undefined {
  if (content === null || content === undefined) return undefined;
  return typeof content === "string" ? encodeUtf8(content) : content;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
