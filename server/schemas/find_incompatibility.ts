/**
 * Which schemas may follow each other.
 *
 * @module
 */
import { comparisonMeter, findGap } from "./compare/comparison.ts";
import type { Compatibility, Incompatibility } from "./compatibility.ts";
import type { SchemaDocument } from "./schema_document.ts";

/** A version that is there. */
export interface EarlierSchema {
  readonly version: number;
  readonly document: () => SchemaDocument;
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
