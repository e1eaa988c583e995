/**
 * Which schemas may follow each other. Who reads with one version reads what was written with others.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import { comparisonMeter, findGap } from "./compare/comparison.ts";
import type { SchemaDocument } from "./schema_document.ts";

/** What a new version has to be for those before it; `transitive` is for all of them. */
export const COMPATIBILITIES = [
  ...["none", "backward", "forward", "full"] as const,
  ...["backward-transitive", "forward-transitive", "full-transitive"] as const,
] as const;

/** One of {@linkcode COMPATIBILITIES}. */
export type Compatibility = typeof COMPATIBILITIES[number];

/** What holds where nothing is said. */
export const COMPATIBILITY_DEFAULT: Compatibility = "backward";

/** A version that is there. */
export interface EarlierSchema {
  readonly version: number;
  readonly document: () => SchemaDocument;
}

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

/**
 * Why a schema may not follow others.
 *
 * @param earlier the oldest first
 * @returns the first reason, looking at the latest version first; `undefined` when it may
 */
export function findIncompatibility(
  document: SchemaDocument,
  earlier: readonly EarlierSchema[],
  compatibility: Compatibility,
): Incompatibility | undefined {
  const newestFirst = earlier.toReversed();
  const asked = compatibility.endsWith("-transitive") ? newestFirst : newestFirst.slice(0, 1);
  const isBackward = /^(backward|full)/.test(compatibility);
  const isForward = /^(forward|full)/.test(compatibility);
  const meter = comparisonMeter();
  for (const { version, document: documentOf } of asked) {
    if (!isBackward && !isForward) break;
    const before = documentOf();
    const back = isBackward ? findGap(before, document, meter) : undefined;
    if (back !== undefined) return { version, direction: "backward", ...back };
    const forth = isForward ? findGap(document, before, meter) : undefined;
    if (forth !== undefined) return { version, direction: "forward", ...forth };
  }
  return undefined;
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
