/**
 * SQLite as the runtimes bring it: `node:sqlite` on Deno and Node, `bun:sqlite` on Bun; with a
 * write-ahead log.
 *
 * `buffered` is `synchronous=OFF`: no sync at all. `durable` is `FULL`: a sync of the write-ahead
 * log at each commit.
 *
 * @module
 */
import process from "node:process";
import type { Promised } from "./store.ts";

/** What a statement is given. */
export type Parameter = number | string | Uint8Array;

/** What the statements of both modules have. */
export interface Statement {
  /** Rows as arrays, which are made faster than objects; only in `node:sqlite`. */
  setReturnArrays?(isArray: boolean): void;
  run(...values: readonly Parameter[]): unknown;
  get(...values: readonly Parameter[]): unknown;
  iterate(...values: readonly Parameter[]): Iterable<unknown>;
}

/** What the databases of both modules have. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** A row with a value, as an array that begins with it or as an object. */
type Row = { readonly [0]?: Uint8Array; readonly value?: Uint8Array };

/** Opens a database, or makes it there. */
export async function openDatabase(path: string, promised: Promised): Promise<Database> {
  const isBun = process.versions.bun !== undefined;
  const module: string = isBun ? "bun:sqlite" : "node:sqlite";
  const { Database, DatabaseSync } = await import(module);
  const database: Database = isBun ? new Database(path) : new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${promised === "durable" ? "FULL" : "OFF"}`);
  return database;
}

/** The value of a row. */
export function valueOf(row: unknown): Uint8Array | undefined {
  if (row === undefined || row === null) return undefined;
  const { 0: first, value } = row as Row;
  return first ?? value;
}
