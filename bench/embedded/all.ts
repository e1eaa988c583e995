/**
 * The systems that live in the process, by name. Each is loaded when it is used: what is not
 * installed, or does not run on this runtime, takes nothing else with it.
 *
 * @module
 */
import process from "node:process";
import type { EmbeddedSystem } from "./store.ts";

const SYSTEMS: Readonly<Record<string, () => Promise<EmbeddedSystem>>> = {
  "seglog": async () => (await import("./seglog.ts")).seglog("none"),
  "seglog gzip": async () => (await import("./seglog.ts")).seglog("gzip"),
  "seglog zstd": async () => (await import("./seglog.ts")).seglog("zstd"),
  "bare file": async () => (await import("./bare_file.ts")).bareFile,
  "LMDB": async () => (await import("./lmdb.ts")).lmdb,
  "SQLite": async () => (await import("./sqlite.ts")).sqlite,
  "SQLite coalesced": async () =>
    (await import("./coalesced.ts")).coalesced((await import("./sqlite.ts")).sqlite),
  "LevelDB": async () => (await import("./leveldb.ts")).levelDb,
  "hypercore": async () => {
    if (process.versions.deno === undefined) return (await import("./hypercore.ts")).hypercore;
    throw new Error("does not run on Deno: loading its native parts ends the process");
  },
};

/** The system of this name. */
export async function embedded(name: string): Promise<EmbeddedSystem> {
  const load = SYSTEMS[name];
  if (load === undefined) throw new RangeError(`There is no system "${name}"`);
  return await load();
}
