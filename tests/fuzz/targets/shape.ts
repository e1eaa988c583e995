/**
 * The JSON shape of a record: refused, or appended and shown as JSON that means the same.
 *
 * @module
 */
import assert from "node:assert/strict";
import { formatRecordShape, Log, type LogRecord, parseRecordShape } from "../../../mod.ts";
import { logRecord } from "../../support/log_record.ts";
import { decodeUtf8, encodeUtf8 } from "../../../core/base/bytes.ts";
import { parseRecordShapes } from "../../../core/format/record_shape.ts";
import type { Random } from "../../support/random.ts";
import { mutateBytes } from "../bytes.ts";
import { type Json, mutateJson } from "../json.ts";
import { comparable } from "../protobuf.ts";
import { type FuzzTarget, outcomeOf } from "../target.ts";

const SHAPES = [
  '{"topic":"orders","partition":0,"offset":41,"timestamp":"2026-11-20T12:00:00.000Z","key":"u1","type":"json","value":{"qty":2},"headers":{"trace":"a1"}}',
  '{"value":"text"}',
  '{"value":null,"key":"gone","timestamp":1795176000000}',
  '{"type":"bytes","value":"aGVsbG8=","keyBase64":"/wD+"}',
  '[{"value":9007199254740993},{"value":[1.0,1e400,{"b":1,"a":2}],"key":""}]',
];

export const shapeTarget: FuzzTarget = {
  name: "shape",
  seeds: SHAPES.map(encodeUtf8),
  mutate,
  check,
};

async function check(input: Uint8Array): Promise<string> {
  const text = decodeUtf8(input);
  const shaped = await outcomeOf(
    () => parseRecordShapes(text, 1000),
    ["invalid-argument", "invalid-record"],
  );
  if (shaped.error !== undefined || shaped.value.length === 0) return "refused";
  await using log = await Log.memory();
  const records = shaped.value.map(({ record }) => record);
  const appended = await outcomeOf(() => log.appendAll(records), ["invalid-record"]);
  if (appended.error !== undefined) return "not a record";
  for await (const record of log.records()) {
    const shown = formatRecordShape(record);
    assert.ok(!shown.includes("\n"), "one line");
    const again = parseRecordShape(shown).record;
    const offset = await log.append(again);
    assert.deepEqual(comparable(await log.read(offset)), comparable(onOneLine(record)));
    if (offset >= 2 * records.length - 1) break;
  }
  return "taken";
}

/** A JSON value is shown without line breaks between its tokens. */
function onOneLine(record: LogRecord): LogRecord {
  if (record.type !== "json") return record;
  return logRecord({
    ...record,
    key: record.key,
    value: encodeUtf8(record.text.replace(/[\r\n]/g, " ").trim()),
  });
}

function mutate(random: Random, input: Uint8Array): Uint8Array {
  if (random.chance(0.3)) return mutateBytes(random, input);
  try {
    const changed = mutateJson(random, JSON.parse(decodeUtf8(input)) as Json);
    return encodeUtf8(JSON.stringify(changed));
  } catch {
    return mutateBytes(random, input); // not JSON any more
  }
}
