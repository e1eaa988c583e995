/**
 * Redis with its append-only file on, and nothing else that it would save: `interval` is
 * `appendfsync everysec`, `always` is `appendfsync always`.
 *
 * @module
 */
import { freePort } from "../../scripts/free_port.ts";
import { startServer } from "./child_server.ts";
import type { RunningServer, Sync } from "./server.ts";

const APPEND_SYNC = { interval: "everysec", always: "always" } as const;

/** Starts a server on a free port. */
export async function startRedis(folder: string, sync: Sync): Promise<RunningServer> {
  const port = await freePort();
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
  const saving = ["--save", "", "--appendonly", "yes", "--appendfsync", APPEND_SYNC[sync]];
  const once = ["--auto-aof-rewrite-percentage", "0"]; // it would write all of it again, meanwhile
  return await startServer(["redis-server", ...options, ...saving, ...once], {
    ready: /Ready to accept connections/,
    address: `redis://127.0.0.1:${port}`,
  });
}
