import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findGap } from "../../../server/schemas/compare/comparison.ts";
import type { Compatibility } from "../../../server/schemas/compatibility.ts";
import { findIncompatibility } from "../../../server/schemas/find_incompatibility.ts";
import { SchemaDocument } from "../../../server/schemas/schema_document.ts";

type Json = unknown;
const documentOf = (schema: Json) => new SchemaDocument(schema);
const gapOf = (from: Json, to: Json) => findGap(documentOf(from), documentOf(to));

const closed = { type: "object", additionalProperties: false };
const a = { type: "object", properties: { a: { type: "string" } } };

/** Changes that are made often: what they are, before, after, and whether each accepts the other. */
const CHANGES: [what: string, before: Json, after: Json, backward: boolean, forward: boolean][] = [
  ["nothing", a, a, true, true],
  ["a description", a, { ...a, description: "x" }, true, true],
  ["anything allowed", a, true, true, false],
  ["nothing allowed", a, false, false, true],
  ["an integer becomes a number", { type: "integer" }, { type: "number" }, true, false],
  ["a type more", { type: "string" }, { type: ["string", "null"] }, true, false],
  ["a required property more", a, { ...a, required: ["a"] }, false, true],
  [
    "an optional property more, in an open object",
    a,
    { ...a, properties: { ...a.properties, b: { type: "integer" } } },
    false,
    true,
  ],
  [
    "an optional property more, in a closed object",
    { ...closed, properties: { a: {} } },
    { ...closed, properties: { a: {}, b: { type: "integer" } } },
    true,
    false,
  ],
  [
    "an optional property of any value more, in an open object",
    a,
    { ...a, properties: { ...a.properties, b: true } },
    true,
    true,
  ],
  ["an object is closed", a, { ...a, additionalProperties: false }, false, true],
  [
    "others of a type become of any",
    { additionalProperties: { type: "string" } },
    { additionalProperties: true },
    true,
    false,
  ],
  [
    "a name takes the type of the others",
    { type: "object", additionalProperties: { type: "string" } },
    { type: "object", properties: { a: { type: "string" } } },
    true,
    false,
  ],
  ["an enum grows", { enum: ["a", "b"] }, { enum: ["a", "b", "c"] }, true, false],
  ["an enum becomes a type", { enum: ["a", "b"] }, { type: "string" }, true, false],
  ["a const among others", { const: 1 }, { enum: [1, 2] }, true, false],
  ["true or false becomes a type", { enum: [true, false] }, { type: "boolean" }, true, true],
  ["a range grows", { minimum: 1, maximum: 5 }, { minimum: 0, maximum: 5 }, true, false],
  [
    "an exclusive end of integers",
    { type: "integer", exclusiveMinimum: 0 },
    { type: "integer", minimum: 1 },
    true,
    true,
  ],
  ["an exclusive end of numbers", { exclusiveMinimum: 0 }, { minimum: 0 }, true, false],
  [
    "multiples of a divisor",
    { type: "integer", multipleOf: 4, minimum: 0, maximum: 100 },
    { type: "integer", multipleOf: 2, minimum: 0, maximum: 100 },
    true,
    false,
  ],
  ["a text may be longer", { type: "string", maxLength: 5 }, { maxLength: 9 }, true, false],
  ["a pattern is gone", { type: "string", pattern: "^a" }, { type: "string" }, true, false],
  ["a format is gone", { type: "string", format: "date" }, { type: "string" }, true, false],
  [
    "items of more types",
    { type: "array", items: { type: "integer" } },
    { type: "array", items: { type: ["integer", "string"] } },
    true,
    false,
  ],
  [
    "a place more, in a list that ends",
    { prefixItems: [{ type: "string" }], items: false },
    { prefixItems: [{ type: "string" }, { type: "integer" }], items: false },
    true,
    false,
  ],
  ["more items", { type: "array", maxItems: 2 }, { type: "array", maxItems: 3 }, true, false],
  ["equal items", { uniqueItems: true }, {}, true, false],
  [
    "fewer that must be in it",
    { contains: { const: 1 }, minContains: 2 },
    { contains: { type: "integer" } },
    true,
    false,
  ],
  [
    "an alternative more",
    { anyOf: [{ type: "string" }, { type: "null" }] },
    { anyOf: [{ type: "string" }, { type: "null" }, { type: "integer" }] },
    true,
    false,
  ],
  [
    "types as alternatives",
    { type: ["string", "null"] },
    {
      anyOf: [{ type: "null" }, { type: "string" }],
    },
    true,
    true,
  ],
  [
    "a variant more, by its tag",
    { oneOf: [{ ...a, properties: { t: { const: "x" } }, required: ["t"] }] },
    {
      oneOf: [
        { ...a, properties: { t: { const: "x" } }, required: ["t"] },
        { ...a, properties: { t: { const: "y" } }, required: ["t"] },
      ],
    },
    true,
    false,
  ],
  [
    "parts that belong together",
    { allOf: [a, { required: ["a"] }] },
    {
      ...a,
      required: ["a"],
    },
    true,
    true,
  ],
  [
    "less is refused",
    { not: { type: ["string", "null"] } },
    { not: { type: "null" } },
    true,
    false,
  ],
  [
    "a name for a part",
    { properties: { a: { type: "string" } } },
    { properties: { a: { $ref: "#/$defs/s" } }, $defs: { s: { type: "string" } } },
    true,
    true,
  ],
  [
    "a tree grows a member",
    { ...closed, properties: { kids: { type: "array", items: { $ref: "#" } } } },
    {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          ...closed,
          properties: { kids: { type: "array", items: { $ref: "#/$defs/node" } }, name: {} },
        },
      },
    },
    true,
    false,
  ],
  [
    "a dependency less",
    { dependentRequired: { a: ["b", "c"] } },
    {
      dependentRequired: { a: ["b"] },
    },
    true,
    false,
  ],
  [
    "what is required anyway",
    { type: "object", required: ["a", "b"] },
    { type: "object", required: ["a"], dependentRequired: { a: ["b"] }, minProperties: 2 },
    true,
    false,
  ],
  [
    "names of a pattern",
    {
      type: "object",
      patternProperties: { "^x": { type: "integer" } },
      additionalProperties: false,
    },
    {
      type: "object",
      patternProperties: { "^x": { type: "number" } },
      additionalProperties: false,
    },
    true,
    false,
  ],
  [
    "a name that a pattern covers",
    { type: "object", patternProperties: { "^x": { type: "integer" } } },
    { type: "object", properties: { x1: { type: "integer" } } },
    true,
    false,
  ],
  [
    "a condition is gone",
    { if: { required: ["a"] }, then: { required: ["b"] } },
    {},
    true,
    false,
  ],
  [
    "a condition of which one part is looser",
    {
      type: "object",
      if: { required: ["a"] },
      then: { required: ["b", "c"] },
      else: { required: ["d"] },
    },
    {
      type: "object",
      if: { required: ["a"] },
      then: { required: ["b"] },
      else: { required: ["d"] },
    },
    true,
    false,
  ],
  [
    "a property more, in an object that is closed around its parts",
    { allOf: [a], properties: { b: {} }, unevaluatedProperties: false },
    { allOf: [a], properties: { b: {}, c: {} }, unevaluatedProperties: false },
    true,
    false,
  ],
  [
    "a part that cannot be compared, and stays as it is",
    { properties: { a: { $ref: "#/$defs/x" } }, $defs: { x: { unevaluatedItems: false } } },
    {
      properties: { a: { $ref: "#/$defs/x" } },
      $defs: { x: { unevaluatedItems: false } },
      minProperties: 0,
    },
    true,
    true,
  ],
  [
    "the dialect",
    { $schema: "http://json-schema.org/draft-07/schema#", items: [{ type: "string" }] },
    { prefixItems: [{ type: "string" }] },
    true,
    true,
  ],
];

describe("changes that are made often", () => {
  for (const [what, before, after, backward, forward] of CHANGES) {
    test(what, () => {
      const [back, forth] = [gapOf(before, after), gapOf(after, before)];
      assert.equal(back === undefined, backward, `backward: ${JSON.stringify(back)}`);
      assert.equal(forth === undefined, forward, `forward: ${JSON.stringify(forth)}`);
    });
  }
});

test("a reason says where, what is taken, and what there may be", () => {
  const cases: [before: Json, after: Json, path: string, reason: RegExp][] = [
    [a, { ...a, required: ["a"] }, "/required", /"a" is required, and documents may lack it/],
    [{}, { type: "integer" }, "/type", /it takes an integer, and documents may have null or /],
    [
      { type: "number" },
      { type: "integer" },
      "/type",
      /documents may have a number with a fraction/,
    ],
    [{ maxLength: 9, type: "string" }, { maxLength: 5 }, "/maxLength", /at most 5 .* may have 9/],
    [a, closed, "/additionalProperties", /it refuses "a", which documents may have/],
    [{ type: "object" }, closed, "/additionalProperties", /refuses other properties/],
    [{ enum: [1, "x"] }, { enum: [1] }, "", /it refuses "x", which documents may have/],
    [
      { type: "object", properties: { a: { items: { type: "string" }, type: "array" } } },
      { type: "object", properties: { a: { items: { type: "null" } } } },
      "/properties/a/items/type",
      /it takes null, and documents may have a text/,
    ],
    [{}, { unevaluatedProperties: false }, "/unevaluatedProperties", /refuses other properties/],
    [{}, { unevaluatedItems: false }, "/unevaluatedItems", /cannot be compared/],
    [
      a,
      { anyOf: [a], unevaluatedProperties: false },
      "/unevaluatedProperties",
      /cannot be compared beside alternatives/,
    ],
  ];
  for (const [before, after, path, reason] of cases) {
    const gap = gapOf(before, after);
    assert.equal(gap?.path, path, JSON.stringify(gap));
    assert.match(gap!.reason, reason);
  }
});

test("each mode asks in its direction, of the latest version or of all", () => {
  const schemas = [{ type: "number" }, { type: "integer" }, { type: ["integer", "null"] }];
  const [first, second, third] = schemas.map((schema, index) => ({
    version: index + 1,
    document: () => documentOf(schema),
  }));
  const failing = (schema: Json, earlier: (typeof first)[], compatibility: Compatibility) => {
    const found = findIncompatibility(
      documentOf(schema),
      earlier.map((each) => each!),
      compatibility,
    );
    return found === undefined ? undefined : `${found.direction} ${found.version}`;
  };
  const integer = { type: "integer" };
  assert.equal(failing(integer, [first], "none"), undefined);
  assert.equal(failing(integer, [first], "backward"), "backward 1");
  assert.equal(failing(integer, [first], "forward"), undefined);
  assert.equal(failing(integer, [first], "full"), "backward 1");
  assert.equal(failing({ type: "number" }, [second], "forward"), "forward 2");
  assert.equal(failing({ type: "number" }, [second], "full"), "forward 2");
  assert.equal(failing(schemas[2], [first, second], "backward"), undefined);
  assert.equal(failing(schemas[2], [first, second], "backward-transitive"), "backward 1");
  assert.equal(failing(integer, [first, second, third], "forward-transitive"), undefined);
  assert.equal(failing({ type: "null" }, [second, third], "forward"), undefined);
  assert.equal(failing({ type: "null" }, [second, third], "forward-transitive"), "forward 2");
});

test("schemas that would take for ever to compare are told apart as too intricate, in time", () => {
  const nested = (depth: number, leaf: Json): Json =>
    depth === 0
      ? leaf
      : { anyOf: [0, 1, 2].map((i) => ({ properties: { [`p${i}`]: nested(depth - 1, leaf) } })) };
  const startMs = performance.now();
  const gap = gapOf(nested(5, { type: "integer" }), nested(5, { type: "number", minimum: 0 }));
  assert.ok(gap !== undefined);
  assert.ok(performance.now() - startMs < 20_000);
});
