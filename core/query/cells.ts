/**
 * Values between SQL and JSON, both ways and exactly: an integer of 64 bits is written with all its
 * digits, and read so where a program asks for them.
 *
 * @module
 */
import { decodeBase64, encodeBase64 } from "../base/base64.ts";
import { SeglogError } from "../base/errors.ts";
import { arrayElements, sliceObject } from "../format/json_slices.ts";
import { QUERY_PARAMETERS_MAX } from "./limits.ts";

/** What SQLite gives and takes. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** Parameters by place or by name. */
export type SqlParameters = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

/**
 * A value as JSON: an integer with all its digits, a number that is not finite as one that is too large
 * for a double, a blob as `{"base64":"…"}`.
 */
export function cellJson(value: SqlValue): string {
  if (value === null) return "null";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "number") return `{"base64":"${encodeBase64(value)}"}`;
  if (Number.isFinite(value)) return JSON.stringify(value);
  return value > 0 ? "9e999" : "-9e999";
}

/**
 * Parameters from JSON: an array, or an object of names. A whole number is an integer, `true` is 1.
 *
 * @param text JSON that can be parsed
 * @throws {SeglogError} `invalid-argument`
 */
export function parseParameters(text: string): SqlParameters {
  const value: unknown = JSON.parse(text);
  if (Array.isArray(value)) {
    checkCount(value.length);
    const texts = [...arrayElements(text)];
    return value.map((one, i) => parameter(one, texts[i]!, `params[${i}]`));
  }
  if (typeof value !== "object" || value === null) {
    throw wrong("params", "must be an array, or an object of names");
  }
  checkCount(Object.keys(value).length);
  const slices = sliceObject(text);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      parameter(one, slices.get(name)!, `params.${name.slice(0, 80)}`),
    ]),
  );
}

/** Parameters as JSON that {@linkcode parseParameters} reads. */
export function parametersJson(parameters: SqlParameters): string {
  if (Array.isArray(parameters)) return `[${parameters.map(cellJson).join()}]`;
  const members = Object.entries(parameters)
    .map(([name, value]) => `${JSON.stringify(name)}:${cellJson(value)}`);
  return `{${members.join()}}`;
}

function parameter(value: unknown, text: string, place: string): SqlValue {
  if (value === null) return null;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "string") {
    if (value.isWellFormed()) return value;
    throw wrong(place, "has half of a surrogate pair");
  }
  if (typeof value === "number") return number(value, text.trim(), place);
  const { base64, ...rest } = value as Record<string, unknown>;
  if (typeof base64 !== "string" || Object.keys(rest).length > 0) {
    throw wrong(place, 'must be a string, a number, true, false, null or {"base64":"…"}');
  }
  const bytes = decodeBase64(base64);
  if (bytes === undefined) throw wrong(place, "is no base64");
  return bytes;
}

function number(value: number, text: string, place: string): SqlValue {
  if (!/^-?\d+$/.test(text)) return value;
  const integer = BigInt(text);
  if (BigInt.asIntN(64, integer) === integer) return integer;
  throw wrong(place, "is an integer of more than 64 bits");
}

function checkCount(count: number): void {
  if (count <= QUERY_PARAMETERS_MAX) return;
  throw wrong("params", `has ${count} parameters, and ${QUERY_PARAMETERS_MAX} are the most`);
}

function wrong(place: string, why: string): SeglogError {
  return new SeglogError("invalid-argument", `Cannot read the query: ${place} ${why}`, {
    details: { member: place },
  });
}
