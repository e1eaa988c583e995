import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arrayElements, sliceObject } from "../../core/format/json_slices.ts";

const space = fc.stringMatching(/^[ \t\n\r]{0,3}$/);

/** A JSON value as text, spelled in ways that `JSON.stringify` does not. */
const jsonText = fc.oneof(
  fc.json(),
  fc.tuple(fc.jsonValue(), fc.constantFrom(1, 2, "\t")).map(([value, indent]) =>
    JSON.stringify(value, null, indent)
  ),
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    ...["9223372036854775807", "-0", "1.10", "1E400", "1e-7", '"\\"]},\\\\"', '"\\u0022}"', "{}"],
    ...["[]", "[[[]]]", '{"a":{"b":[1,{"c":"]"}]}}', "true", "null", '""'],
  ),
);

test("every member of an object is found as its raw text", () => {
  const members = fc.dictionary(fc.string({ unit: "binary" }), fc.tuple(jsonText, space));
  fc.assert(fc.property(members, space, (wanted, gap) => {
    const entries = Object.entries(wanted);
    const parts = entries.map(([name, [text, after]]) =>
      `${after}${JSON.stringify(name)}${gap}:${after}${text}${after}`
    );
    const text = `${gap}{${parts.join(",") || gap}}${gap}`;
    JSON.parse(text);
    const expected = entries.map(([name, [raw]]) => [name, raw]);
    assert.deepEqual([...sliceObject(text)].toSorted(), expected.toSorted());
  }));
});

test("every element of an array is found as its raw text, in order", () => {
  fc.assert(fc.property(fc.array(fc.tuple(jsonText, space)), space, (wanted, gap) => {
    const text = `${gap}[${wanted.map(([raw, s]) => s + raw + s).join(",") || gap}]${gap}`;
    JSON.parse(text);
    assert.deepEqual([...arrayElements(text)], wanted.map(([raw]) => raw));
  }));
});

test("of two members with one name the last one counts, as for JSON.parse", () => {
  assert.deepEqual([...sliceObject('{"a":1,"b":2,"a":3}')], [["a", "3"], ["b", "2"]]);
});

test("escaped names are the same name", () => {
  assert.equal(sliceObject('{"v\\u0061lue":1.0}').get("value"), "1.0");
});
