/**
 * The connections of a gRPC server: how many there are, what each of them may do, and their end.
 *
 * HTTP/2 lets one connection begin calls and take them back at next to no cost (CVE-2023-44487); so
 * what a connection may begin and give up is counted, whatever the runtime does by itself.
 *
 * @module
 */
import {
  constants,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Server, Socket } from "node:net";
import { wakefulClock } from "../../core/base/clock.ts";
import { pause } from "../../core/base/pause.ts";
import type { ServerLimits } from "../limits.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { attempt } from "./attempt.ts";
import type { GrpcLimits } from "./limits.ts";
import type { TlsFront } from "../tls/tls_front.ts";

/** How long what is told at the end may take to be sent. */
const TELLING_MS = 250;

/** What connections are held to. */
export type SessionLimits =
  & GrpcLimits
  & Pick<ServerLimits, "connectionsMax" | "idleMs" | "pingMs">;

/** Where connections come from. */
export interface SessionSource {
  readonly server: Http2Server;
  /** What listens: the server itself, or what is in front of it. */
  readonly listener: Server;
  readonly front: TlsFront | undefined;
}

/** All connections of one server. */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #metrics: Metrics;
  readonly #front: TlsFront | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Map<ServerHttp2Session, Session>();
  readonly #timer: ReturnType<typeof setInterval>;
  #isStopping = false;
  #onEmpty: (() => void) | undefined;

  constructor(
    { server, listener, front }: SessionSource,
    { limits, metrics }: { readonly limits: SessionLimits; readonly metrics: Metrics },
  ) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.#front = front;
    listener.on("connection", (socket: Socket) => this.#connected(socket));
    server.on("session", (session) => this.#opened(session));
    this.#timer = setInterval(() => this.#lookAround(), limits.pingMs);
    this.#timer.unref();
  }

  /** Whether a stream may be a call; one that may not is refused, and so is safe to try again. */
  take(stream: ServerHttp2Stream): boolean {
    stream.on("error", ignore);
    const session = this.#sessions.get(stream.session as ServerHttp2Session);
    if (session !== undefined && !this.#isStopping && session.take(stream)) return true;
    attempt(() => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    return false;
  }

  /**
   * Takes no more calls, and ends each connection when its calls are answered; those that are not when
   * `deadlineMs` is over are cut.
   *
   * @param cutCalls tells the calls that are left: not every client knows by the end of its connection
   */
  async stop(deadlineMs: number, cutCalls: () => void): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    for (const session of this.#sessions.values()) session.close();
    if (this.#sockets.size === 0) return;
    const empty = new AbortController();
    this.#onEmpty = () => empty.abort();
    await pause(wakefulClock, deadlineMs, [empty.signal]);
    cutCalls();
    await pause(wakefulClock, TELLING_MS, [empty.signal]);
    for (const session of this.#sessions.keys()) attempt(() => session.destroy());
    for (const socket of this.#sockets) socket.destroy();
  }

  #connected(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    if (this.#isStopping) return void socket.destroy();
    const isFull = this.#sockets.size >= this.#limits.connectionsMax;
    // Whoever begins handshakes and never ends them must not keep others out.
    if (isFull && !this.#front?.giveUpOldest()) {
      this.#metrics.refusedConnection("grpc");
      return void socket.destroy();
    }
    this.#sockets.add(socket);
    const ended = this.#metrics.connected("grpc");
    socket.once("close", () => {
      ended();
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
  }

  #opened(inner: ServerHttp2Session): void {
    const session = new Session(inner, this.#limits);
    this.#sessions.set(inner, session);
    inner.on("error", ignore);
    inner.once("close", () => this.#sessions.delete(inner));
    if (this.#isStopping) session.close();
  }

  #lookAround(): void {
    for (const session of this.#sessions.values()) session.lookAfter();
  }
}

/** One connection. */
class Session {
  readonly #inner: ServerHttp2Session;
  readonly #limits: SessionLimits;
  #calls = 0;
  /** Calls that may still be given up in one go. */
  #allowance: number;
  #allowanceMs = performance.now();
  #usedMs = performance.now();
  #isPinged = false;
  #isClosing = false;

  constructor(inner: ServerHttp2Session, limits: SessionLimits) {
    this.#inner = inner;
    this.#limits = limits;
    this.#allowance = limits.resetsMax;
  }

  /** Takes a stream in, if there is room. */
  take(stream: ServerHttp2Stream): boolean {
    if (this.#inner.destroyed) return false;
    if (this.#isClosing || this.#calls >= this.#limits.callsMax) {
      this.#givenUp();
      return false;
    }
    this.#calls++;
    stream.once("close", () => {
      this.#calls--;
      this.#usedMs = performance.now();
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.#givenUp();
      if (this.#isClosing && this.#calls === 0) attempt(() => this.#inner.close());
    });
    return true;
  }

  /** Ends it when its calls are answered; the client is told at once. */
  close(): void {
    this.#isClosing = true;
    attempt(() => this.#inner.close());
  }

  /** Ends it when nothing came for long; while calls are open, looks whether the client is there. */
  lookAfter(): void {
    if (this.#calls === 0) {
      if (performance.now() - this.#usedMs > this.#limits.idleMs) this.close();
      return;
    }
    if (this.#isPinged) return attempt(() => this.#inner.destroy());
    this.#isPinged = true;
    attempt(() => this.#inner.ping(() => this.#isPinged = false));
  }

  /** One call was given up, or begun where there is no room. */
  #givenUp(): void {
    const { resetsMax, resetsPerSecond } = this.#limits;
    const nowMs = performance.now();
    const gained = (nowMs - this.#allowanceMs) / 1000 * resetsPerSecond;
    this.#allowance = Math.min(resetsMax, this.#allowance + gained) - 1;
    this.#allowanceMs = nowMs;
    if (this.#allowance >= 0 || this.#inner.destroyed) return;
    attempt(() => this.#inner.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM));
    attempt(() => this.#inner.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  }
}

/** What becomes of one connection is told by its end. */
function ignore(): void {}
