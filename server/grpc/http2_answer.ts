/**
 * The answer to one call over a stream of HTTP/2.
 *
 * A client may take back a stream at any moment, and what is done to it then must not throw: on some
 * runtimes that ends the process. So each step looks whether the stream is still there, and none is
 * taken outside of `attempt`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { attempt } from "./attempt.ts";
import { readableMessage } from "./status.ts";

/** Sends what a handler answers. */
export class Http2Answer {
  readonly #stream: ServerHttp2Stream;
  /** Sent with any head. */
  readonly #common: OutgoingHttpHeaders;
  readonly #onSent: (bytes: number) => void;
  readonly #leaving = new AbortController();
  #hasBegun = false;
  /** Whether nothing more is sent, although the stream may still be there. */
  #isOver = false;
  #trailers: OutgoingHttpHeaders = {};

  /** @param options headers for any head, and who is told of the bytes of messages that are sent */
  constructor(
    stream: ServerHttp2Stream,
    options: { readonly common: OutgoingHttpHeaders; readonly onSent: (bytes: number) => void },
  ) {
    this.#stream = stream;
    this.#common = options.common;
    this.#onSent = options.onSent;
    stream.once("close", () => this.#leaving.abort(new ConnectError("canceled", Code.Canceled)));
  }

  /** Aborted when the stream is no more. */
  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Whether the head was sent. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Sends the head, unless it is sent. */
  begin(status: number, headers: OutgoingHttpHeaders): void {
    if (this.#hasBegun || this.#isGone) return;
    this.#hasBegun = true;
    const stream = this.#stream;
    stream.once("wantTrailers", () => {
      attempt(() => this.#isGone || stream.sendTrailers(this.#trailers));
      this.#sayEnough();
    });
    const head = { ...this.#common, ...headers, ":status": status };
    attempt(() => stream.respond(head, { waitForTrailers: true }));
  }

  /** Sends a whole answer, as fast as the client takes it. */
  async send({ status, header, trailer, body }: UniversalServerResponse): Promise<void> {
    this.begin(status, nodeHeaders(header));
    for await (const chunk of body ?? []) {
      if (!await this.#write(chunk)) break;
      this.#onSent(chunk.length);
    }
    if (this.#isOver) return;
    this.#trailers = nodeHeaders(trailer); // the status is there when the body is over
    attempt(() => this.#isGone || this.#stream.end());
  }

  /** Sends an answer that is at hand, and is all: without a body where none is given. */
  sendWhole(status: number, headers: OutgoingHttpHeaders, body?: string): void {
    if (this.#isGone) return;
    const head = { ...this.#common, ...headers, ":status": status };
    attempt(() => {
      this.#stream.respond(head, { endStream: body === undefined });
      if (body !== undefined) this.#stream.end(body);
    });
    this.#sayEnough();
  }

  /**
   * Ends an answer that has begun, wherever it is.
   *
   * @param trailers say why; without any, the stream is reset
   */
  breakOff(trailers: OutgoingHttpHeaders | undefined): void {
    if (this.#isGone) return;
    this.#isOver = true;
    this.#trailers = trailers ?? {};
    attempt(() =>
      trailers === undefined ? this.#stream.close(constants.NGHTTP2_CANCEL) : this.#stream.end()
    );
  }

  /** Gives the stream up. */
  fail(): void {
    attempt(() => this.#isGone || this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  }

  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** The client may still be sending what nobody reads: it learns so when the answer is out. */
  #sayEnough(): void {
    setImmediate(() =>
      attempt(() => this.#isGone || this.#stream.close(constants.NGHTTP2_NO_ERROR))
    );
  }

  /** Resolves when more can be written; to `false` when the client has gone. */
  #write(chunk: Uint8Array): Promise<boolean> {
    const stream = this.#stream;
    return new Promise((resolve) => {
      if (this.#isOver || this.#isGone) return resolve(false);
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
      if (!isFull) settle(!this.#isGone);
    });
  }
}

function nodeHeaders(headers: Headers | undefined): OutgoingHttpHeaders {
  const node: OutgoingHttpHeaders = {};
  for (const [name, value] of headers ?? []) {
    if (name === "connection") continue; // there is none in HTTP/2
    node[name] = name === "grpc-message" ? readableMessage(value) : value;
  }
  return node;
}
