/** Schemas and documents at random, of few names and values, so that they meet. */
import * as fc from "fast-check";

type Json = Readonly<Record<string, unknown>>;
type Dialect = "2020-12" | "draft-07";

const name = fc.constantFrom("a", "b", "ab", "c");
const names = fc.uniqueArray(name, { maxLength: 3 });
const pattern = fc.constantFrom("^a", "b$", "^c$");
const small = fc.integer({ min: 0, max: 3 });
const number = fc.constantFrom(-2, -1, 0, 1, 2, 3, 4, 6, 0.5, 1.5);
const text = fc.constantFrom("", "a", "b", "ab", "abc", "2026-01-01");
const type = fc.constantFrom("null", "boolean", "object", "array", "string", "number", "integer");
const scalar = fc.oneof(fc.constant(null), fc.boolean(), number, text);

/** Documents. */
export const documents: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(name, tie("value"), { maxKeys: 4 }),
  ),
})).value as fc.Arbitrary<unknown>;

/** Schemas of both dialects; `$ref`s lead to the whole, or to `#/$defs/d`. */
export const schemas: fc.Arbitrary<Json> = fc.oneof(
  { arbitrary: schemasOf("2020-12"), weight: 3 },
  { arbitrary: schemasOf("draft-07"), weight: 1 },
);

/** A change of one part of a schema: what comes of it can most often be compared. */
export const changes: fc.Arbitrary<(schema: Json) => Json> = fc.tuple(
  fc.nat(),
  fc.integer({ min: 0, max: 3 }),
  schemas,
).map(([at, how, other]) => (schema) => {
  const { $schema, $defs, ...copy } = structuredClone(schema) as Record<string, unknown>;
  const places = objectsIn([copy, $defs]);
  const place = places[at % places.length]!;
  const keys = Object.keys(place);
  const key = keys[at % Math.max(1, keys.length)];
  const { $schema: _schema, $defs: _defs, ...keywords } = other;
  if (how === 0 && key !== undefined && place !== $defs) delete place[key];
  if (how === 1 && place !== $defs) Object.assign(place, keywords);
  if (how === 2 && key !== undefined) place[key] = loosened(place[key]);
  const changed = how === 3 ? { anyOf: [copy, keywords] } : copy;
  return { ...$schema === undefined ? {} : { $schema }, ...changed, $defs };
});

function schemasOf(dialect: Dialect): fc.Arbitrary<Json> {
  return fc.letrec((tie) => {
    const keywords = keywordsOf(tie("schema"), dialect);
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
        ...dialect === "draft-07" ? { $schema: "http://json-schema.org/draft-07/schema#" } : {},
        ...(typeof root === "boolean" ? { allOf: [root] } : root as Json),
        $defs: { d },
      })),
    };
  }).whole as fc.Arbitrary<Json>;
}

function keywordsOf(
  schema: fc.Arbitrary<unknown>,
  dialect: Dialect,
): Record<string, fc.Arbitrary<unknown>> {
  const some = <Value>(each: fc.Arbitrary<Value>) => fc.array(each, { minLength: 1, maxLength: 3 });
  const members = (value: fc.Arbitrary<unknown>) => fc.dictionary(name, value, { maxKeys: 3 });
  return {
    type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 4 })),
    enum: some(fc.oneof(scalar, fc.constant({ a: 1 }))),
    const: fc.oneof(scalar, fc.constant([1])),
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
    contains: schema,
    required: names,
    properties: members(schema),
    patternProperties: fc.dictionary(pattern, schema, { minKeys: 1, maxKeys: 2 }),
    additionalProperties: fc.oneof(fc.boolean(), schema),
    propertyNames: schema,
    minProperties: small,
    maxProperties: small,
    allOf: some(schema),
    anyOf: some(schema),
    oneOf: some(schema),
    not: schema,
    if: schema,
    then: schema,
    else: schema,
    $ref: fc.constantFrom("#", "#/$defs/d"),
    dependencies: members(fc.oneof(schema, names)),
    ...dialect === "draft-07"
      ? { items: fc.oneof(schema, some(schema)), additionalItems: schema }
      : {
        items: schema,
        prefixItems: some(schema),
        minContains: small,
        maxContains: small,
        dependentRequired: members(names),
        dependentSchemas: members(schema),
        unevaluatedProperties: fc.oneof(fc.boolean(), schema),
        unevaluatedItems: fc.boolean(),
      },
  };
}

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
