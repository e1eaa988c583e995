import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8, isValidUtf8 } from "../../core/base/bytes.ts";
import { isPlainJson } from "../../core/format/json_scanner.ts";
import { parsePlainShape, parsePlainShapes } from "../../core/format/plain_shape.ts";
import {
  parseRecordShape,
  parseRecordShapes,
  type ShapedRecord,
} from "../../core/format/record_shape.ts";
import type { RecordInput } from "../../core/format/record.ts";
import { mutateBytes } from "../fuzz/bytes.ts";
import { Random } from "../support/random.ts";

const PLAIN = [
  '{"value":"text"}',
  ' { "value" : { "a" : [ 1 , -2.5e+3 , true , null ] } } ',
  '{"key":"u1","type":"json","value":{"qty":2},"headers":{"trace":"a1"}}',
  '{"topic":"orders","partition":3,"offset":41,"timestamp":"2026-11-20T12:00:00.000Z","value":"x"}',
  '{"value":null,"key":null}',
  '{"key":"schlüssel","type":"text","value":"grüße, 世界 🌍"}',
  '{"type":"json","value":"a json string"}',
  '{"timestamp":1700000000000,"value":12345678901234567890}',
  '{"value":1,"value":2}',
  '{"value":""}',
  '{"value":[]}',
];
const OTHERS = [
  '{"value":"with \\"escapes\\" and \\u00e9"}',
  '{"keyBase64":"AAE=","value":"x"}',
  '{"type":"bytes","value":"AAE="}',
  '{"type":"text","value":5}',
  '{"value":"a\tb"}',
  '{"value":01}',
  '{"value":tru}',
  '{"value":1}}',
  '{"value":1,}',
  '{"nothing":1}',
  '{"key":5,"value":1}',
  "[]",
  '"text"',
  "",
  `{"value":${"[".repeat(500)}${"]".repeat(500)}}`,
];

/** What one of the two parsers says, so that it can be compared. */
function told(parse: () => ShapedRecord): unknown {
  try {
    const { record, partition } = parse();
    return { ...plain(record), partition };
  } catch (error) {
    return `${(error as Error).message}`;
  }
}

function plain({ key, value, type, headers, timestamp }: RecordInput) {
  const bytes = (content: RecordInput["value"] | undefined) =>
    typeof content === "string" ? encodeUtf8(content) : content;
  const isText = typeof value === "string";
  const named = type ?? (value === null ? undefined : isText ? "text" : "bytes");
  return { key: bytes(key ?? null), value: bytes(value), type: named, headers, timestamp };
}

test("plain records are taken as the bytes that they are", () => {
  for (const text of PLAIN) {
    const line = encodeUtf8(text);
    const taken = parsePlainShape(line);
    assert.ok(taken !== undefined, text);
    assert.deepEqual(told(() => taken), told(() => parseRecordShape(text)), text);
    const { value } = taken.record;
    if (value !== null && value.length > 0) {
      assert.equal((value as Uint8Array).buffer, line.buffer, "a view of the line");
    }
  }
});

test("what is not plain is left to the parser that has the words for it", () => {
  for (const text of OTHERS) assert.equal(parsePlainShape(encodeUtf8(text)), undefined, text);
});

test("whatever is taken as plain, the other parser takes for the same", () => {
  const random = new Random(20261125);
  const seeds = [...PLAIN, ...OTHERS].map(encodeUtf8);
  let taken = 0;
  for (let i = 0; i < 30_000; i++) {
    let line = seeds[i % seeds.length]!;
    for (let n = i % 4; n > 0; n--) line = mutateBytes(random, line);
    const text = decodeUtf8(line);
    let shaped: unknown;
    try {
      const found = parsePlainShape(line);
      if (found === undefined) continue;
      shaped = told(() => found);
    } catch (error) {
      shaped = (error as Error).message;
    }
    taken++;
    assert.ok(isValidUtf8(line), text);
    assert.deepEqual(shaped, told(() => parseRecordShape(text)), text);
  }
  assert.ok(taken > 3000, `${taken} of 30,000 were plain`);
});

test("an array of plain records is taken whole, and up to its limit", () => {
  const text = `[${PLAIN.join(" ,\n")}]`;
  const taken = parsePlainShapes(encodeUtf8(text), PLAIN.length)!;
  const expected = parseRecordShapes(text, PLAIN.length);
  assert.deepEqual(
    taken.map((each) => told(() => each)),
    expected.map((each) => told(() => each)),
  );
  assert.equal(parsePlainShapes(encodeUtf8(text), PLAIN.length - 1), undefined);
  assert.equal(parsePlainShapes(encodeUtf8(`[${PLAIN[0]},]`), 9), undefined);
  assert.equal(parsePlainShapes(encodeUtf8(`[${PLAIN[0]}] x`), 9), undefined);
});

test("what is plain JSON is JSON", () => {
  const random = new Random(4711);
  const seeds = PLAIN.map(encodeUtf8);
  let count = 0;
  for (let i = 0; i < 30_000; i++) {
    let bytes = seeds[i % seeds.length]!;
    for (let n = i % 5; n > 0; n--) bytes = mutateBytes(random, bytes);
    if (!isPlainJson(bytes)) continue;
    count++;
    assert.ok(isValidUtf8(bytes));
    JSON.parse(decodeUtf8(bytes));
  }
  assert.ok(count > 5000, `${count} of 30,000`);
});
