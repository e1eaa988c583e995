import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ByteReader, ByteWriter } from "../../core/base/bytes.ts";
import { RECORD_BYTES_MAX, RECORD_HEADERS_MAX, TIMESTAMP_MS_MAX } from "../../core/base/limits.ts";
import { decodeRecord, type RecordContext } from "../../core/format/decode_record.ts";
import { encodeRecord, timestampOf } from "../../core/format/encode_record.ts";
import { json, LogRecord, type RecordInput } from "../../core/format/record.ts";

const CONTEXT = { baseOffset: 40, baseTimestampMs: 1000, index: 2 };

test("a string is text, bytes are bytes, and null is a tombstone", () => {
  const text = roundTrip({ value: "ü" });
  assert.deepEqual([text.type, text.text, [...text.value!]], ["text", "ü", [0xc3, 0xbc]]);
  const bytes = roundTrip({ value: Uint8Array.of(0, 255) });
  assert.deepEqual([bytes.type, [...bytes.value!]], ["bytes", [0, 255]]);
  const tombstone = roundTrip({ key: "k", value: null });
  assert.deepEqual([tombstone.type, tombstone.value, tombstone.text], ["bytes", null, ""]);
  assert.equal(tombstone.json(), null);
});

test("a console shows all of a record, with text where it is text", () => {
  const record = roundTrip({ key: "u1", ...json({ qty: 2 }), headers: { trace: "a1" } });
  const shown = inspect(record);
  for (const part of ["offset: 42", "'u1'", "'json'", `'{"qty":2}'`, "'a1'"]) {
    assert.ok(shown.includes(part), `${part} in ${shown}`);
  }
  assert.ok(inspect(roundTrip({ value: Uint8Array.of(1, 2) })).includes("[ 1, 2 ]"));
});

test("an absent key and an empty key, a tombstone and an empty value, stay apart", () => {
  assert.equal(roundTrip({ value: "" }).key, null);
  assert.equal(roundTrip({ value: "" }).keyText, null);
  assert.equal(roundTrip({ key: "", value: "" }).keyText, "");
  assert.equal(roundTrip({ key: new Uint8Array(0), value: "" }).key!.length, 0);
  assert.equal(roundTrip({ value: "" }).value!.length, 0);
  assert.equal(roundTrip({ value: new Uint8Array(0) }).value!.length, 0);
});

test("json() keeps what JSON.stringify writes, and refuses what it cannot write", () => {
  const record = roundTrip({ ...json({ b: [1, "é"], a: null }) });
  assert.equal(record.text, '{"b":[1,"é"],"a":null}');
  assert.deepEqual(record.json(), { b: [1, "é"], a: null });
  assert.throws(() => json(undefined), { code: "invalid-record" });
  assert.throws(() => json(() => 1), { code: "invalid-record" });
});

test("a 64-bit integer in a JSON value keeps its digits", () => {
  const value = '{"id":9223372036854775807}';
  assert.equal(roundTrip({ value, type: "json" }).text, value);
});

test("headers come back under names that objects find special", () => {
  const headers = JSON.parse('{"__proto__":"p","constructor":"c","toString":""}');
  assert.deepEqual(
    Object.entries(roundTrip({ value: "", headers }).headers),
    Object.entries(headers),
  );
});

test("a record's bytes may be changed after it was encoded", () => {
  const value = Uint8Array.of(1, 2, 3);
  const writer = new ByteWriter();
  encodeRecord(writer, { value }, 0);
  value.fill(9);
  const record = decoded(writer.subarray(0, writer.length), 2);
  assert.deepEqual([...record.value!], [1, 2, 3]);
});

test("decoded keys and values are views of the block", () => {
  const writer = new ByteWriter();
  encodeRecord(writer, { key: "key", value: "value" }, 0);
  const block = writer.subarray(0, writer.length);
  const record = decoded(block, 2);
  assert.equal(record.key!.buffer, block.buffer);
  assert.equal(record.value!.buffer, block.buffer);
});

test("offsets come from the place in a dense batch, and from the record in a thinned one", () => {
  const writer = new ByteWriter();
  encodeRecord(writer, { value: "" }, -5, 7);
  const bytes = writer.subarray(0, writer.length);
  const dense = decoded(bytes, 2);
  assert.deepEqual([dense.offset, dense.timestamp], [42, 995]);
  const thinned = decoded(bytes, 2, { ...CONTEXT, index: -1 });
  assert.equal(thinned.offset, 47);
});

test("a record at the size limit is taken and one byte more is refused", () => {
  const overhead = 1 + 4; // tag and length of the value
  const largest = new Uint8Array(RECORD_BYTES_MAX - overhead);
  const writer = new ByteWriter();
  encodeRecord(writer, { value: largest }, 0);
  const before = writer.length;
  assert.throws(
    () => encodeRecord(writer, { value: new Uint8Array(largest.length + 1) }, 0),
    { code: "too-large", details: { bytes: RECORD_BYTES_MAX + 1, limit: RECORD_BYTES_MAX } },
  );
  assert.equal(writer.length, before);
});

test("what is not a record is refused in words, with nothing written", () => {
  const many = Object.fromEntries(
    Array.from({ length: RECORD_HEADERS_MAX + 1 }, (_, i) => [`h${i}`, ""]),
  );
  const refused: [unknown, RegExp][] = [
    [{ value: 7 }, /value is number/],
    [{ value: undefined }, /value is undefined/],
    [{ value: { a: 1 } }, /value is object/],
    [{ value: "", key: 7 }, /key is number/],
    [{ value: "", type: "xml" }, /type "xml"/],
    [{ value: Uint8Array.of(0xff), type: "text" }, /not UTF-8/],
    [{ value: Uint8Array.of(0xff), type: "json" }, /not UTF-8/],
    [{ value: "", headers: { "": "x" } }, /header ""/],
    [{ value: "", headers: { ["n".repeat(257)]: "x" } }, /1 to 256 bytes/],
    [{ value: "", headers: { n: 7 } }, /its value is text/],
    [{ value: "", headers: many }, /65 headers/],
  ];
  for (const [record, message] of refused) {
    const writer = new ByteWriter();
    assert.throws(
      () => encodeRecord(writer, record as RecordInput, 0),
      { code: "invalid-record", message },
    );
    assert.equal(writer.length, 0);
  }
});

test("a timestamp is whole milliseconds in range, or the time of the append", () => {
  assert.equal(timestampOf({ value: "" }, 77), 77);
  assert.equal(timestampOf({ value: "", timestamp: 0 }, 77), 0);
  assert.equal(timestampOf({ value: "", timestamp: TIMESTAMP_MS_MAX }, 77), TIMESTAMP_MS_MAX);
  for (const timestamp of [-1, 0.5, NaN, Infinity, TIMESTAMP_MS_MAX + 1]) {
    assert.throws(() => timestampOf({ value: "", timestamp }, 0), { code: "invalid-record" });
  }
});

test("a type has 32 bits, as enums of protobuf do, and means nothing without a value", () => {
  const typeOf = (...bytes: number[]) => decoded(Uint8Array.from(bytes)).type;
  assert.equal(typeOf(0x12, 0, 0x30, 0x82, 0x80, 0x80, 0x80, 0x10), "json"); // 2^32 + 2
  assert.equal(typeOf(0x30, 2), "bytes");
});

test("a type of a later version is shown as bytes", () => {
  const record = decoded(Uint8Array.of(0x12, 1, 0x61, 0x30, 9));
  assert.deepEqual([record.type, record.text], ["bytes", "a"]);
});

test("a malformed record is a RangeError, never a read past its end", () => {
  const malformed = [
    [0x0a, 5, 1],
    [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [0x1a, 2, 0x0a, 9],
    [0x20],
    [0x0b],
    [0x7a, 2, 0],
    [0x79, 1],
  ];
  for (const bytes of malformed) {
    const padded = Uint8Array.of(...bytes, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const reader = new ByteReader(padded);
    assert.throws(() => decodeRecord(reader, bytes.length, CONTEXT), RangeError);
  }
});

/** The record whose message is the bytes from `start` on. */
function decoded(bytes: Uint8Array, start = 0, context: RecordContext = CONTEXT): LogRecord {
  return decodeRecord(new ByteReader(bytes, start), bytes.length - start, context);
}

function roundTrip(input: RecordInput): LogRecord {
  const writer = new ByteWriter();
  encodeRecord(writer, input, 0);
  const bytes = writer.subarray(0, writer.length);
  assert.equal(bytes[1], bytes.length - 2);
  const record = decoded(bytes, 2);
  assert.ok(record instanceof LogRecord);
  return record;
}
