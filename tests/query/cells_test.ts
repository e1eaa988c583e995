/** Values between SQL and JSON. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  cellJson,
  parametersJson,
  parseParameters,
  type SqlParameters,
} from "../../core/query/cells.ts";
import { throwsWith } from "./throws_with.ts";

test("values are written as JSON without losing a digit", () => {
  assert.equal(cellJson(9223372036854775807n), "9223372036854775807");
  assert.equal(cellJson(0.1), "0.1");
  assert.equal(cellJson(-Infinity), "-9e999");
  assert.equal(cellJson(null), "null");
  assert.equal(cellJson('a"b\n'), '"a\\"b\\n"');
  assert.equal(cellJson(Uint8Array.of(0, 255)), '{"base64":"AP8="}');
});

test("parameters come through as they are, whole numbers as integers of 64 bits", () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array({ maxLength: 20 }),
  );
  const same = (parameters: SqlParameters) => {
    const text = parametersJson(parameters);
    assert.equal(parametersJson(parseParameters(text)), text);
  };
  fc.assert(fc.property(fc.array(value, { maxLength: 5 }), same));
  fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), value), same));
  assert.deepEqual(parseParameters("[true,false,1.0,1e3]"), [1n, 0n, 1, 1000]);
});

test("what cannot be a parameter is refused by its place", () => {
  const refused: [string, RegExp][] = [
    ["1", /params must be an array/],
    ["null", /params must be an array/],
    ["[[1]]", /params\[0\] must be/],
    ['{"a":{"b":1}}', /params\.a must be/],
    ['{"a":{"base64":"!"}}', /params\.a is no base64/],
    ["[9223372036854775808]", /more than 64 bits/],
    [`[${"1,".repeat(1000)}1]`, /1001 parameters, and 1000 are the most/],
  ];
  for (const [text, why] of refused) {
    throwsWith("invalid-argument", why, () => parseParameters(text));
  }
});
