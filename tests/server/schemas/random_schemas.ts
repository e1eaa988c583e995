/** Schemas and documents at random, of few names and values, so that they meet. */
import * as fc from "fast-check";

type Json = Readonly<Record<string, unknown>>;

const names = ["a", "b", "ab", "c"];
const name = fc.constantFrom(...names);
const pattern = fc.constantFrom("^a", "b$", "^c$");
const small = fc.integer({ min: 0, max: 3 });
const number = fc.constantFrom(-2, -1, 0, 1, 2, 3, 4, 6, 0.5, 1.5);
const text = fc.constantFrom("", "a", "b", "ab", "abc", "2026-01-01");
const type = fc.constantFrom("null", "boolean", "object", "array", "string", "number", "integer");

/** Documents. */
export const documents: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.oneof(fc.constant(null), fc.boolean(), number, text),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(name, tie("value"), { maxKeys: 4 }),
  ),
})).value as fc.Arbitrary<unknown>;

/** Schemas of 2020-12; `$ref`s lead to the whole, or to `#/$defs/d`. */
export const schemas: fc.Arbitrary<Json> = fc.letrec((tie) => {
  const schema = tie("schema");
  const some = (arbitrary: fc.Arbitrary<unknown>) =>
    fc.array(arbitrary, { minLength: 1, maxLength: 3 });
  const keywords: Record<string, fc.Arbitrary<unknown>> = {
    type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 4 })),
    enum: some(fc.oneof(fc.constant(null), number, text, fc.boolean(), fc.constant({ a: 1 }))),
    const: fc.oneof(number, text, fc.constant([1])),
    minimum: number,
    maximum: number,
    exclusiveMinimum: number,
    exclusiveMaximum: number,
    multipleOf: fc.constantFrom(1, 2, 3, 4, 0.5),
    minLength: small,
    maxLength: small,
    pattern,
    format: fc.constantFrom("date", "email", "int32"),
    minItems: small,
    maxItems: small,
    uniqueItems: fc.boolean(),
    items: schema,
    prefixItems: some(schema),
    contains: schema,
    minContains: small,
    maxContains: small,
    required: fc.uniqueArray(name, { maxLength: 3 }),
    properties: fc.dictionary(name, schema, { maxKeys: 3 }),
    patternProperties: fc.dictionary(pattern, schema, { minKeys: 1, maxKeys: 2 }),
    additionalProperties: fc.oneof(fc.boolean(), schema),
    propertyNames: schema,
    minProperties: small,
    maxProperties: small,
    dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }),
    dependentSchemas: fc.dictionary(name, schema, { maxKeys: 2 }),
    unevaluatedProperties: fc.boolean(),
    unevaluatedItems: fc.boolean(),
    allOf: some(schema),
    anyOf: some(schema),
    oneOf: some(schema),
    not: schema,
    if: schema,
    then: schema,
    else: schema,
    $ref: fc.constantFrom("#", "#/$defs/d"),
  };
  const keyword = fc.constantFrom(...Object.keys(keywords));
  return {
    schema: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      fc.oneof(fc.boolean(), type.map((type) => ({ type }))),
      fc.uniqueArray(keyword, { maxLength: 4 }).chain((chosen) =>
        fc.record(Object.fromEntries(chosen.map((each) => [each, keywords[each]!])))
      ),
    ),
    whole: fc.tuple(tie("schema"), tie("schema")).map(([root, d]) => ({
      ...(typeof root === "boolean" ? { allOf: [root] } : root as Json),
      $defs: { d },
    })),
  };
}).whole as fc.Arbitrary<Json>;

/** A schema with one of its parts changed: most often close enough to be compared. */
export const changes: fc.Arbitrary<(schema: Json) => Json> = fc.tuple(
  fc.nat(),
  fc.integer({ min: 0, max: 4 }),
  schemas,
).map(([at, how, other]) => (schema) => {
  const copy = structuredClone(schema) as Record<string, unknown>;
  const places = objectsIn(copy);
  const place = places[at % places.length]!;
  const keys = Object.keys(place);
  const key = keys[at % Math.max(1, keys.length)];
  const { $defs: _, ...keywords } = other;
  if (how === 0 && key !== undefined && key !== "$defs" && key !== "d") delete place[key];
  else if (how === 1) Object.assign(place, keywords);
  else if (how === 2 && key !== undefined) place[key] = loosened(place[key]);
  else if (how === 3) return { anyOf: [copy, keywords], $defs: copy.$defs };
  return copy;
});

function loosened(value: unknown): unknown {
  if (typeof value === "number") return Math.max(0, value - 1);
  if (Array.isArray(value) && value.length > 1) return value.slice(1);
  return value;
}

function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inner : [value as Record<string, unknown>, ...inner];
}
