/**
 * The file of a view: rows and how far they reach, changed together. Everything here is synchronous,
 * and each change is one transaction, so that a process that ends in the middle leaves the one before.
 *
 * Two processes may write to the same file: a server, and a command beside it. Each change says what
 * it builds upon, and is not made when that is not so any more.
 *
 * @module
 */
import * as fs from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { identityOf } from "./file_identity.ts";
import { VIEW_BUSY_MS } from "./limits.ts";
import { inTransaction, isNoJson, quoted, SQLITE, type Sqlite, sqliteCode } from "./sqlite.ts";
import {
  createTables,
  indexExpression,
  indexName,
  indexPath,
  isEmptyFile,
  isViewOf,
  OWN_TABLES,
  prepareFile,
} from "./view_schema.ts";

/** A row of a topic's table. */
export interface ViewRow {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | Uint8Array | null;
  readonly type: string;
  readonly value: string | Uint8Array | null;
  readonly headers: string | null;
}

/** How far a view has taken in a partition. */
export interface ViewPosition {
  readonly partition: number;
  /** No row is below it. */
  readonly start: number;
  /** Everything below it is taken in. */
  readonly next: number;
  /** Rows. */
  readonly count: number;
  /** How often the last records had been taken away when rows were last compared with the log. */
  readonly truncations: number;
  /** How far compaction had come then. */
  readonly compacted: number;
  /** Offsets without a record that the log told of then. */
  readonly gaps: number;
  /** Of the last record that was taken in. */
  readonly witness: number | null;
}

/** Another process changed the file meanwhile: what was to be written builds upon what is no more. */
export class Overtaken extends Error {
  override readonly name = "Overtaken";
}

/** What goes with a file of SQLite's. */
const SUFFIXES = ["", "-wal", "-shm", "-journal"];

/** Removes a view. Whoever has it open reads on in what it was. */
export function removeViewFile(path: string): void {
  for (const suffix of SUFFIXES) fs.rmSync(path + suffix, { force: true });
}

/** The view of one topic, open to be written. */
export class ViewFile {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #table: string;
  /** Tells this file from another that came to have its name. */
  readonly #identity: string;
  readonly #insert: StatementSync;
  readonly #position: StatementSync;
  readonly #keep: StatementSync;

  private constructor(path: string, db: DatabaseSync, topic: string) {
    this.path = path;
    this.#db = db;
    this.#table = quoted(topic);
    this.#identity = identityOf(path);
    this.#insert = db.prepare(
      `insert into ${this.#table} (partition, offset, timestamp, key, type, value, headers)
       values (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#position = db.prepare(`select * from ${OWN_TABLES}positions where partition = ?`);
    this.#keep = db.prepare(
      `insert or replace into ${OWN_TABLES}positions values (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  /**
   * Opens the view of a topic, and makes it where there is none, or that of another topic.
   *
   * @throws errors of SQLite
   */
  static open(sqlite: Sqlite, path: string, topic: { name: string; id: string }): ViewFile {
    const db = new sqlite.DatabaseSync(path, { timeout: VIEW_BUSY_MS });
    try {
      prepareFile(db);
      inTransaction(db, () => {
        if (isEmptyFile(db)) createTables(db, topic);
      });
      if (isViewOfSurely(db, topic)) return new ViewFile(path, db, topic.name);
    } catch (error) {
      db.close();
      throw error;
    }
    db.close();
    removeViewFile(path);
    return ViewFile.open(sqlite, path, topic);
  }

  /** Whether the name still stands for this file. */
  get isCurrent(): boolean {
    return identityOf(this.path) === this.#identity;
  }

  /** Whether there are no rows. */
  get isEmpty(): boolean {
    return this.#db.prepare(`select 1 from ${this.#table} limit 1`).get() === undefined;
  }

  /** How far a partition is taken in; `undefined` before anything is. */
  position(partition: number): ViewPosition | undefined {
    return this.#position.get(partition) as unknown as ViewPosition | undefined;
  }

  /** Begins a partition. @throws {Overtaken} */
  begin(position: ViewPosition): void {
    this.#change(position.partition, undefined, () => position);
  }

  /** Takes in rows, and moves on to `next`. @throws {Overtaken} */
  add(
    at: ViewPosition,
    { rows, next, witness }: {
      readonly rows: readonly ViewRow[];
      readonly next: number;
      readonly witness: number | null;
    },
  ): ViewPosition {
    return this.#change(at.partition, at, (known) => {
      for (const { offset, timestamp, key, type, value, headers } of rows) {
        this.#insert.run(at.partition, offset, timestamp, key, type, value, headers);
      }
      return { ...known, next, count: known.count + rows.length, witness };
    });
  }

  /** Removes the rows at the offsets `[from, until)`. @throws {Overtaken} */
  remove(at: ViewPosition, { from, until }: { from: number; until: number }): ViewPosition {
    return this.#change(at.partition, at, (known) => ({
      ...known,
      start: from <= known.start ? Math.max(known.start, until) : known.start,
      count: known.count - this.#removeRows(at.partition, from, until),
    }));
  }

  /** Keeps of the offsets `[from, until)` only those that are listed, in order. @throws {Overtaken} */
  keepOnly(
    at: ViewPosition,
    { offsets, from, until }: { offsets: readonly number[]; from: number; until: number },
  ): ViewPosition {
    return this.#change(at.partition, at, (known) => {
      let removed = 0;
      let after = from;
      for (const offset of [...offsets, until]) {
        if (offset > after) removed += this.#removeRows(at.partition, after, offset);
        after = offset + 1;
      }
      return { ...known, count: known.count - removed };
    });
  }

  /** Notes something of a partition, its rows being as they are. @throws {Overtaken} */
  note(at: ViewPosition, changes: Partial<Omit<ViewPosition, "partition">>): ViewPosition {
    return this.#change(at.partition, at, (known) => ({ ...known, ...changes }));
  }

  /** The paths that indexes were asked for on, in order. */
  get indexes(): string[] {
    return this.#db.prepare("select name from sqlite_schema where type = 'index' order by name")
      .all().flatMap(({ name }) => indexPath(String(name)) ?? []);
  }

  /** Whether there are these indexes, and no others. */
  hasIndexes(paths: readonly string[]): boolean {
    const there = this.indexes;
    return there.length === paths.length && paths.every((path) => there.includes(path));
  }

  /** Makes the indexes that there shall be, and removes all others. Where there are rows, it takes long. */
  setIndexes(paths: readonly string[]): void {
    const there = this.indexes;
    inTransaction(this.#db, () => {
      for (const path of there) if (!paths.includes(path)) this.#dropIndex(path);
    });
    for (const path of paths) {
      if (there.includes(path)) continue;
      try {
        this.#createIndex(path);
      } catch (error) {
        if (!isNoJson(error)) throw error;
        this.leaveOutWhatIsNoJson();
        return this.setIndexes(paths);
      }
    }
  }

  /** Has no index on all values any more: one came that is no JSON, and SQLite cannot look into it. */
  leaveOutWhatIsNoJson(): void {
    inTransaction(this.#db, () => {
      this.#db.exec(`update ${OWN_TABLES}view set mixed = 1`);
      for (const path of this.indexes) if (path.startsWith("$")) this.#dropIndex(path);
    });
  }

  /** Lets go of the file. */
  close(): void {
    this.#db.close();
  }

  /** Changes a partition, whose rows and position must be as they are taken to be. */
  #change(
    partition: number,
    expected: ViewPosition | undefined,
    work: (known: ViewPosition) => ViewPosition,
  ): ViewPosition {
    return inTransaction(this.#db, () => {
      const known = this.position(partition);
      if (!isSame(known, expected)) throw new Overtaken("another process changed the view");
      const now = work(known!);
      const { start, next, count, truncations, compacted, gaps, witness } = now;
      this.#keep.run(partition, start, next, count, truncations, compacted, gaps, witness);
      return now;
    });
  }

  #removeRows(partition: number, from: number, until: number): number {
    const { changes } = this.#db.prepare(
      `delete from ${this.#table} where offset >= ? and offset < ? and partition = ?`,
    ).run(from, until, partition);
    return Number(changes);
  }

  #createIndex(path: string): void {
    const isMixed = this.#db.prepare(`select mixed from ${OWN_TABLES}view`).get()?.mixed === 1;
    const on = indexExpression(path, isMixed);
    this.#db.exec(`create index ${quoted(indexName(path))} on ${this.#table} (${on})`);
  }

  #dropIndex(path: string): void {
    this.#db.exec(`drop index ${quoted(indexName(path))}`);
  }
}

/** A file whose tables are not ours is no view. */
function isViewOfSurely(db: DatabaseSync, topic: { name: string; id: string }): boolean {
  try {
    return isViewOf(db, topic);
  } catch (error) {
    if (sqliteCode(error) === SQLITE.error) return false;
    throw error;
  }
}

function isSame(known: ViewPosition | undefined, expected: ViewPosition | undefined): boolean {
  if (known === undefined || expected === undefined) return known === expected;
  return known.start === expected.start && known.next === expected.next &&
    known.count === expected.count && known.truncations === expected.truncations;
}
