/**
 * The span of a call over gRPC, gRPC-Web or Connect that is answered once, as OpenTelemetry describes
 * servers of remote procedures. Streams go on for hours, and make none.
 *
 * @module
 */
import type { Code, HandlerContext } from "@connectrpc/connect";
import { context, type Span, SpanKind, trace } from "@opentelemetry/api";
import { isTracing, noteError, startSpan } from "../../tracing/spans.ts";
import { parentOf } from "./request_span.ts";

/** Statuses that say that the server is at fault, by their numbers. */
const FAULTS: ReadonlySet<Code> = new Set([2, 4, 12, 13, 14, 15]);

/** Begins one; nothing where nobody traces. */
export function startCallSpan(call: HandlerContext): Span | undefined {
  if (!isTracing()) return undefined;
  const { service, method, protocolName } = call;
  const attributes = {
    "rpc.system": protocolName === "connect" ? "connect_rpc" : "grpc",
    "rpc.service": service.typeName,
    "rpc.method": method.name,
  };
  return startSpan(
    { name: `${service.typeName}/${method.name}`, kind: SpanKind.SERVER, attributes },
    parentOf(call.requestHeader),
  );
}

/** Runs `work` as part of a span, where there is one. */
export function withinSpan<Result>(span: Span | undefined, work: () => Result): Result {
  return span === undefined ? work() : context.with(trace.setSpan(context.active(), span), work);
}

/**
 * Ends it.
 *
 * @param failure its status, its name and what it failed with; nothing where all went well
 */
export function endCallSpan(
  span: Span,
  failure: { readonly status: Code; readonly name: string; readonly error: unknown } | undefined,
): void {
  span.setAttribute("rpc.grpc.status_code", failure?.status ?? 0);
  if (failure !== undefined) {
    if (FAULTS.has(failure.status)) noteError(span, failure.error);
    else span.setAttribute("error.type", failure.name);
  }
  span.end();
}
