/**
 * NATS with JetStream in files. This server syncs every two minutes, whatever it is asked for.
 *
 * @module
 */
import { join } from "node:path";
import { freePort, startServer } from "./child_server.ts";
import type { RunningServer } from "./server.ts";

/** Starts a server on a free port. */
export async function startNats(folder: string): Promise<RunningServer> {
  const port = await freePort();
  const options = ["--addr", "127.0.0.1", "--port", String(port)];
  const storing = ["--jetstream", "--store_dir", join(folder, "store")];
  return await startServer(["nats-server", ...options, ...storing], {
    ready: /Server is ready/,
    address: `nats://127.0.0.1:${port}`,
  });
}
