/**
 * Finds a port for a server that is started to be tested or measured.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to whoever connects, so that it is still free after a restart. */
const PORT_MIN = 10_000;
const PORT_MAX = 32_000;

/**
 * A port on the loopback interface that nobody listens on. Nobody else is given it before this process
 * ends, whether something listens there by then or not.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    if (!await reserve(port)) continue;
    const server = createServer();
    try {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    } catch {
      continue; // taken
    }
    server.close();
    await once(server, "close");
    return port;
  }
}

/** UDP has ports of its own: who is bound to one of them has the port of TCP with the same number. */
async function reserve(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  socket.unref();
  try {
    socket.bind({ port, address: "127.0.0.1", exclusive: true });
    await once(socket, "listening");
    return true;
  } catch (error) {
    socket.close();
    if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
    return false; // it is somebody else's
  }
}
