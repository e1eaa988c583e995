/**
 * One stream of HTTP/2 as a call of a handler.
 *
 * @module
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { type ErrorCode, SeglogError } from "../../core/base/errors.ts";
import { type CallerFacts, callerFactsOf, checkCaller } from "../access/callers.ts";
import { corsHeaders, preflightHeaders } from "../access/cors.ts";
import type { Services } from "../exchange.ts";
import { logFault } from "../fault.ts";
import { problemParts } from "../problem.ts";
import type { Handlers } from "./handlers.ts";
import { Http2Answer } from "./http2_answer.ts";
import { readableMessage, statusOf } from "./status.ts";
import { universalRequest } from "./universal_request.ts";

/** What calls are answered with. */
export interface CallServer {
  readonly services: Services;
  readonly handlers: Handlers;
  readonly messageBytesMax: number;
  /** How to end the calls that are open, each at once: for when the server waits no more. */
  readonly cuts: Set<() => void>;
}

/** What HTTP has a better word for: headers that are too large, and a path that is none. */
const HTTP_STATUS: { readonly [Code in ErrorCode]?: number } = {
  "too-large": 431,
  "unsupported": 404,
};

/** The types of gRPC itself: those of gRPC-Web, and of Connect, tell how a stream ended in its body. */
const TELLS_IN_TRAILERS = /^application\/grpc(\+|$)/;

/** Answers a stream. It never rejects. */
export async function answerCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  server: CallServer,
): Promise<void> {
  const { services, handlers } = server;
  const facts = callerFactsOf(headers[":method"] ?? "", (name) => textOf(headers[name]));
  const answer = new Http2Answer(stream, {
    common: corsHeaders(services.callers, facts.origin),
    onSent: (bytes) => services.metrics.sentBytes("grpc", bytes),
  });
  const preflight = preflightOf(services, headers, facts);
  if (preflight !== undefined) return answer.sendWhole(204, preflight);
  const cut = () => {
    const error = stopped();
    services.metrics.failed("grpc", error);
    if (!answer.hasBegun) return refuse(answer, headers, error);
    const tells = TELLS_IN_TRAILERS.test(typeOf(headers));
    answer.breakOff(tells ? statusHeaders(error) : undefined);
  };
  server.cuts.add(cut);
  answer.signal.addEventListener("abort", () => server.cuts.delete(cut), { once: true });
  try {
    const header = webHeaders(headers, services.limits.headersBytesMax);
    checkCaller(services.callers, facts);
    const handler = handlerFor(handlers, headers);
    const request = universalRequest(
      {
        httpVersion: "2.0",
        method: facts.method,
        url: `http://${facts.host ?? "localhost"}${headers[":path"]}`,
        header,
        chunks: stream.iterator({ destroyOnReturn: false }),
        signal: answer.signal,
        socket: stream.session?.socket,
      },
      handler,
      server,
    );
    if (isStream(handler, headers)) answer.begin(200, { "content-type": typeOf(headers) });
    await answer.send(await handler(request));
  } catch (error) {
    if (error instanceof SeglogError) {
      services.metrics.failed("grpc", error);
      return refuse(answer, headers, error);
    }
    logFault(services.logger, error, { what: "grpc" });
    answer.fail();
  }
}

/** An error as gRPC tells it. */
function statusHeaders(error: SeglogError): OutgoingHttpHeaders {
  const { code, rawMessage } = statusOf(error);
  return {
    "grpc-status": String(code),
    "grpc-message": readableMessage(encodeURIComponent(rawMessage)),
  };
}

function stopped(): SeglogError {
  return new SeglogError(
    "unavailable",
    "Cannot say whether the call was done: the server had to stop before; look, or call again",
  );
}

/** An answer for what is no call: as a status to clients of gRPC, else as HTTP knows it. */
function refuse(answer: Http2Answer, headers: IncomingHttpHeaders, error: SeglogError): void {
  if (typeOf(headers).startsWith("application/grpc")) {
    return answer.sendWhole(200, { "content-type": typeOf(headers), ...statusHeaders(error) });
  }
  const status = HTTP_STATUS[error.code];
  const problem = problemParts(error, status === undefined ? {} : { status });
  answer.sendWhole(problem.status, problem.headers, problem.body);
}

function preflightOf(
  { callers }: Services,
  headers: IncomingHttpHeaders,
  { method, origin }: CallerFacts,
): OutgoingHttpHeaders | undefined {
  return preflightHeaders(callers, {
    method,
    origin,
    wantedMethod: textOf(headers["access-control-request-method"]),
    wantedHeaders: textOf(headers["access-control-request-headers"]),
  });
}

/** The handler of a method. @throws {SeglogError} `unsupported` */
function handlerFor(handlers: Handlers, headers: IncomingHttpHeaders): UniversalHandler {
  const path = (headers[":path"] ?? "").split("?", 1)[0]!;
  const handler = handlers.get(path);
  if (handler !== undefined) return handler;
  throw new SeglogError(
    "unsupported",
    `Cannot call ${
      JSON.stringify(path.slice(0, 200))
    }: there is no such method; ask for reflection, or see docs/grpc.md`,
  );
}

/**
 * Whether a call is answered by a stream. Its head is sent at once: the first message may be long in
 * coming, and clients and what is between would wonder.
 */
function isStream(handler: UniversalHandler, headers: IncomingHttpHeaders): boolean {
  const { methodKind } = handler.method;
  return (methodKind === "server_streaming" || methodKind === "bidi_streaming") &&
    headers[":method"] === "POST" && handler.supportedContentType(headers["content-type"] ?? null);
}

/**
 * The headers of a request without those of HTTP/2 itself. Clients are told of the bound when they
 * connect; not every runtime holds them to it.
 *
 * @throws {SeglogError} `too-large`
 */
function webHeaders(headers: IncomingHttpHeaders, bytesMax: number): Headers {
  const web = new Headers();
  let bytes = 0;
  try {
    for (const [name, value] of Object.entries(headers)) {
      for (const one of Array.isArray(value) ? value : [value ?? ""]) {
        bytes += name.length + one.length + 32; // as RFC 9113 counts
        if (!name.startsWith(":")) web.append(name, one);
      }
    }
  } catch {
    bytes = Infinity; // no text that a header can have
  }
  if (bytes <= bytesMax) return web;
  throw new SeglogError(
    "too-large",
    `Cannot take these headers: they have ${bytesMax} bytes at the most, and are text`,
    { details: { limit: bytesMax } },
  );
}

function typeOf(headers: IncomingHttpHeaders): string {
  return (headers["content-type"] ?? "").split(";", 1)[0]!.trim();
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value;
}
