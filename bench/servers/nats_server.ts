/**
 * NATS with JetStream in files: one that syncs every two minutes, as it does unless told otherwise, and
 * one that syncs each write before it acknowledges it.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { findNats } from "../../scripts/find_nats.ts";
import { freePort } from "../../scripts/free_port.ts";
import { startServer } from "./child_server.ts";
import type { RunningServer, Sync } from "./server.ts";

/** Starts the server of PATH, whatever it is, on a free port. */
export async function startNats(folder: string): Promise<RunningServer> {
  const port = await freePort();
  const options = ["--addr", "127.0.0.1", "--port", String(port)];
  const storing = ["--jetstream", "--store_dir", join(folder, "store")];
  return await startServer(["nats-server", ...options, ...storing], {
    ready: /Server is ready/,
    address: `nats://127.0.0.1:${port}`,
  });
}

/** Starts one that can sync each write, on a free port. @throws {Error} when there is none */
export async function startSyncingNats(folder: string, sync: Sync): Promise<RunningServer> {
  const program = await findNats();
  if (typeof program === "string") throw new Error(`not installed: ${program}`);
  const port = await freePort();
  const config = join(folder, "server.conf");
  fs.writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"
jetstream {
  store_dir: "${join(folder, "store")}"
  ${sync === "always" ? "sync_interval: always" : ""}
}\n`,
  );
  return await startServer([program.path, "-c", config], {
    ready: /Server is ready/,
    address: `nats://127.0.0.1:${port}`,
  });
}
