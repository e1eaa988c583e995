/**
 * Whether two schemas are written alike, and all that they refer to: then they accept the same,
 * whatever they say.
 *
 * @module
 */
import { canonicalJson } from "../canonical.ts";
import type { SchemaNode } from "../schema_document.ts";

/** The text of a schema, and the references in it. */
interface Written {
  readonly text: string;
  readonly refs: readonly string[];
}

const known = new WeakMap<SchemaNode, Written>();

/** Whether a schema and another one are written alike. */
export function isSameText(a: SchemaNode, b: SchemaNode): boolean {
  return a.document.dialect === b.document.dialect && isSame(a, b, new Set());
}

/** Schemas that refer to themselves lead back to a pair that is being looked at. */
function isSame(a: SchemaNode, b: SchemaNode, seen: Set<string>): boolean {
  const written = writtenOf(a);
  if (written.text !== writtenOf(b).text) return false;
  const pair = `${a.pointer} ${b.pointer}`;
  if (seen.has(pair)) return true;
  seen.add(pair);
  return written.refs.every((ref) =>
    isSame(a.document.target(ref)!, b.document.target(ref)!, seen)
  );
}

function writtenOf(node: SchemaNode): Written {
  let written = known.get(node);
  if (written === undefined) {
    written = { text: canonicalJson(node.schema), refs: [...new Set(refsIn(node.schema))] };
    known.set(node, written);
  }
  return written;
}

/** What any member called `$ref` says, where it is a reference or looks like one. */
function refsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(refsIn);
  const ref = Array.isArray(value) ? undefined : (value as { $ref?: unknown }).$ref;
  return typeof ref === "string" ? [ref, ...inner] : inner;
}
