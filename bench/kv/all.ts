/**
 * The key-value stores that live in the process, by name. Each is loaded when it is used, as the
 * logs in `bench/embedded/` are.
 *
 * @module
 */
import type { KvSystem } from "./kv_store.ts";

const SYSTEMS: Readonly<Record<string, () => Promise<KvSystem>>> = {
  "seglog": async () => (await import("./seglog.ts")).seglogKv,
  "LMDB": async () => (await import("./lmdb.ts")).lmdbKv,
  "LevelDB": async () => (await import("./leveldb.ts")).levelDbKv,
  "SQLite": async () => (await import("./sqlite.ts")).sqliteKv,
};

/** The names of all of them, seglog first. */
export const KV_SYSTEMS: readonly string[] = Object.keys(SYSTEMS);

/** The system of this name. */
export async function kvSystem(name: string): Promise<KvSystem> {
  const load = SYSTEMS[name];
  if (load === undefined) throw new RangeError(`There is no key-value store "${name}"`);
  return await load();
}
