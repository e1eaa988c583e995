/**
 * The connections of a server: how many there are, and which of them wait for an answer.
 *
 * A server's own `close` waits for connections that may never send anything, on some runtimes for
 * ever; so they are counted here, and ended here. A client may ask again before it was answered: of
 * many such requests only some are begun, and while more wait nothing is read.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { SeglogError } from "../core/base/errors.ts";
import { PIPELINED_MAX, PIPELINED_WAITING_MAX } from "./limits.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { rawProblem } from "./raw_answer.ts";

/** All connections of one server. */
export class Connections {
  readonly #busy = new Map<Socket, Set<ServerResponse>>();
  /** Those that became WebSockets, which end by themselves. */
  readonly #upgraded = new WeakSet<Duplex>();
  readonly #connectionsMax: number;
  readonly #metrics: Metrics;
  /** Requests that are begun when those before them on their connection are answered. */
  readonly #waiting = new Map<Socket, (() => void)[]>();
  #isStopping = false;
  #onEmpty: (() => void) | undefined;

  constructor(
    server: Server,
    { connectionsMax, metrics }: { readonly connectionsMax: number; readonly metrics: Metrics },
  ) {
    this.#connectionsMax = connectionsMax;
    this.#metrics = metrics;
    server.on("connection", (socket) => this.#opened(socket));
    server.prependListener("upgrade", (_request, socket) => this.#upgraded.add(socket));
    server.prependListener("request", (request, response) => this.#asked(request, response));
  }

  /** Connections that are open now. */
  get count(): number {
    return this.#busy.size;
  }

  /** Begins with a request, at once or when enough of those before it are answered. */
  inTurn({ socket }: IncomingMessage, begin: () => void): void {
    const asked = this.#busy.get(socket)?.size ?? 0;
    if (asked <= PIPELINED_MAX) return begin();
    let waiting = this.#waiting.get(socket);
    if (waiting === undefined) this.#waiting.set(socket, waiting = []);
    waiting.push(begin);
    // What was read already comes in any case; who sends on all the same is none to be kept.
    if (waiting.length > PIPELINED_WAITING_MAX) socket.destroy();
    else socket.pause();
  }

  /**
   * Ends idle connections at once, the others when they are answered, and those that have not ended
   * when `deadlineMs` is over.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    for (const [socket, responses] of this.#busy) {
      if (responses.size === 0 && !this.#upgraded.has(socket)) socket.destroy();
      for (const response of responses) announceEnd(response);
    }
    if (this.#busy.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const socket of this.#busy.keys()) socket.destroy();
        resolve();
      }, deadlineMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #opened(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    if (this.#isStopping) return void socket.destroy();
    if (this.#busy.size >= this.#connectionsMax) {
      this.#metrics.refusedConnection("http");
      const limit = this.#connectionsMax;
      socket.end(rawProblem(
        new SeglogError("overloaded", `Cannot take more than ${limit} connections: try again`),
      ));
      return;
    }
    this.#busy.set(socket, new Set());
    const ended = this.#metrics.connected("http");
    socket.once("close", () => {
      ended();
      this.#busy.delete(socket);
      this.#waiting.delete(socket);
      if (this.#busy.size === 0) this.#onEmpty?.();
    });
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    request.on("error", ignore);
    response.on("error", ignore);
    const responses = this.#busy.get(socket);
    if (responses === undefined) return;
    responses.add(response);
    if (this.#isStopping) announceEnd(response);
    response.once("close", () => {
      responses.delete(response);
      this.#beginNext(socket);
      if (this.#isStopping && responses.size === 0) socket.destroySoon();
    });
  }

  #beginNext(socket: Socket): void {
    const waiting = this.#waiting.get(socket);
    if (waiting === undefined) return;
    waiting.shift()?.();
    if (waiting.length > 0) return;
    this.#waiting.delete(socket);
    socket.resume();
  }
}

/** Whatever happens to one connection is no concern of the process; its end is told by `close`. */
function ignore(): void {}

/** The client learns that the connection will not take another request. */
function announceEnd(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("connection", "close");
}
