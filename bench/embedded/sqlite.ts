/**
 * SQLite: `node:sqlite` on Deno and Node, `bun:sqlite` on Bun; a table by row number, prepared
 * statements, one transaction a batch, a write-ahead log.
 *
 * `buffered` is `synchronous=OFF`: no sync at all. `durable` is `FULL`: a sync of the write-ahead
 * log at each commit.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { type EmbeddedStore, type EmbeddedSystem, type OpenOptions, Witness } from "./store.ts";

/** What both modules have. */
interface Statement {
  /** Rows as arrays, which are made faster than objects; only in `node:sqlite`. */
  setReturnArrays?(isArray: boolean): void;
  run(...values: readonly (number | Uint8Array)[]): unknown;
  get(...values: readonly number[]): unknown;
  iterate(): Iterable<unknown>;
}

interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** A row with one value, as an array or as an object. */
type Row = { readonly [0]?: Uint8Array; readonly value?: Uint8Array };

export const sqlite: EmbeddedSystem = {
  async open(folder, { promised }: OpenOptions) {
    return new SqliteStore(await openDatabase(folder, promised));
  },
};

/** A database with an empty or filled table `log (place, value)`. */
async function openDatabase(folder: string, promised: string): Promise<Database> {
  const path = join(folder, "log.db");
  const isBun = process.versions.bun !== undefined;
  const module: string = isBun ? "bun:sqlite" : "node:sqlite";
  const { Database, DatabaseSync } = await import(module);
  const database: Database = isBun ? new Database(path) : new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${promised === "durable" ? "FULL" : "OFF"}`);
  database.exec("CREATE TABLE IF NOT EXISTS log (place INTEGER PRIMARY KEY, value BLOB NOT NULL)");
  return database;
}

class SqliteStore implements EmbeddedStore<readonly Uint8Array[]> {
  readonly #database: Database;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #insert: Statement;
  readonly #select: Statement;
  readonly #selectAll: Statement;
  readonly #witness = new Witness();
  #next: number;

  constructor(database: Database) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
    this.#insert = database.prepare("INSERT INTO log (place, value) VALUES (?, ?)");
    this.#select = database.prepare("SELECT value FROM log WHERE place = ?");
    this.#selectAll = database.prepare("SELECT value FROM log ORDER BY place");
    this.#select.setReturnArrays?.(true);
    this.#selectAll.setReturnArrays?.(true);
    const last = database.prepare("SELECT max(place) AS place FROM log").get();
    this.#next = ((last as { place: number | null }).place ?? -1) + 1;
  }

  get count(): number {
    return this.#next;
  }

  prepare(values: readonly Uint8Array[]): readonly Uint8Array[] {
    return values;
  }

  append(batch: readonly Uint8Array[]): void {
    this.#begin.run();
    for (const value of batch) this.#insert.run(this.#next++, value);
    this.#commit.run();
  }

  scan(): number {
    let count = 0;
    for (const row of this.#selectAll.iterate()) {
      this.#witness.see(valueOf(row));
      count++;
    }
    return count;
  }

  readEach(places: Uint32Array): void {
    for (const place of places) this.#witness.see(valueOf(this.#select.get(place)));
  }

  settle(): void {
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  close(): void {
    this.#database.close();
  }
}

function valueOf(row: unknown): Uint8Array | undefined {
  const { 0: first, value } = row as Row;
  return first ?? value;
}
