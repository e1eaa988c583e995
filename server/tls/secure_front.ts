/**
 * TLS in front of an HTTP server: takes connections, sees to their handshakes, and hands them on.
 *
 * `https` is not used: on Bun it neither takes new certificates while it runs, nor ends handshakes
 * that take for ever, nor tells who the client is. `tls` does all that on all three runtimes.
 *
 * @module
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { createServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import type { Clock } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { rawProblem } from "../raw_answer.ts";
import { endWithCertificate, subjectOf } from "./peer.ts";
import type { TlsMaterial } from "./tls_material.ts";

/** What a front needs, and what it holds to. */
export interface SecureFrontParts {
  readonly material: TlsMaterial;
  /** Connections at once, from their first byte on; one more has the place of a slow handshake. */
  readonly connectionsMax: number;
  /** Longest time for a handshake. */
  readonly handshakeMs: number;
  /** How long a client that was refused has to read why. */
  readonly refusalMs: number;
  readonly clock: Clock;
}

/** The server that listens where an HTTP server cannot be reached without TLS. */
export class SecureFront {
  /** What listens. */
  readonly listener: TlsServer;
  readonly #http: Server;
  readonly #parts: SecureFrontParts;
  /** Connections whose handshake is not over, by where they come from, the oldest first. */
  readonly #unfinished = new Map<string, Socket>();
  readonly #unfollow: () => void;
  #connections = 0;

  constructor(http: Server, parts: SecureFrontParts) {
    const { material, handshakeMs } = parts;
    this.#http = http;
    this.#parts = parts;
    this.listener = createServer(
      { ...material.context(), handshakeTimeout: handshakeMs, ALPNProtocols: ["http/1.1"] },
      (socket) => this.#secured(socket),
    );
    this.listener.on("connection", (socket: Socket) => this.#opened(socket));
    // The runtimes tell of a handshake that failed or took too long, and leave it open.
    this.listener.on("tlsClientError", (_error, socket) => this.#failed(socket));
    this.#unfollow = material.follow((context) => this.listener.setSecureContext(context));
    // Deno ends a connection after its first answer where the HTTP server does not listen itself.
    Object.defineProperty(http, "listening", { get: () => this.listener.listening });
  }

  /** Takes no more connections, and ends those whose handshake is not over. */
  close(): void {
    this.#unfollow();
    this.listener.close();
    for (const socket of this.#unfinished.values()) socket.destroy();
  }

  #opened(socket: Socket): void {
    const place = placeOf(socket);
    socket.on("error", () => socket.destroy());
    if (this.#connections >= this.#parts.connectionsMax) {
      // Whoever begins handshakes and never ends them must not keep others out.
      const [slowest] = this.#unfinished;
      // Without a handshake there is no way to say why.
      if (slowest === undefined) return void socket.destroy();
      this.#unfinished.delete(slowest[0]);
      slowest[1].destroy();
    }
    this.#connections++;
    this.#unfinished.set(place, socket);
    socket.once("close", () => {
      this.#connections--;
      if (this.#unfinished.get(place) === socket) this.#unfinished.delete(place);
    });
  }

  #secured(socket: TLSSocket): void {
    this.#unfinished.delete(placeOf(socket));
    socket.on("error", () => socket.destroy());
    const { clock } = this.#parts;
    try {
      subjectOf(socket, clock.now());
    } catch (error) {
      return this.#refuse(socket, error);
    }
    endWithCertificate(socket, clock);
    this.#http.emit("connection", socket);
  }

  #failed(socket: TLSSocket): void {
    this.#unfinished.get(placeOf(socket))?.destroy();
    socket.destroy();
  }

  /** What the client sends is read and dropped, so that the answer is not lost to a reset. */
  #refuse(socket: TLSSocket, error: unknown): void {
    const timer = setTimeout(() => socket.destroy(), this.#parts.refusalMs);
    socket.once("close", () => clearTimeout(timer));
    socket.resume();
    const told = error instanceof SeglogError
      ? error
      : new SeglogError("unauthenticated", "Cannot take the certificate of the client");
    socket.end(rawProblem(told));
  }
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
