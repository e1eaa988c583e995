/**
 * An address to listen on, and the one that a server got.
 *
 * @module
 */
import type { AddressInfo, Server } from "node:net";
import { messageOf, SeglogError } from "../core/base/errors.ts";

/**
 * Resolves when the server listens.
 *
 * @throws {SeglogError} `unavailable` when the address cannot be listened on
 */
export function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      // Bun says EADDRINUSE of whatever it cannot listen on.
      const why = error.code === "EADDRINUSE"
        ? "another program listens there, or it is no address of this machine"
        : messageOf(error);
      reject(
        new SeglogError(
          "unavailable",
          `Cannot listen on ${host}:${port}: ${why}; choose another host or port, or port 0 for a free one`,
          { cause: error },
        ),
      );
    };
    server.once("error", failed);
    server.listen(port, host, () => {
      server.off("error", failed);
      resolve();
    });
  });
}

/** Where a server listens. */
export function addressOf(server: Server, scheme: string): { url: string; port: number } {
  const { address, family, port } = server.address() as AddressInfo;
  return { url: `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`, port };
}
