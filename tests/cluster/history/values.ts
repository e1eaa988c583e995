/** Values that tell who appended them, and whether they came back whole. */

/** A value of this name with some bytes more. */
export function valueOf(name: string, padding: number): string {
  return `${name}/${padding}/${"x".repeat(padding)}`;
}

/** The name in a value that is whole. */
export function nameOf(value: string): string {
  const [name = "", padding = "", rest = ""] = value.split("/");
  const isWhole = value === valueOf(name, Number(padding)) && rest.length === Number(padding);
  return isWhole ? name : `damaged ${JSON.stringify(value.slice(0, 100))}`;
}
