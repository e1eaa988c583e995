import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to whoever connects, so that it is still free after a restart. */
const PORT_MIN = 10_000;
const PORT_MAX = 32_000;
const STARTS_MAX = 10;

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

/** Starts something that listens, and anew when another process has taken its port meanwhile. */
export async function untilBound<T>(start: () => Promise<T>): Promise<T> {
  for (let i = 1;; i++) {
    try {
      return await start();
    } catch (error) {
      const isTaken = /address already in use/.test((error as Error).message);
      if (!isTaken || i === STARTS_MAX) throw error;
    }
  }
}
