/**
 * The services over HTTP/1.1, for browsers and for whoever has no HTTP/2: Connect and gRPC-Web.
 * Streams in both directions need HTTP/2.
 *
 * @module
 */
import type { Exchange, Services } from "../exchange.ts";
import { contentTypeOf, unsupportedType } from "../media_types.ts";
import { patience } from "../patience.ts";
import { streamOf } from "../streaming.ts";
import { createHandlers, type Handlers } from "./handlers.ts";
import { DEFAULT_GRPC_LIMITS } from "./limits.ts";
import { universalRequest } from "./universal_request.ts";

const TAKEN = ["application/proto", "application/json", "application/grpc-web+proto"];
const GRPC = /^application\/grpc(?!-web)/;

/** Answers a call that came as a request. `undefined` when there is no such method. */
export async function answerRequest(exchange: Exchange): Promise<Response | undefined> {
  const { request, services, path } = exchange;
  const messageBytesMax = Math.min(
    DEFAULT_GRPC_LIMITS.messageBytesMax,
    services.limits.bodyBytesMax,
  );
  const handler = handlersOf(services, messageBytesMax).get(path);
  if (handler === undefined) return undefined;
  const type = contentTypeOf(request);
  if (GRPC.test(type)) throw unsupportedType(`${type} over HTTP/1.1`, TAKEN); // it has no trailers
  const leaving = new AbortController();
  const waiting = patience([request.signal, leaving.signal]);
  const response = await handler(universalRequest(
    {
      httpVersion: "1.1",
      method: request.method,
      url: request.url,
      header: new Headers(request.headers),
      chunks: request.body ?? emptyBody(),
      signal: waiting.signal,
      socket: exchange.incoming?.socket,
    },
    handler,
    { services, messageBytesMax },
  ));
  const { status, header, body } = response;
  if (body === undefined) waiting.release();
  return new Response(
    body === undefined ? null : streamOf(pieces(body, waiting.release), () => leaving.abort()),
    { status, ...header === undefined ? {} : { headers: header } },
  );
}

const known = new WeakMap<Services, Handlers>();

/** The handlers of a server, made when the first call comes. */
function handlersOf(services: Services, messageBytesMax: number): Handlers {
  let handlers = known.get(services);
  if (handlers === undefined) {
    known.set(services, handlers = createHandlers(services, messageBytesMax));
  }
  return handlers;
}

async function* pieces(
  body: AsyncIterable<Uint8Array>,
  release: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } finally {
    release();
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array, void, undefined> {}
