/**
 * One text for all JSON values that are equal: members in the order of their names.
 *
 * @module
 */

/** The canonical text of a value as `JSON.parse` gives it. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value).sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson((value as never)[name])}`);
  return `{${members.join(",")}}`;
}
