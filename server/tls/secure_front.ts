/**
 * An HTTP server that is reached by TLS only: its connections are counted from their first byte on, and
 * clients whose certificate does not count are told why.
 *
 * @module
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import { SeglogError } from "../../core/base/errors.ts";
import { rawProblem } from "../raw_answer.ts";
import { subjectOf } from "./peer.ts";
import { TlsFront } from "./tls_front.ts";
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
}

/** The server that listens where an HTTP server cannot be reached without TLS. */
export class SecureFront {
  readonly #front: TlsFront;
  readonly #http: Server;
  readonly #parts: SecureFrontParts;
  #connections = 0;

  constructor(http: Server, parts: SecureFrontParts) {
    const { material, handshakeMs } = parts;
    this.#http = http;
    this.#parts = parts;
    this.#front = new TlsFront({
      ...{ material, handshakeMs, protocol: "http/1.1" },
      secured: (socket) => this.#secured(socket),
    });
    this.listener.on("connection", (socket: Socket) => this.#opened(socket));
    // Deno ends a connection after its first answer where the HTTP server does not listen itself.
    Object.defineProperty(http, "listening", { get: () => this.listener.listening });
  }

  /** What listens. */
  get listener(): TlsServer {
    return this.#front.listener;
  }

  /** Takes no more connections, and ends those whose handshake is not over. */
  close(): void {
    this.#front.close();
  }

  #opened(socket: Socket): void {
    // Whoever begins handshakes and never ends them must not keep others out. Where nobody does, it is
    // this one that ends, and there is no way to say why: that takes a handshake.
    if (this.#connections >= this.#parts.connectionsMax) this.#front.giveUpOldest();
    this.#connections++;
    socket.once("close", () => this.#connections--);
  }

  #secured(socket: TLSSocket): void {
    try {
      subjectOf(socket, Date.now());
    } catch (error) {
      return this.#refuse(socket, error);
    }
    this.#http.emit("connection", socket);
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
