/**
 * TLS in front of a server of HTTP/2: takes connections, sees to their handshakes, and hands them on.
 *
 * Each handshake has a time, and when all places are taken, the one that has waited longest gives its
 * own to the next. The runtimes tell of one that failed or took too long, if at all, and leave it open.
 *
 * @module
 */
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Clock } from "../../core/base/clock.ts";
import { endWithCertificate } from "../tls/peer.ts";
import type { TlsMaterial } from "../tls/tls_material.ts";

/** What listens where HTTP/2 cannot be reached without TLS. */
export class TlsFront {
  /** What listens. */
  readonly listener: Server;
  readonly #handshakeMs: number;
  /** Connections whose handshake is not over, by where they come from, the oldest first. */
  readonly #unfinished = new Map<string, Socket>();
  readonly #unfollow: () => void;

  constructor(
    inner: Http2Server,
    material: TlsMaterial,
    { handshakeMs, clock }: { readonly handshakeMs: number; readonly clock: Clock },
  ) {
    this.#handshakeMs = handshakeMs;
    const options = { ...material.context(), handshakeTimeout: handshakeMs };
    this.listener = createServer({ ...options, ALPNProtocols: ["h2"] }, (socket: TLSSocket) => {
      this.#unfinished.delete(placeOf(socket));
      endWithCertificate(socket, clock);
      inner.emit("connection", socket);
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
