/**
 * The kinds of JSON values, as finely as schemas tell them apart.
 *
 * @module
 */
import type { SchemaNode } from "../schema_document.ts";

/**
 * A kind of value. `JSON.parse` makes `1e999` infinite, which no type of a schema includes, and no
 * keyword for numbers looks at.
 */
export type Kind =
  | "null"
  | "boolean"
  | "object"
  | "array"
  | "string"
  | "integer"
  | "fraction"
  | "infinite";

/** All of them. */
export const ALL_KINDS: ReadonlySet<Kind> = new Set<Kind>([
  ...["null", "boolean", "object", "array", "string", "integer", "fraction", "infinite"] as const,
]);

/** The kind of a value. */
export function kindOf(value: unknown): Kind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value !== "number") return typeof value as "boolean" | "object" | "string";
  if (!Number.isFinite(value)) return "infinite";
  return Number.isInteger(value) ? "integer" : "fraction";
}

/** The kinds that the keyword `type` of a schema allows. */
export function kindsOf({ schema }: SchemaNode): ReadonlySet<Kind> {
  if (typeof schema === "boolean") return schema ? ALL_KINDS : new Set();
  const { type } = schema;
  if (type === undefined) return ALL_KINDS;
  const types = (Array.isArray(type) ? type : [type]) as string[];
  return new Set(
    types.flatMap((name): Kind[] => name === "number" ? ["integer", "fraction"] : [name as Kind]),
  );
}

/** The kinds of both. */
export function common(a: ReadonlySet<Kind>, b: ReadonlySet<Kind>): ReadonlySet<Kind> {
  return a === ALL_KINDS ? b : b === ALL_KINDS ? a : new Set([...a].filter((kind) => b.has(kind)));
}

/** Kinds in words. */
export function kindWords(kinds: Iterable<Kind>): string {
  const words: readonly Kind[] = [...kinds];
  const isNumber = words.includes("integer") && words.includes("fraction");
  return words.filter((word) => !isNumber || word !== "fraction")
    .map((word) => word === "integer" ? (isNumber ? "a number" : "an integer") : WORDS[word])
    .join(" or ");
}

const WORDS: Readonly<Record<Kind, string>> = {
  null: "null",
  boolean: "true or false",
  object: "an object",
  array: "a list",
  string: "a text",
  integer: "an integer",
  fraction: "a number with a fraction",
  infinite: "a number that is too large",
};
