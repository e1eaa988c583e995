/**
 * One stream of HTTP/2 as a call of a handler, and its answer back.
 *
 * A client may take back a stream at any moment, and what is done to it then must not throw: on some
 * runtimes that ends the process. So each step looks whether the stream is still there, and none is
 * taken outside of `attempt`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { SeglogError } from "../../core/base/errors.ts";
import type { Services } from "../exchange.ts";
import { logFault } from "../fault.ts";
import { problemParts } from "../problem.ts";
import { attempt } from "./attempt.ts";
import type { Handlers } from "./handlers.ts";
import { readableMessage, statusOf } from "./status.ts";
import { universalRequest } from "./universal_request.ts";

/** What calls are answered with. */
export interface CallServer {
  readonly services: Services;
  readonly handlers: Handlers;
  readonly messageBytesMax: number;
}

/** Answers a stream. It never rejects. */
export async function answerCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { server, subject }: { server: CallServer; subject: string | undefined },
): Promise<void> {
  const path = (headers[":path"] ?? "").split("?", 1)[0]!;
  const handler = server.handlers.get(path);
  const header = webHeaders(headers);
  const { headersBytesMax } = server.services.limits;
  if (header === undefined || sizeOf(headers) > headersBytesMax) {
    return refuse(stream, { headers, error: badHeaders(headersBytesMax), httpStatus: 431 });
  }
  if (handler === undefined) {
    return refuse(stream, { headers, error: unknownMethod(path), httpStatus: 404 });
  }
  const { metrics } = server.services;
  const answer = new Answer(stream, (bytes) => metrics.sentBytes("grpc", bytes));
  try {
    const request = universalRequest(
      {
        httpVersion: "2.0",
        method: headers[":method"] ?? "",
        url: `http://${headers[":authority"] ?? "localhost"}${headers[":path"]}`,
        header,
        chunks: stream.iterator({ destroyOnReturn: false }),
        signal: answer.signal,
        subject,
      },
      handler,
      server,
    );
    if (isStream(handler, headers)) answer.begin(200, streamHeaders(headers));
    await answer.send(await handler(request));
  } catch (error) {
    logFault(server.services.logger, error, { what: path.slice(0, 200) });
    attempt(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  }
}

/** The answer to one call. */
class Answer {
  readonly #stream: ServerHttp2Stream;
  readonly #leaving = new AbortController();
  /** Is told of the bytes that are sent. */
  readonly #onBytes: (bytes: number) => void;
  #hasBegun = false;
  #trailers: OutgoingHttpHeaders = {};

  constructor(stream: ServerHttp2Stream, onBytes: (bytes: number) => void) {
    this.#stream = stream;
    this.#onBytes = onBytes;
    stream.once("close", () => this.#leaving.abort(new ConnectError("canceled", Code.Canceled)));
  }

  /** Aborted when the stream is no more. */
  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Sends the head, unless it is sent. */
  begin(status: number, headers: OutgoingHttpHeaders): void {
    if (this.#hasBegun || isGone(this.#stream)) return;
    this.#hasBegun = true;
    const stream = this.#stream;
    stream.once("wantTrailers", () => {
      attempt(() => isGone(stream) || stream.sendTrailers(this.#trailers));
      // The client may still be sending what nobody reads: it learns so when the answer is out.
      setImmediate(() => attempt(() => isGone(stream) || stream.close(constants.NGHTTP2_NO_ERROR)));
    });
    attempt(() => stream.respond({ ...headers, ":status": status }, { waitForTrailers: true }));
  }

  /** Sends a whole answer, as fast as the client takes it. */
  async send(response: UniversalServerResponse): Promise<void> {
    const { status, header, trailer, body } = response;
    this.begin(status, nodeHeaders(header));
    for await (const chunk of body ?? []) {
      if (!await this.#write(chunk)) break;
      this.#onBytes(chunk.length);
    }
    // Its status is there when the body is over.
    this.#trailers = nodeHeaders(trailer);
    attempt(() => isGone(this.#stream) || this.#stream.end());
  }

  /** Resolves when more can be written; to `false` when the client has gone. */
  #write(chunk: Uint8Array): Promise<boolean> {
    const stream = this.#stream;
    return new Promise((resolve) => {
      if (isGone(stream)) return resolve(false);
      const settle = (isOpen: boolean) => {
        stream.off("drain", drained);
        stream.off("close", closed);
        resolve(isOpen);
      };
      const drained = () => settle(true);
      const closed = () => settle(false);
      stream.once("drain", drained);
      stream.once("close", closed);
      const isFull = attempt(() =>
        !stream.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
      );
      if (!isFull) settle(!isGone(stream));
    });
  }
}

/** An answer for what is no call: as a status to clients of gRPC, else as HTTP knows it. */
function refuse(
  stream: ServerHttp2Stream,
  { headers, error, httpStatus }: {
    readonly headers: IncomingHttpHeaders;
    readonly error: SeglogError;
    readonly httpStatus: number;
  },
): void {
  if (isGone(stream)) return;
  if ((headers["content-type"] ?? "").startsWith("application/grpc")) {
    const { code, rawMessage } = statusOf(error);
    const status = {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": String(code),
      "grpc-message": readableMessage(encodeURIComponent(rawMessage)),
    };
    attempt(() => stream.respond(status, { endStream: true }));
  } else {
    const { status, body, headers } = problemParts(error, { status: httpStatus });
    attempt(() => {
      stream.respond({ ...headers, ":status": status });
      stream.end(body);
    });
  }
  setImmediate(() => attempt(() => isGone(stream) || stream.close(constants.NGHTTP2_NO_ERROR)));
}

/** Clients are told of the bound when they connect; not every runtime holds them to it. */
function badHeaders(bytesMax: number): SeglogError {
  return new SeglogError(
    "too-large",
    `Cannot take these headers: they have ${bytesMax} bytes at the most, and are text`,
    { details: { limit: bytesMax } },
  );
}

function unknownMethod(path: string): SeglogError {
  return new SeglogError(
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

function streamHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return { "content-type": headers["content-type"]!.split(";", 1)[0]!.trim() };
}

/** As RFC 9113 counts it. */
function sizeOf(headers: IncomingHttpHeaders): number {
  return Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + String(value).length + 32,
    0,
  );
}

function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}

/** The headers of a request without those of HTTP/2 itself; `undefined` when they are none. */
function webHeaders(headers: IncomingHttpHeaders): Headers | undefined {
  return attempt(() => {
    const web = new Headers();
    for (const [name, value] of Object.entries(headers)) {
      if (name.startsWith(":") || value === undefined) continue;
      for (const one of Array.isArray(value) ? value : [value]) web.append(name, one);
    }
    return web;
  });
}

function nodeHeaders(headers: Headers | undefined): OutgoingHttpHeaders {
  const node: OutgoingHttpHeaders = {};
  for (const [name, value] of headers ?? []) {
    if (name === "connection") continue; // there is none in HTTP/2
    node[name] = name === "grpc-message" ? readableMessage(value) : value;
  }
  return node;
}
