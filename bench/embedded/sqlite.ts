/**
 * SQLite: a table by row number, prepared statements, one transaction a batch.
 *
 * @module
 */
import { join } from "node:path";
import { type Database, openDatabase, type Statement, valueOf } from "./sqlite_database.ts";
import { type EmbeddedStore, type EmbeddedSystem, type OpenOptions, Witness } from "./store.ts";

export const sqlite: EmbeddedSystem = {
  async open(folder, { promised }: OpenOptions) {
    const database = await openDatabase(join(folder, "log.db"), promised);
    database.exec(
      "CREATE TABLE IF NOT EXISTS log (place INTEGER PRIMARY KEY, value BLOB NOT NULL)",
    );
    return new SqliteStore(database);
  },
};

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
