/**
 * The tables of a view: one file for each topic, in which the table of its records has the topic's
 * own name.
 *
 * ```text
 * orders                     partition offset | timestamp time | key type value json | headers
 * __seglog_view              what the file is the view of
 * __seglog_positions         how far it has taken in each partition, changed with the rows
 * ```
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { SeglogError } from "../base/errors.ts";
import { VIEW_PAGE_BYTES, VIEW_PATH_MAX } from "./limits.ts";
import { literal, quoted } from "./sqlite.ts";

/** Changes with the tables: a file of another version is made anew. */
const VIEW_VERSION = 1;

/** The columns of a topic's table, as people are told of them. */
export const VIEW_COLUMNS = [
  "partition",
  "offset",
  "timestamp",
  "time",
  "key",
  "type",
  "value",
  "json",
  "headers",
] as const;

/** Tables of ours begin so, and no topic does. */
export const OWN_TABLES = "__seglog_";

const INDEX_PREFIX = `${OWN_TABLES}on:`;

/** Makes the tables in a file that is empty. */
export function createTables(db: DatabaseSync, topic: { name: string; id: string }): void {
  const table = quoted(topic.name);
  // Without a type, json is the same expression in an index and in a query.
  // Offsets come first: nearly all topics have one partition, and are asked by their offsets.
  db.exec(`
    create table ${table} (
      partition integer not null,
      offset integer not null,
      timestamp integer not null,
      time text as (strftime('%Y-%m-%dT%H:%M:%fZ', timestamp / 1000.0, 'unixepoch')) virtual,
      key,
      type text not null,
      value,
      json as (iif(type = 'json' and json_valid(value), value, null)) virtual,
      headers text,
      primary key (offset, partition)
    ) without rowid;
    create index "${OWN_TABLES}by_key" on ${table} (key);
    create index "${OWN_TABLES}by_timestamp" on ${table} (timestamp);
    create table ${OWN_TABLES}positions (
      partition integer primary key,
      start integer not null,
      next integer not null,
      count integer not null,
      truncations integer not null,
      compacted integer not null,
      gaps integer not null,
      witness integer
    );
    create table ${OWN_TABLES}view (
      version integer not null, topic text not null, id text not null, mixed integer not null
    );
  `);
  db.prepare(`insert into ${OWN_TABLES}view values (?, ?, ?, 0)`)
    .run(VIEW_VERSION, topic.name, topic.id);
}

/** Sets what has to be set before the first table is made. */
export function prepareFile(db: DatabaseSync): void {
  db.exec(`pragma page_size = ${VIEW_PAGE_BYTES}`);
  db.exec("pragma journal_mode = wal");
  // A loss of power may take the latest transactions, whole: they are taken in again.
  db.exec("pragma synchronous = normal");
}

/** Whether the file is the view of this topic, as this version makes it. */
export function isViewOf(db: DatabaseSync, topic: { name: string; id: string }): boolean {
  const view = db.prepare(`select version, topic, id from ${OWN_TABLES}view`).get();
  return view?.version === VIEW_VERSION && view.topic === topic.name && view.id === topic.id;
}

/** Whether the file has no table yet. */
export function isEmptyFile(db: DatabaseSync): boolean {
  return db.prepare("select 1 from sqlite_schema limit 1").get() === undefined;
}

/** A path into JSON, `$.user.id`, or a column. @throws {SeglogError} `invalid-argument` */
export function checkIndexPath(path: string): string {
  const refuse = (why: string) =>
    new SeglogError(
      "invalid-argument",
      `Cannot index ${
        JSON.stringify(path.slice(0, 80))
      }: ${why}; give a path such as $.user.id, or the column time or type`,
    );
  if (path === "time" || path === "type") return path;
  if (path.length > VIEW_PATH_MAX) throw refuse(`it is longer than ${VIEW_PATH_MAX}`);
  if (["key", "timestamp", "offset", "partition"].includes(path)) {
    throw refuse("this column has an index already");
  }
  if (!/^\$(?:\.(?:\w+|"[^"\p{Cc}]+")|\[\d{1,9}\])+$/u.test(path)) throw refuse("it is no path");
  return path;
}

/** The name of an index. */
export function indexName(path: string): string {
  return `${INDEX_PREFIX}${path}`;
}

/** The path that an index is on; `undefined` for one that nobody asked for. */
export function indexPath(name: string): string | undefined {
  return name.startsWith(INDEX_PREFIX) ? name.slice(INDEX_PREFIX.length) : undefined;
}

/**
 * The expression that an index is on, and that a query has to have for it. SQLite refuses to look into
 * a value that is not JSON: where there are such values, it is the column that leaves them out.
 */
export function indexExpression(path: string, isMixed: boolean): string {
  if (!path.startsWith("$")) return quoted(path);
  return `${isMixed ? "json" : "value"} ->> ${literal(path)}`;
}
