/**
 * What the server could not do and should have, as an event of its log.
 *
 * @module
 */
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { Exchange } from "./exchange.ts";
import type { LogFields, Logger } from "./logger.ts";
import { isServerFault, toldError } from "./problem.ts";

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

/** Counts what ended an answer that had begun, and logs it where it is the server's fault. */
export function streamFailed({ request, path, services }: Exchange, error: unknown): void {
  services.metrics.failed("http", error);
  if (!isServerFault(error)) return;
  logFault(services.logger, error, { what: `${request.method} ${path.slice(0, 500)}` });
}
