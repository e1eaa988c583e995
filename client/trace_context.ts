/**
 * The trace that a request is part of, for the server to go on with.
 *
 * @module
 */
import { context, propagation, trace } from "@opentelemetry/api";

/** The headers that say so, such as `traceparent`; nothing where no span is active. */
export function traceHeaders(): Record<string, string> | undefined {
  const active = context.active();
  if (trace.getSpanContext(active) === undefined) return undefined;
  const headers: Record<string, string> = {};
  propagation.inject(active, headers);
  return headers;
}
