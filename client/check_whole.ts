/**
 * Checks numbers that a caller gave.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";

/** @throws {SeglogError} `invalid-argument` when it is not a whole number from `least` to `most` */
export function checkWhole(name: string, value: number, [least, most]: [number, number]): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new SeglogError(
    "invalid-argument",
    `Cannot use ${name}: ${value}: give a whole number from ${least} to ${most}`,
  );
}
