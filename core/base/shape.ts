/**
 * Checks of what was parsed: a value whose checksum is right may still not be what its reader takes
 * it for.
 *
 * @module
 */

/** Says in words what is wrong with a value, of which `name` tells the place; `undefined` if nothing. */
export type Shape = (value: unknown, name: string) => string | undefined;

/** Whole numbers from `least` to `most`. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Shape {
  return (value, name) => {
    const isRight = Number.isSafeInteger(value) && (value as number) >= least &&
      (value as number) <= most;
    return isRight ? undefined : wrong(value, name);
  };
}

/** Texts that fit a pattern. */
export function text(pattern: RegExp): Shape {
  return (value, name) =>
    typeof value === "string" && pattern.test(value) ? undefined : wrong(value, name);
}

/** `true` and `false`. */
export function flag(): Shape {
  return (value, name) => typeof value === "boolean" ? undefined : wrong(value, name);
}

/** Arrays of values of one shape. */
export function list(item: Shape): Shape {
  return (value, name) => {
    if (!Array.isArray(value)) return wrong(value, name);
    for (let i = 0; i < value.length; i++) {
      const complaint = item(value[i], `${name}[${i}]`);
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };
}

/** Objects with these members, all of them there; others may be there as well. */
export function members(shapes: Readonly<Record<string, Shape>>): Shape {
  return (value, name) => {
    if (typeof value !== "object" || value === null) return wrong(value, name);
    for (const [member, shape] of Object.entries(shapes)) {
      const own = Object.hasOwn(value, member) ? (value as never)[member] : undefined;
      const complaint = shape(own, `${name}.${member}`);
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };
}

/** Values of a shape, or none at all. */
export function orAbsent(shape: Shape): Shape {
  return (value, name) => value === undefined ? undefined : shape(value, name);
}

/** `null`, or values of a shape. */
export function orNull(shape: Shape): Shape {
  return (value, name) => value === null ? undefined : shape(value, name);
}

const SHOWN_CHARS = 80;

function wrong(value: unknown, name: string): string {
  const shown = typeof value === "object" && value !== null
    ? Array.isArray(value) ? "a list" : "an object"
    : value === undefined
    ? "missing"
    : JSON.stringify(value).slice(0, SHOWN_CHARS);
  return `${name} is ${shown}`;
}
