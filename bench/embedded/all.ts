/**
 * The systems that live in the process, by name. Each is loaded when it is used: what is not
 * installed, or does not run on this runtime, takes nothing else with it.
 *
 * @module
 */
import type { EmbeddedSystem } from "./store.ts";

const SYSTEMS: Readonly<Record<string, () => Promise<EmbeddedSystem>>> = {
  "seglog": async () => (await import("./seglog.ts")).seglog("none"),
  "bare file": async () => (await import("./bare_file.ts")).bareFile,
  "LMDB": async () => (await import("./lmdb.ts")).lmdb,
  "SQLite": async () => (await import("./sqlite.ts")).sqlite,
};

/** Whether a system of this name lives in the process. */
export function isEmbedded(name: string): boolean {
  return Object.hasOwn(SYSTEMS, name);
}

/** The system of this name. */
export async function embedded(name: string): Promise<EmbeddedSystem> {
  const load = SYSTEMS[name];
  if (load === undefined) throw new RangeError(`There is no system "${name}"`);
  return await load();
}
