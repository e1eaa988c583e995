/**
 * Errors on their way to another process.
 *
 * @module
 */
import { type ErrorDetails, isErrorCode, messageOf, SeglogError } from "../base/errors.ts";

/** An error as JSON. */
export interface ToldFault {
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** What is told of an error. */
export function tellFault(error: unknown): ToldFault {
  if (error instanceof SeglogError) {
    const { code, message, details } = error;
    return { code, message, details };
  }
  return { code: "internal", message: messageOf(error), details: {} };
}

/** The same error, where it was told. */
export function faultOf({ code, message, details }: ToldFault): SeglogError {
  return new SeglogError(isErrorCode(code) ? code : "internal", message, { details });
}
