/**
 * Formats of texts, checked in bounded time: the patterns of some take time as the square of a text.
 *
 * @module
 */
import type { Ajv } from "ajv";
import addFormats, { type FormatName } from "ajv-formats";
import { FORMAT_CHARS_MAX } from "./limits.ts";
import type { WorkMeter } from "./work_meter.ts";

/** Steps of a text are its length, and the square of it divided by this. */
const FORMAT_SQUARE = 64;

/** The formats that are looked at. */
export const FORMATS: ReadonlySet<string> = new Set<FormatName>([
  ...["date", "time", "date-time", "iso-time", "iso-date-time", "duration", "uri"] as const,
  ...["uri-reference", "uri-template", "url", "email", "hostname", "ipv4", "ipv6"] as const,
  ...["regex", "uuid", "json-pointer", "relative-json-pointer", "byte", "int32", "int64"] as const,
  ...["float", "double", "password", "binary", "json-pointer-uri-fragment"] as const,
]);

/** Gives them to an Ajv. */
export function addBoundedFormats(ajv: Ajv, meter: WorkMeter): void {
  addFormats.default(ajv, [...FORMATS] as FormatName[]);
  for (const [name, format] of Object.entries(ajv.formats)) {
    const check = typeof format === "object" && "validate" in format ? format.validate : format;
    const isRight = check instanceof RegExp
      ? (text: string) => check.test(text)
      : typeof check === "function"
      ? check as (text: string) => boolean
      : undefined;
    const isNumber = typeof format === "object" && "type" in format && format.type === "number";
    if (isRight === undefined || isNumber) continue;
    ajv.addFormat(name, (text: string) => {
      if (text.length > FORMAT_CHARS_MAX) return false;
      meter.spend(1 + text.length + text.length ** 2 / FORMAT_SQUARE);
      return isRight(text);
    });
  }
}
