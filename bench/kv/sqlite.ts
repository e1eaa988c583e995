/**
 * SQLite: a table by key without row numbers, as it advises for keys that are no numbers; prepared
 * statements; a set is a transaction of its own. `synchronous=OFF`: no sync at all. The page cache
 * is 64 MiB instead of 2, as large as those of the others.
 *
 * @module
 */
import { join } from "node:path";
import {
  type Database,
  openDatabase,
  type Statement,
  valueOf,
} from "../embedded/sqlite_database.ts";
import { Witness } from "../embedded/store.ts";
import type { Entry, KvStore, KvSystem, Operation } from "./kv_store.ts";

const CACHE_KIB = 64 * 1024;

export const sqliteKv: KvSystem = {
  async open(folder) {
    const database = await openDatabase(join(folder, "kv.db"), "buffered");
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    database.exec(
      "CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    );
    return new SqliteKv(database);
  },
};

class SqliteKv implements KvStore {
  readonly #database: Database;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #set: Statement;
  readonly #get: Statement;
  readonly #list: Statement;
  readonly #witness = new Witness();

  constructor(database: Database) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
    this.#set = database.prepare(
      "INSERT INTO kv (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    );
    this.#get = database.prepare("SELECT value FROM kv WHERE key = ?");
    this.#list = database.prepare(
      "SELECT value, key FROM kv WHERE key >= ? ORDER BY key LIMIT ?",
    );
    this.#get.setReturnArrays?.(true);
    this.#list.setReturnArrays?.(true);
  }

  runEach(operations: readonly Operation[]): void {
    for (const { key, value } of operations) {
      if (value === undefined) this.#witness.see(valueOf(this.#get.get(key)));
      else this.#set.run(key, value);
    }
  }

  setAll(entries: readonly Entry[]): void {
    this.#begin.run();
    for (const { key, value } of entries) this.#set.run(key, value);
    this.#commit.run();
  }

  list(start: string, limit: number): number {
    let count = 0;
    for (const row of this.#list.iterate(start, limit)) {
      this.#witness.see(valueOf(row));
      count++;
    }
    return count;
  }

  settle(): void {
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  compact(): void {
    this.#database.exec("VACUUM");
    this.settle();
  }

  close(): void {
    this.#database.close();
  }
}
