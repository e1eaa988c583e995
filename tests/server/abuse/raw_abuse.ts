/** Bytes that no client sends, over TCP or TLS. */
import type { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { AbusedServer } from "./abused_server.ts";

/** What asks for the end of a connection: where it is answered, nothing before it went astray. */
export const LAST = "GET /v1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** A connection, with TLS where the server has it. */
export async function openRaw({ port, certs }: AbusedServer): Promise<Socket> {
  const host = "127.0.0.1";
  const socket = certs === undefined
    ? connect({ port, host })
    : connectTls({ port, host, servername: "localhost", ca: certs.ca });
  await new Promise<void>((resolve, reject) => {
    socket.once(certs === undefined ? "connect" : "secureConnect", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => {}); // the end of the connection tells
  return socket;
}

/** Everything that comes until the server ends the connection. */
export function allFrom(socket: Socket): Promise<string> {
  let received = "";
  socket.on("data", (piece: Buffer) => received += piece.toString("latin1"));
  return new Promise((resolve) => {
    if (socket.destroyed) resolve(received);
    socket.on("close", () => resolve(received));
  });
}

/** Sends bytes on a connection of their own. @returns what comes until the server ends it */
export async function answerTo(server: AbusedServer, bytes: string): Promise<string> {
  const socket = await openRaw(server);
  const answer = allFrom(socket);
  socket.write(bytes, "latin1");
  return await answer;
}

/** The status of each answer, in order. */
export function statusesOf(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
