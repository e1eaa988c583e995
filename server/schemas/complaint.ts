/**
 * Why a document is not valid, in words.
 *
 * @module
 */
import type { ErrorObject } from "ajv";

/** What is wrong with a document, and where. */
export interface Complaint {
  /** A JSON pointer into the document; empty for the whole. */
  readonly path: string;
  readonly reason: string;
}

/** Most alternatives of which it is said why each does not fit. */
const ALTERNATIVES_MAX = 3;

/**
 * The one thing to say of what Ajv found. Where no alternative fits, that is what is wrong in the one
 * that went deepest into the document; where all failed at once, what each of them wants.
 */
export function complaintOf(errors: readonly ErrorObject[]): Complaint {
  const last = errors.at(-1);
  if (last === undefined) return { path: "", reason: "must be valid" };
  const causes = errors.slice(0, -1).filter(({ keyword }) => !JOINING.has(keyword));
  if (!JOINING.has(last.keyword) || causes.length === 0) return said(last);
  const deepest = causes.reduce((a, b) => depthOf(b) > depthOf(a) ? b : a);
  const isDeeper = depthOf(deepest) > depthOf(last);
  if (isDeeper || causes.length === 1) return said(deepest);
  const wanted = [...new Set(causes.map(reasonOf))];
  const rest = wanted.length > ALTERNATIVES_MAX ? ", or others" : "";
  return {
    path: last.instancePath,
    reason: `${wanted.slice(0, ALTERNATIVES_MAX).join(", or ")}${rest}`,
  };
}

/** Keywords that only say that what others say does not fit together. */
const JOINING: ReadonlySet<string> = new Set(["anyOf", "oneOf", "if", "propertyNames"]);

function said(error: ErrorObject): Complaint {
  return { path: error.instancePath, reason: reasonOf(error) };
}

function reasonOf(error: ErrorObject): string {
  const { propertyName } = error;
  const about = propertyName === undefined ? "" : `the name ${JSON.stringify(propertyName)} `;
  return `${about}${wantOf(error)}`;
}

function wantOf(error: ErrorObject): string {
  const { keyword, params, message = "must be valid" } = error;
  const names = (value: unknown) => JSON.stringify(value)?.slice(0, 200);
  switch (keyword) {
    case "additionalProperties":
      return `must not have the property ${names(params.additionalProperty)}`;
    case "unevaluatedProperties":
      return `must not have the property ${names(params.unevaluatedProperty)}`;
    case "enum":
      return `must be one of ${names(params.allowedValues)}`;
    case "const":
      return `must be ${names(params.allowedValue)}`;
    case "false schema":
      return "must not be there";
    case "oneOf":
      return params.passingSchemas === null
        ? "must fit one of the alternatives"
        : "must fit exactly one of the alternatives, and fits two";
    default:
      return message.replace("must NOT", "must not");
  }
}

function depthOf({ instancePath }: ErrorObject): number {
  return instancePath.split("/").length;
}
