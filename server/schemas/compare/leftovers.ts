/**
 * What a schema says of the members that it does not name itself: `additionalProperties` of those
 * that stand beside it, `unevaluatedProperties` also of those that its parts name.
 *
 * @module
 */
import type { SchemaNode } from "../schema_document.ts";
import { Facts, type ObjectNode, under } from "./facts.ts";

/** Members that are left over, and what they have to be. */
export interface Leftovers {
  readonly keyword: "additionalProperties" | "unevaluatedProperties";
  /** Members that are not left over, */
  readonly names: ReadonlySet<string>;
  /** nor are those with these patterns. */
  readonly patterns: readonly string[];
  readonly schema: SchemaNode;
}

/** Keywords whose schemas look at members only of some documents. */
const DEPENDING = ["anyOf", "oneOf", "if", "dependentSchemas", "dependencies"];

/** What a schema says of what is left over: by `additionalProperties`. */
export function additionalOf(node: ObjectNode): Leftovers | undefined {
  const { additionalProperties, properties, patternProperties } = node.schema;
  if (additionalProperties === undefined) return undefined;
  return {
    keyword: "additionalProperties",
    names: new Set(Object.keys(properties ?? {})),
    patterns: Object.keys(patternProperties ?? {}),
    schema: under(node, "additionalProperties"),
  };
}

/**
 * The same by `unevaluatedProperties`.
 *
 * @returns `undefined` where there is none; `"unknown"` where it depends on the document what its
 * parts look at
 */
export function unevaluatedOf(node: ObjectNode): Leftovers | "unknown" | undefined {
  if (node.schema.unevaluatedProperties === undefined) return undefined;
  const names = new Set<string>();
  const patterns = new Set<string>();
  for (const part of Facts.of(node).nodes) { // with all that hold whenever it does
    const { schema } = part;
    if (DEPENDING.some((keyword) => schema[keyword] !== undefined)) return "unknown";
    const isElse = schema.additionalProperties !== undefined ||
      (part !== node && schema.unevaluatedProperties !== undefined);
    if (isElse) return undefined; // nothing is left over
    for (const name of Object.keys(schema.properties ?? {})) names.add(name);
    for (const pattern of Object.keys(schema.patternProperties ?? {})) patterns.add(pattern);
  }
  const schema = under(node, "unevaluatedProperties");
  return { keyword: "unevaluatedProperties", names, patterns: [...patterns], schema };
}

/** All that is surely said of what is left over. */
export function leftoversOf(node: ObjectNode): Leftovers[] {
  const [additional, unevaluated] = [additionalOf(node), unevaluatedOf(node)];
  return [
    ...additional === undefined ? [] : [additional],
    ...unevaluated === undefined || unevaluated === "unknown" ? [] : [unevaluated],
  ];
}
