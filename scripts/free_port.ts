/**
 * Finds a port for a server that is started to be tested or measured.
 *
 * @module
 */
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to whoever connects, so that it is still free after a restart. */
const PORT_MIN = 10_000;
const PORT_MAX = 32_000;

/** A port on the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
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
