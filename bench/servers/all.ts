/**
 * The systems that are servers, by name, each loaded when it is used.
 *
 * @module
 */
import type { ServerSystem } from "./server.ts";

const SYSTEMS: Readonly<Record<string, () => Promise<ServerSystem>>> = {
  "seglog": async () => (await import("./seglog_client.ts")).seglogServer(false),
  "seglog encoded before": async () => (await import("./seglog_client.ts")).seglogServer(true),
  "Redis": async () => (await import("./redis.ts")).redis,
  "NATS": async () => (await import("./nats.ts")).nats,
};

/** The server of this name. */
export async function serverNamed(name: string): Promise<ServerSystem> {
  const load = SYSTEMS[name];
  if (load === undefined) throw new RangeError(`There is no server "${name}"`);
  return await load();
}
