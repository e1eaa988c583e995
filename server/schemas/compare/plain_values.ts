/**
 * Whether a schema accepts a value, where that takes no validator: comparing asks this often, and a
 * validator is made for each part of a schema that is asked.
 *
 * @module
 */
import { canonicalJson } from "../canonical.ts";
import { ANNOTATIONS } from "../keywords.ts";
import type { SchemaNode } from "../schema_document.ts";
import type { WorkMeter } from "../work_meter.ts";
import { hasKeywords, listUnder, type ObjectNode, under } from "./facts.ts";
import { kindOf, kindsOf } from "./kinds.ts";

/** Keywords that are asked of every value. */
const VALUE_KEYWORDS: ReadonlySet<string> = new Set(["type", "const", "enum"]);

/**
 * Whether a schema accepts a value.
 *
 * @returns `undefined` where it takes a validator to say
 */
export function acceptsPlainly(
  node: SchemaNode,
  value: unknown,
  meter: WorkMeter,
): boolean | undefined {
  meter.spend(1);
  if (!hasKeywords(node)) return node.schema as boolean;
  if (!kindsOf(node).has(kindOf(value)) || !isListed(node, value)) return false;
  // Of null, true and false, no schema asks anything but which of them it is.
  if (value === null || typeof value === "boolean") return acceptsInPlace(node, value, meter);
  const isPlain = Object.keys(node.schema).every((keyword) =>
    VALUE_KEYWORDS.has(keyword) || ANNOTATIONS.has(keyword)
  );
  return isPlain ? true : undefined;
}

function isListed({ schema }: ObjectNode, value: unknown): boolean {
  const hasConst = Object.hasOwn(schema, "const");
  if (!hasConst && schema.enum === undefined) return true;
  const text = canonicalJson(value);
  if (hasConst && canonicalJson(schema.const) !== text) return false;
  const listed = schema.enum as unknown[] | undefined;
  return listed === undefined || listed.some((each) => canonicalJson(each) === text);
}

/** What schemas that are asked of the same value say together. */
function acceptsInPlace(node: ObjectNode, value: boolean | null, meter: WorkMeter): boolean {
  const { schema } = node;
  const ask = (part: SchemaNode) => acceptsPlainly(part, value, meter)!;
  const { $ref } = schema;
  if (typeof $ref === "string" && !ask(node.document.target($ref)!)) return false;
  if (!listUnder(node, "allOf").every(ask)) return false;
  if (schema.anyOf !== undefined && !listUnder(node, "anyOf").some(ask)) return false;
  if (schema.oneOf !== undefined && listUnder(node, "oneOf").filter(ask).length !== 1) return false;
  if (schema.not !== undefined && ask(under(node, "not"))) return false;
  if (schema.if === undefined) return true;
  const next = ask(under(node, "if")) ? "then" : "else";
  return schema[next] === undefined || ask(under(node, next));
}
