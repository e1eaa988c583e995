/**
 * What the server could not do and should have, as an event of its log.
 *
 * @module
 */
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { LogFields, Logger } from "./logger.ts";
import { toldError } from "./problem.ts";

/**
 * Logs a fault.
 *
 * @param what was to be done
 */
export function logFault(
  logger: Logger,
  error: unknown,
  { what, ...fields }: LogFields & { readonly what: string },
): void {
  const { code } = toldError(error);
  // Of a surprise, where it comes from says most.
  const stack = !(error instanceof SeglogError) && error instanceof Error ? error.stack : undefined;
  logger.error(`${what}: ${code}: ${messageOf(error)}`, { event: "fault", ...fields, code, stack });
}
