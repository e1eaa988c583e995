/**
 * What a schema has to be for those before it, and how it is told that one is not. Who reads with one
 * version reads what was written with others.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";

/** What a new version has to be for those before it; `transitive` is for all of them. */
export const COMPATIBILITIES = [
  ...["none", "backward", "forward", "full"] as const,
  ...["backward-transitive", "forward-transitive", "full-transitive"] as const,
] as const;

/** One of {@linkcode COMPATIBILITIES}. */
export type Compatibility = typeof COMPATIBILITIES[number];

/** What holds where nothing is said. */
export const COMPATIBILITY_DEFAULT: Compatibility = "backward";

/** Why a schema may not follow. */
export interface Incompatibility {
  /** The version with which it does not go together. */
  readonly version: number;
  /** Whether it would refuse what was written, or that version what will be. */
  readonly direction: "backward" | "forward";
  /** A JSON pointer into the schema that refuses. */
  readonly path: string;
  readonly reason: string;
}

/** In a sentence. */
export function explainIncompatibility(
  { version, direction, path, reason }: Incompatibility,
): string {
  const [by, of] = direction === "backward"
    ? ["it may refuse", `version ${version} accepts`]
    : [`version ${version} may refuse`, "it accepts"];
  return `${by} what ${of}: at ${path === "" ? "the top" : path}: ${reason}`;
}

/** The error for a schema that may not follow. */
export function incompatible(
  topic: string,
  compatibility: Compatibility,
  found: Incompatibility,
): SeglogError {
  const { version, direction, path } = found;
  return new SeglogError(
    "incompatible",
    `Cannot use the schema for "${topic}", which is to be ${compatibility} compatible: ` +
      explainIncompatibility(found),
    { details: { version, direction, path } },
  );
}
