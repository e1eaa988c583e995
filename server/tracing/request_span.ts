/**
 * The span of a request over HTTP, as OpenTelemetry describes servers: part of the trace that the
 * request names, or the first of its own.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";
import type { Principal } from "../access/principal.ts";
import { toldError } from "../problem.ts";
import { isTracing, noteError, startSpan } from "../../tracing/spans.ts";

/** A request, and what answers it. */
export interface TracedRequest {
  readonly request: Request;
  readonly incoming: IncomingMessage | undefined;
  /** The route's template; none where no route takes the request. */
  readonly route: string | undefined;
}

/** Methods that are told by their name: any other could be anything. */
const METHODS = new Set("CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE".split(" "));

const HEADERS: TextMapGetter<Headers> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
};

/**
 * Answers a request within its span, which ends with the head of the answer: a stream may go on for
 * hours. Where nobody traces, `answer` is all that is called.
 *
 * @param answer gets the span, to note with {@linkcode noteAnswer} what came of it
 */
export function inRequestSpan(
  traced: TracedRequest,
  answer: (span?: Span) => Promise<Response>,
): Promise<Response> {
  return isTracing() ? answerInSpan(traced, answer) : answer();
}

/** Notes who asks. */
export function noteCaller(span: Span, { name, tenant }: Principal): void {
  span.setAttributes({ "enduser.id": name, "seglog.tenant": tenant });
}

/**
 * Notes how a request was answered: as an error of the span only where it is the server's.
 *
 * @param failure what it failed with; `undefined` where it did not
 */
export function noteAnswer(span: Span, status: number, failure: unknown): void {
  span.setAttribute("http.response.status_code", status);
  if (failure !== undefined) {
    if (status >= 500) noteError(span, failure);
    span.setAttribute("error.type", toldError(failure).code);
  } else if (status >= 500) {
    span.setAttribute("error.type", String(status));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
}

async function answerInSpan(
  traced: TracedRequest,
  answer: (span: Span) => Promise<Response>,
): Promise<Response> {
  const { request, route } = traced;
  const method = METHODS.has(request.method) ? request.method : "HTTP";
  const name = route === undefined ? method : `${method} ${route}`;
  const parent = parentOf(request.headers);
  const span = startSpan({ name, kind: SpanKind.SERVER, attributes: attributesOf(traced) }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), () => answer(span));
  } finally {
    span.end();
  }
}

/** A span that the runtime has begun already knows where it belongs. */
export function parentOf(headers: Headers): Context {
  const active = context.active();
  return trace.getSpan(active) === undefined
    ? propagation.extract(active, headers, HEADERS)
    : active;
}

function attributesOf({ request, incoming, route }: TracedRequest): Attributes {
  const { method, headers } = request;
  const { protocol, hostname, port, pathname } = new URL(request.url);
  const isKnown = METHODS.has(method);
  const attributes: Attributes = {
    "http.request.method": isKnown ? method : "_OTHER",
    "url.path": pathname,
    "url.scheme": protocol.slice(0, -1),
    "server.address": hostname,
  };
  if (!isKnown) attributes["http.request.method_original"] = method.slice(0, 80);
  if (route !== undefined) attributes["http.route"] = route;
  if (port !== "") attributes["server.port"] = Number(port);
  const agent = headers.get("user-agent");
  if (agent !== null) attributes["user_agent.original"] = agent.slice(0, 500);
  if (incoming !== undefined) {
    attributes["network.protocol.version"] = incoming.httpVersion;
    const { remoteAddress } = incoming.socket;
    if (remoteAddress !== undefined) attributes["client.address"] = remoteAddress;
  }
  return attributes;
}
