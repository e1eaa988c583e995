/**
 * Ends connections that keep quiet: those that send no whole headers of a request in time, and those
 * that stay idle after an answer. An HTTP server does so by itself for what it listens to; for what
 * is handed to it, no two runtimes do the same.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Clock, systemClock } from "../../core/base/clock.ts";
import { clientErrorAnswer } from "../raw_answer.ts";

/** How long a connection may be quiet. */
export interface QuietTimes {
  /** Until the headers of its first request are there. */
  readonly headersMs: number;
  /** Between an answer and the headers of the next request. */
  readonly idleMs: number;
  readonly headersBytesMax: number;
}

/** Looks after all connections that `server` is handed. */
export function endQuietSockets(
  server: Server,
  { headersMs, idleMs, headersBytesMax }: QuietTimes,
  clock: Clock = systemClock,
): void {
  const waits = new Map<Socket, () => void>();
  /** Requests under way: several where a client does not wait for answers. */
  const asked = new Map<Socket, number>();
  const forget = (socket: Socket) => {
    waits.get(socket)?.();
    waits.delete(socket);
  };
  const wait = (socket: Socket, ms: number, late: () => void) => {
    forget(socket);
    if (!socket.destroyed) waits.set(socket, clock.after(ms, late));
  };
  server.on("connection", (socket: Socket) => {
    asked.set(socket, 0);
    socket.once("close", () => {
      forget(socket);
      asked.delete(socket);
    });
    wait(socket, headersMs, () => {
      socket.end(clientErrorAnswer("ERR_HTTP_REQUEST_TIMEOUT", headersBytesMax));
      wait(socket, headersMs, () => socket.destroy());
    });
  });
  server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    forget(socket);
    asked.set(socket, (asked.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = (asked.get(socket) ?? 0) - 1;
      if (left < 0) return;
      asked.set(socket, left);
      if (left === 0) wait(socket, idleMs, () => socket.destroy());
    });
  });
  onceUpgrading(server, forget);
}

/**
 * A connection that speaks another protocol from now on has its own times. Nobody may listen for
 * upgrades where none are taken, or requests that ask for one would get no answer at all.
 */
function onceUpgrading(server: Server, forget: (socket: Socket) => void): void {
  const watch = (event: string | symbol) => {
    if (event !== "upgrade") return;
    server.off("newListener", watch);
    server.prependListener("upgrade", ({ socket }: IncomingMessage) => forget(socket));
  };
  server.on("newListener", watch);
}
