import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../../core/base/bytes.ts";
import type { SeglogError } from "../../core/base/errors.ts";
import type { LogRecord, RecordInput } from "../../core/format/record.ts";
import { logRecord } from "../support/log_record.ts";
import { parseRecordShape, parseRecordShapes } from "../../core/format/record_shape.ts";
import { formatRecordShape } from "../../core/format/write_shape.ts";
import { records } from "./arbitraries.ts";
import { expectedRecord } from "./expected_record.ts";

test("a record comes back from its shape", () => {
  fc.assert(fc.property(records, fc.maxSafeNat(), (input, offset) => {
    const line = formatRecordShape(recordOf(input, offset), { topic: "t", partition: 3 });
    const { record, partition } = parseRecordShape(line);
    assert.equal(partition, 3);
    assert.deepEqual(expectedRecord(record, offset), expectedRecord(input, offset));
  }));
});

test("the shape of a record is one line of JSON, with its members in their order", () => {
  const record = recordOf({
    key: "u1",
    value: '{"qty":2}',
    type: "json",
    headers: { trace: "a1" },
    timestamp: Date.UTC(2026, 10, 20, 12),
  }, 41);
  assert.equal(
    formatRecordShape(record, { topic: "orders", partition: 0 }),
    '{"topic":"orders","partition":0,"offset":41,"timestamp":"2026-11-20T12:00:00.000Z",' +
      '"key":"u1","type":"json","value":{"qty":2},"headers":{"trace":"a1"}}',
  );
  assert.ok(!formatRecordShape(record).includes("topic"));
});

test("a JSON value keeps its 64-bit integers, its key order and its spelling", () => {
  const value = '{"z":9223372036854775807, "a":1.10,"u":"\\u00e9"}';
  const line = `{"value":${value}}`;
  assert.equal(parseRecordShape(line).record.value, value);
  assert.ok(formatRecordShape(recordOf({ value, type: "json", timestamp: 0 }, 0)).includes(value));
});

test("line breaks inside a JSON value become spaces, so that a record stays one line", () => {
  const record = recordOf({ value: '{\n  "a": [\r\n1]\n}\n', type: "json", timestamp: 0 }, 0);
  const line = formatRecordShape(record);
  assert.ok(!/[\r\n]/.test(line));
  assert.deepEqual(JSON.parse(line).value, { a: [1] });
});

test("tombstone, empty text, empty bytes and JSON null stay apart", () => {
  const inputs: RecordInput[] = [
    { value: null },
    { value: "", type: "text" },
    { value: new Uint8Array(0), type: "bytes" },
    { value: "null", type: "json" },
    { value: '""', type: "json" },
  ];
  const lines = inputs.map((input) => formatRecordShape(recordOf({ ...input, timestamp: 0 }, 0)));
  assert.equal(new Set(lines).size, inputs.length);
  lines.forEach((line, i) => {
    const { record } = parseRecordShape(line);
    assert.deepEqual(
      expectedRecord(record, 0),
      expectedRecord({ ...inputs[i]!, timestamp: 0 }, 0),
    );
  });
});

test("a value that is not what its type says is shown as bytes", () => {
  const bytes = recordWith({ type: "text", value: Uint8Array.of(0xff) });
  assert.match(formatRecordShape(bytes), /"type":"bytes","value":"\/w=="/);
  const notJson = recordWith({ type: "json", value: encodeUtf8("{") });
  assert.match(formatRecordShape(notJson), /"type":"bytes","value":"ew=="/);
});

test("a key that is not UTF-8 is keyBase64", () => {
  const record = recordOf({ key: Uint8Array.of(0xff), value: "", timestamp: 0 }, 0);
  assert.match(formatRecordShape(record), /"keyBase64":"\/w=="/);
});

test("without a type a string is text, null a tombstone, and anything else JSON", () => {
  const typed = (text: string) => {
    const { value, type } = parseRecordShape(`{"value":${text}}`).record;
    return [value, type];
  };
  assert.deepEqual(typed('"a"'), ["a", "text"]);
  assert.deepEqual(typed("null"), [null, undefined]);
  assert.deepEqual(typed("12345678901234567890"), ["12345678901234567890", "json"]);
  assert.deepEqual(typed("[1, 2]"), ["[1, 2]", "json"]);
  assert.deepEqual(typed("false"), ["false", "json"]);
});

test("timestamps are ISO 8601 or milliseconds", () => {
  const time = (text: string) =>
    parseRecordShape(`{"value":1,"timestamp":${text}}`).record.timestamp;
  assert.equal(time('"2026-11-20T12:00:00Z"'), 1_795_176_000_000);
  assert.equal(time("5"), 5);
  assert.equal(time("null"), undefined);
});

test("one object is one record, an array is several", () => {
  assert.equal(parseRecordShapes('{"value":1}', 5).length, 1);
  const values = parseRecordShapes(' [ {"value":1} , {"value":"b"},{"value":null}] ', 3);
  assert.deepEqual(values.map(({ record }) => record.value), ["1", "b", null]);
  assert.deepEqual(parseRecordShapes("[]", 1), []);
});

test("what is not JSON is invalid-argument, what is not a record is invalid-record", () => {
  for (const text of ["", "{", '{"value":1}x', "{'value':1}", "NaN"]) {
    assert.throws(() => parseRecordShape(text), { code: "invalid-argument" }, text);
  }
  const refused: [string, RegExp][] = [
    ["7", /must be an object/],
    ["null", /must be an object/],
    ["[]", /must be an object/],
    ["{}", /"value" is missing/],
    ['{"value":1,"vaule":2}', /"vaule" is not a member/],
    ['{"value":1,"type":"xml"}', /type must be one of/],
    ['{"value":1,"type":"text"}', /must be a JSON string/],
    ['{"value":"%","type":"bytes"}', /value must be base64/],
    ['{"value":"YQ","type":"bytes"}', /value must be base64/],
    ['{"value":1,"type":"bytes"}', /value must be base64/],
    ['{"value":1,"key":7}', /key must be a string/],
    ['{"value":1,"key":"a","keyBase64":"YQ=="}', /not both/],
    ['{"value":1,"keyBase64":"?"}', /keyBase64 must be base64/],
    ['{"value":"\\ud800"}', /surrogate/],
    ['{"value":1,"key":"\\udc00"}', /surrogate/],
    ['{"value":1,"headers":[]}', /headers must be/],
    ['{"value":1,"headers":{"a":1}}', /headers must be/],
    ['{"value":1,"timestamp":"yesterday"}', /timestamp must be/],
    ['{"value":1,"timestamp":1.5}', /timestamp must be/],
    ['{"value":1,"partition":-1}', /partition must be/],
    ['{"value":1,"partition":"0"}', /partition must be/],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => parseRecordShape(text), { code: "invalid-record", message }, text);
  }
});

function recordOf(input: RecordInput, offset: number): LogRecord {
  const plain = expectedRecord(input, offset);
  return logRecord({
    offset,
    timestamp: plain.timestamp,
    type: plain.type as LogRecord["type"],
    key: plain.key === null ? null : Uint8Array.from(plain.key),
    value: plain.value === null ? null : Uint8Array.from(plain.value),
    headers: Object.fromEntries(plain.headers),
  });
}

function recordWith(fields: Pick<LogRecord, "type" | "value">): LogRecord {
  return logRecord({ offset: 0, timestamp: 0, key: null, headers: {}, ...fields });
}

test("an array that is none, or too long, is refused where it goes wrong", () => {
  const one = '{"value":1}';
  for (
    const text of ["[", `[${one}`, `[${one},`, `[${one},]`, `[${one} ${one}]`, `[${one}] x`, "[,]"]
      .concat(['["a', '[{"value":"a', `[${one}}]`, "[1 2]"])
  ) {
    assert.throws(() => parseRecordShapes(text, 10), (error: SeglogError) => {
      return error.code === "invalid-argument" || error.code === "invalid-record";
    }, text);
  }
  assert.throws(() => parseRecordShapes(`[${one},${one},${one}]`, 2), { code: "too-large" });
});

test("bytes of 16 MiB go through their shape", () => {
  const value = new Uint8Array(16 * 1024 * 1024 - 64).map((_, i) => i * 7);
  const shape = formatRecordShape(recordOf({ value, timestamp: 0 }, 0));
  const { record } = parseRecordShape(shape);
  assert.ok(Buffer.from(value).equals(record.value as Uint8Array));
});
