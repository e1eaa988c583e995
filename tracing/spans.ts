/**
 * Spans of OpenTelemetry, for whoever has registered a tracer: through its API alone, which does nothing
 * by itself. Where nobody has, nothing is described, measured or allocated.
 *
 * @module
 */
import {
  type Attributes,
  type Context,
  context,
  ProxyTracerProvider,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import { VERSION } from "../core/base/version.ts";

/** What a span is made with. */
export interface SpanParts {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

/** What a provider of tracers hands on to as long as nobody has registered one. */
const NOBODY = new ProxyTracerProvider().getDelegate();

/** Whether anybody has registered a tracer. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== NOBODY;
}

/** Whether what runs now is part of a span that is recorded: then there is something to add to. */
export function isRecorded(): boolean {
  return isTracing() && trace.getActiveSpan()?.isRecording() === true;
}

/** The ids of a span, for a log. */
export function idsOf(span: Span): { readonly trace_id: string; readonly span_id: string } {
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId };
}

/** A span that is under way. Its parent is what is active in `parent`. */
export function startSpan(parts: SpanParts, parent: Context = context.active()): Span {
  const { name, kind, attributes } = parts;
  return trace.getTracer("seglog", VERSION).startSpan(name, { kind, attributes }, parent);
}

/** Runs `work` as the active span, which ends with it and tells its error. */
export async function inSpan<Result>(
  parts: SpanParts,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const span = startSpan(parts);
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } catch (error) {
    noteError(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Notes why what a span stands for failed. An error that is not ours is recorded with its stack. */
export function noteError(span: Span, error: unknown): void {
  const isOurs = error instanceof SeglogError;
  if (!isOurs && error instanceof Error) span.recordException(error);
  span.setAttribute("error.type", isOurs ? error.code : nameOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

/** The same function, which runs as part of the span that is active now, whoever calls it. */
export function inThisSpan<Result>(run: () => Result): () => Result {
  return isRecorded() ? context.bind(context.active(), run) : run;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "_OTHER";
}
