/** Talks to a server byte by byte, as no HTTP library would. */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

/** A connection, and everything that came over it. */
export interface RawConnection {
  readonly socket: Socket;
  write(text: string | Uint8Array): void;
  /** Resolves when what came contains `text`; fails when the connection ends before. */
  until(text: string): Promise<string>;
  /** Resolves with everything that came, when the connection has ended. */
  readonly ended: Promise<string>;
}

export async function rawConnect(port: number): Promise<RawConnection> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  let isOver = false;
  const watchers = new Set<() => void>();
  const notify = () => watchers.forEach((watcher) => watcher());
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    notify();
  });
  socket.on("error", () => {}); // the end of the connection tells
  const ended = new Promise<string>((resolve) => {
    socket.on("close", () => {
      isOver = true;
      resolve(received);
      notify();
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return {
    socket,
    write: (text) => void socket.write(text),
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (received.includes(text)) resolve(received);
          else if (isOver) reject(new Error(`ended before ${JSON.stringify(text)}: ${received}`));
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      }),
    ended,
  };
}

/** One request on a connection of its own; resolves with the whole answer. */
export async function rawRequest(port: number, head: string, body = ""): Promise<string> {
  const connection = await rawConnect(port);
  connection.write(`${head}\r\nHost: localhost\r\nConnection: close\r\n\r\n${body}`);
  return await connection.ended;
}
