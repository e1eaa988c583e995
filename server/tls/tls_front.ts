/**
 * TLS in front of a server: takes connections, sees to their handshakes, and hands them on.
 *
 * `https` is not used: on Bun it neither takes new certificates while it runs, nor ends handshakes
 * that take for ever, nor tells who the client is. `tls` does all that on all three runtimes. They tell
 * of a handshake that failed or took too long, if at all, and leave it open: so each has a time, and
 * when all places are taken, the one that has waited longest gives its own to the next.
 *
 * @module
 */
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { TlsMaterial } from "./tls_material.ts";

/** What a front needs, and what it holds to. */
export interface TlsFrontParts {
  readonly material: TlsMaterial;
  /** What is spoken behind it: `h2`, `http/1.1`. */
  readonly protocol: string;
  /** Longest time for a handshake. */
  readonly handshakeMs: number;
  /** Takes a connection whose handshake is over. */
  readonly secured: (socket: TLSSocket) => void;
}

/** What listens where a server cannot be reached without TLS. */
export class TlsFront {
  /** What listens for connections, which are secured here. */
  readonly listener: Server;
  readonly #handshakeMs: number;
  /** Connections whose handshake is not over, by where they come from, the oldest first. */
  readonly #unfinished = new Map<string, Socket>();
  readonly #unfollow: () => void;

  constructor({ material, protocol, handshakeMs, secured }: TlsFrontParts) {
    this.#handshakeMs = handshakeMs;
    const options = { ...material.context(), handshakeTimeout: handshakeMs };
    this.listener = createServer({ ...options, ALPNProtocols: [protocol] }, (socket) => {
      this.#unfinished.delete(placeOf(socket));
      socket.on("error", () => socket.destroy());
      secured(socket);
    });
    this.listener.on("connection", (socket: Socket) => this.#opened(socket));
    this.listener.on("tlsClientError", (_error: unknown, socket: Socket) => {
      this.#unfinished.get(placeOf(socket))?.destroy();
      socket.destroy();
    });
    this.#unfollow = material.follow((context) => this.listener.setSecureContext(context));
  }

  /** Ends the oldest of the handshakes that are under way; `false` when none is. */
  giveUpOldest(): boolean {
    const [oldest] = this.#unfinished.values();
    oldest?.destroy();
    return oldest !== undefined;
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
    const isUnfinished = () => this.#unfinished.get(place) === socket;
    const timer = setTimeout(() => isUnfinished() && socket.destroy(), this.#handshakeMs);
    this.#unfinished.set(place, socket);
    socket.once("close", () => {
      clearTimeout(timer);
      if (isUnfinished()) this.#unfinished.delete(place);
    });
  }
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
