/**
 * The error for a key that has no value.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";

/** Says that nothing is there. */
export function noValue(key: string, bucket: string): SeglogError {
  return new SeglogError("not-found", `There is no ${JSON.stringify(key)} in "${bucket}"`);
}
