/**
 * The keywords of JSON Schema that are understood, by dialect, and where schemas are in them. A
 * schema with another keyword is refused: a misspelled one would let everything pass.
 *
 * @module
 */

/** The dialects of JSON Schema that are understood. */
export type Dialect = "2020-12" | "draft-07";

/** Where a keyword has schemas: in itself, in its elements, in its members, or nowhere. */
export type Holds =
  | "nothing"
  | "schema"
  | "schemas"
  | "named schemas"
  /** Members that are a schema or a list of names. */
  | "dependencies"
  /** One schema, or one for each place. */
  | "schema or schemas";

const BOTH: Readonly<Record<string, Holds>> = {
  ...all("nothing", [
    ...["$schema", "$id", "$ref", "$comment", "title", "description", "default", "deprecated"],
    ...["readOnly", "writeOnly", "examples", "type", "enum", "const", "multipleOf", "maximum"],
    ...["exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern"],
    ...["format", "contentEncoding", "contentMediaType", "minItems", "maxItems", "uniqueItems"],
    ...["required", "minProperties", "maxProperties"],
  ]),
  ...all("schema", ["contains", "additionalProperties", "propertyNames"]),
  ...all("schema", ["not", "if", "then", "else"]),
  ...all("schemas", ["allOf", "anyOf", "oneOf"]),
  ...all("named schemas", ["$defs", "definitions", "properties", "patternProperties"]),
  dependencies: "dependencies",
};

const KEYWORDS: Readonly<Record<Dialect, Readonly<Record<string, Holds>>>> = {
  "2020-12": {
    ...BOTH,
    ...all("nothing", [
      ...["$anchor", "minContains", "maxContains", "dependentRequired", "contentSchema"],
    ]),
    ...all("schema", ["items", "unevaluatedItems", "unevaluatedProperties"]),
    prefixItems: "schemas",
    dependentSchemas: "named schemas",
  },
  "draft-07": { ...BOTH, items: "schema or schemas", additionalItems: "schema" },
};

/** Keywords that say nothing of which documents are valid. */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  ...["$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "description"],
  ...["default", "deprecated", "readOnly", "writeOnly", "examples", "contentEncoding"],
  ...["contentMediaType", "contentSchema"],
]);

/** Keywords whose schemas are asked of the same value, not of a part of it. */
export const IN_PLACE: ReadonlySet<string> = new Set([
  ...["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"],
]);

/** Where a keyword has schemas; `undefined` for one that the dialect does not have. */
export function holdsOf(dialect: Dialect, keyword: string): Holds | undefined {
  const keywords = KEYWORDS[dialect];
  return Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined;
}

/** Every keyword of a dialect. */
export function keywordsOf(dialect: Dialect): string[] {
  return Object.keys(KEYWORDS[dialect]);
}

/** The dialect that a schema names; the newest unless it names one, `undefined` for others. */
export function dialectOf($schema: unknown): Dialect | undefined {
  if ($schema === undefined) return "2020-12";
  if (typeof $schema !== "string") return undefined;
  const url = $schema.replace(/^http:/, "https:").replace(/#$/, "");
  if (url === "https://json-schema.org/draft/2020-12/schema") return "2020-12";
  return url === "https://json-schema.org/draft-07/schema" ? "draft-07" : undefined;
}

function all(holds: Holds, keywords: readonly string[]): Record<string, Holds> {
  return Object.fromEntries(keywords.map((keyword) => [keyword, holds]));
}
