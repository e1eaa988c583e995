/**
 * A schema as Ajv gets it: without names, references by place, and what each part of it costs to check
 * written down.
 *
 * @module
 */
import { ANNOTATIONS, holdsOf } from "./keywords.ts";
import type { SchemaDocument, SchemaJson, SchemaNode } from "./schema_document.ts";

/** The keyword that says how many steps it takes to check the others beside it. */
export const STEPS_KEYWORD = "seglogSteps";

/** The schema of a document, prepared. */
export function preparedSchema(document: SchemaDocument): SchemaJson {
  return copyOf(document, document.root.schema);
}

/** A place as a reference. */
export function refTo({ pointer }: Pick<SchemaNode, "pointer">): string {
  return `#${pointer.split("/").map(encodeURIComponent).join("/")}`;
}

function copyOf(document: SchemaDocument, schema: SchemaJson): SchemaJson {
  if (typeof schema === "boolean") return schema;
  const copy: Record<string, unknown> = {};
  let steps = 0;
  for (const [keyword, value] of Object.entries(schema)) {
    const isAnnotation = ANNOTATIONS.has(keyword);
    if (!isAnnotation) steps += 1 + sizeOf(value);
    const holds = holdsOf(document.dialect, keyword);
    if (holds === "nothing") {
      if (isAnnotation) continue;
      copy[keyword] = keyword === "$ref" ? refTo(document.target(value as string)!) : value;
    } else if (Array.isArray(value)) copy[keyword] = value.map((each) => copyOf(document, each));
    else if (holds === "schema" || holds === "schema or schemas") {
      copy[keyword] = copyOf(document, value as SchemaJson);
    } else copy[keyword] = copyOfMembers(document, value as Record<string, SchemaJson | string[]>);
  }
  if (steps > 0) copy[STEPS_KEYWORD] = steps;
  return copy;
}

function copyOfMembers(
  document: SchemaDocument,
  members: Readonly<Record<string, SchemaJson | readonly string[]>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => [
      name,
      Array.isArray(member) ? member : copyOf(document, member as SchemaJson),
    ]),
  );
}

/** What a keyword has to look through. */
function sizeOf(value: unknown): number {
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}
